package pytorch

import (
	"fmt"
	"math"

	"nas/blocks"
)

// padArgs is padding the way F.pad takes it.
func padArgs(p blocks.Pad) string {
	return fmt.Sprintf("(%d, %d, %d, %d)", p.Left, p.Right, p.Top, p.Bottom)
}

// applyPool writes F.max_pool2d or F.avg_pool2d. PyTorch pads both sides alike, by at most half a
// window. For other padding the map is padded first, to exactly the extent that the windows cover.
func applyPool(s *scope, i int, _ string, in []value) value {
	nd := s.g.net.Nodes[i]
	o, from := nd.Op.(*blocks.Pool), s.g.net.InShapes(i)[0]
	k, stride, _ := o.Window()
	p, x := o.Pad, in[0].asMap()
	args := pair(k)
	if stride != k {
		args += ", stride=" + pair(stride)
	} // PyTorch's default is the kernel size

	function := "F.max_pool2d"
	if o.Pool == blocks.AvgPool {
		function = "F.avg_pool2d"
	}
	if p.Top == p.Bottom && p.Left == p.Right && 2*p.Top <= k[0] && 2*p.Left <= k[1] {
		if p != (blocks.Pad{}) {
			args += ", padding=" + pair([2]int{p.Top, p.Left})
		}
		if o.Ceil {
			args += ", ceil_mode=True"
		}
		if o.Pool == blocks.AvgPool && !o.CountPad && p != (blocks.Pad{}) {
			args += ", count_include_pad=False"
		}
		return value{expr: function + "(" + x + ", " + args + ")"}
	}

	cover := p
	cover.Bottom = max(0, (nd.Shape.H-1)*stride[0]+k[0]-from.H-p.Top)
	cover.Right = max(0, (nd.Shape.W-1)*stride[1]+k[1]-from.W-p.Left)
	switch {
	case o.Pool == blocks.MaxPool:
		return value{expr: fmt.Sprintf(`%s(F.pad(%s, %s, value=float("-inf")), %s)`, function, x, padArgs(cover), args)}
	case !o.CountPad:
		return value{expr: fmt.Sprintf("avg_pool_inside(%s, %s, %s, %s)", x, pair(k), pair(stride), padArgs(cover))}
	}
	expr := fmt.Sprintf("%s(F.pad(%s, %s), %s", function, x, padArgs(p), args)
	if o.Ceil { // rounding up may find one more window in the padding
		return value{expr: fmt.Sprintf("%s, ceil_mode=True)[:, :, :%d, :%d]", expr, nd.Shape.H, nd.Shape.W)}
	}
	return value{expr: expr + ")"}
}

// applyResize writes F.interpolate. For the nearest pixel, PyTorch multiplies by a rounded ratio.
// If that would pick another pixel, rows and columns are taken by index instead.
func applyResize(s *scope, i int, _ string, in []value) value {
	o, from := s.g.net.Nodes[i].Op.(*blocks.Resize), s.g.net.InShapes(i)[0]
	x, size := in[0].asMap(), s.size(o.H, o.W)
	switch {
	case o.Mode == blocks.Nearest && roundsAlike(o, from.H, o.H) && roundsAlike(o, from.W, o.W):
		return value{expr: fmt.Sprintf(`F.interpolate(%s, size=%s, mode="nearest")`, x, size)}
	case o.Mode == blocks.Nearest:
		return value{expr: fmt.Sprintf("%s[:, :, torch.arange(%d) * %d // %d][..., torch.arange(%d) * %d // %d]",
			x, o.H, from.H, o.H, o.W, from.W, o.W)}
	case o.AlignCorners:
		return value{expr: fmt.Sprintf(`F.interpolate(%s, size=%s, mode="bilinear", align_corners=True)`, x, size)}
	}
	return value{expr: fmt.Sprintf(`F.interpolate(%s, size=%s, mode="bilinear")`, x, size)}
}

// roundsAlike reports whether PyTorch's arithmetic reads the same pixel for every output position
// of n over m.
func roundsAlike(o *blocks.Resize, m, n int) bool {
	ratio := float32(m) / float32(n)
	for i := range n {
		lo, _, _ := o.Taps(i, n, m)
		if lo != min(int(math.Floor(float64(float32(i)*ratio))), m-1) {
			return false
		}
	}
	return true
}
