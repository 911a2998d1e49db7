package proxy

import (
	"fmt"
	"math"

	"nas/blocks"
)

// proxyResolution is the input extent at which a proxy runs a network made for extent
// r: a fixed fraction of it, so that the network's resolution matters, rounded to a
// multiple of 8, at least 32 and never above r.
func proxyResolution(r int, fraction float64) int {
	p := int(math.Round(float64(r)*fraction/8)) * 8
	return min(max(p, 32), r)
}

// shrink returns n for a smaller input. Ops are shared with n. Where n resizes a map to
// a fixed extent, the result resizes it to what became of that extent.
func shrink(n *blocks.Network, fraction float64) (*blocks.Network, error) {
	in := n.Input()
	to := blocks.Shape{H: proxyResolution(in.H, fraction), W: proxyResolution(in.W, fraction), C: in.C}
	if to == in {
		return n, nil
	}
	s := &blocks.Network{Name: n.Name, Nodes: make([]blocks.Node, len(n.Nodes)), Outputs: n.Outputs}
	copy(s.Nodes, n.Nodes)
	s.Nodes[0].Op, s.Nodes[0].Shape = &blocks.Input{Shape: to}, to
	for i := 1; i < len(s.Nodes); i++ {
		nd := &s.Nodes[i]
		switch op := nd.Op.(type) {
		case *blocks.Resize:
			nd.Op = shrunkResize(n, s, i, *op)
		case *blocks.Pool:
			nd.Op = shrunkPool(n, s, i, op)
		}
		shape, err := nd.Op.OutShape(s.InShapes(i))
		if err != nil {
			return nil, fmt.Errorf("at input %v: node %q: %w", to, nd.Name, err)
		}
		nd.Shape = shape
	}
	return s, nil
}

// shrunkResize gives the resize at node i the extent in s of an earlier map that has
// the same extent in n. If there is none, it scales the extent as the input was scaled.
func shrunkResize(n, s *blocks.Network, i int, r blocks.Resize) blocks.Op {
	want := n.Nodes[i].Shape
	for j := range i {
		if was := n.Nodes[j].Shape; was.H == want.H && was.W == want.W {
			r.H, r.W = s.Nodes[j].Shape.H, s.Nodes[j].Shape.W
			return &r
		}
	}
	ratio := func(v, from, to int) int { return max(1, (v*to+from/2)/from) }
	r.H = ratio(want.H, n.Input().H, s.Input().H)
	r.W = ratio(want.W, n.Input().W, s.Input().W)
	return &r
}

// shrunkPool keeps the number of bins of pyramid pooling: windows that divide
// the whole map into a few bins. Other pooling stays as it is.
func shrunkPool(n, s *blocks.Network, i int, p *blocks.Pool) blocks.Op {
	const fewBins, smallWindow = 6, 4
	was, out, now := n.Nodes[n.Nodes[i].Inputs[0]].Shape, n.Nodes[i].Shape, s.Nodes[n.Nodes[i].Inputs[0]].Shape
	_, stride, _ := p.Window()
	whole := p.Kernel[0] == was.H-(out.H-1)*stride[0] && p.Kernel[1] == was.W-(out.W-1)*stride[1]
	if !whole || p.Pad != (blocks.Pad{}) || max(out.H, out.W) > fewBins || min(p.Kernel[0], p.Kernel[1]) <= smallWindow {
		return p
	}
	h, w := min(out.H, now.H), min(out.W, now.W)
	q := *p
	q.Stride = [2]int{now.H / h, now.W / w}
	q.Kernel = [2]int{now.H - (h-1)*q.Stride[0], now.W - (w-1)*q.Stride[1]}
	return &q
}

// shrunk returns the network at the smallest of a few fractions at which it is
// valid: fixed windows need some extent.
func shrunk(n *blocks.Network, fraction float64) (*blocks.Network, error) {
	for f := fraction; f < 1; f *= 2 {
		if s, err := shrink(n, f); err == nil {
			return s, nil
		}
	}
	return shrink(n, 1)
}
