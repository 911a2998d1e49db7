package features

import (
	"math"

	"nas/blocks"
)

// Traits count what the slots do not say of the blocks of a network, and what a search would
// take where it were free. They add over blocks.
type Traits struct {
	Linear     int // units without a nonlinear activation in their block
	Saturating int // blocks with a sigmoid that gates nothing
	// Plain is the number of units of stride 1 and equal width that have no residual around
	// them, of blocks that expand; PlainSeparable of those that do not.
	Plain, PlainSeparable int
	Squeezed              int     // gates whose squeeze is outside [leastSqueeze, mostSqueeze] of the width
	Small, Uneven         int     // units with a kernel below 3; others whose kernel is even or not square
	Dilated               float64 // sum of log2(dilation) over the units
	Outside               float64 // sum over the units of the share of taps that dilation puts outside the map
}

func (t *Traits) add(s *Traits) {
	t.Linear += s.Linear
	t.Saturating += s.Saturating
	t.Plain += s.Plain
	t.PlainSeparable += s.PlainSeparable
	t.Squeezed += s.Squeezed
	t.Small += s.Small
	t.Uneven += s.Uneven
	t.Dilated += s.Dilated
	t.Outside += s.Outside
}

// The range of the squeeze of squeeze-and-excite in the data, as shares of the gated width:
// a quarter of the channels before a sixfold expansion, and half of the width.
const (
	leastSqueeze = 1.0 / 26
	mostSqueeze  = 0.5
)

// cell is a block while it is read; of a network without marks, what stands between one unit
// and the next.
type cell struct {
	units, same int // units; those of stride 1
	nonlinear   bool
	saturating  bool
	residual    bool
	squeeze     int // narrowest vector of the gate that is being read, 0 for none
}

// endCell counts the traits of the current cell.
func (r *reader) endCell() {
	c := &r.cell
	if c.units > 0 {
		u := &r.units[len(r.units)-1]
		if !c.nonlinear {
			r.traits.Linear += c.units
		}
		if c.saturating {
			r.traits.Saturating++
		}
		out := u.out
		if out == 0 {
			out = u.expanded
		}
		switch {
		case c.residual || c.same < c.units || out != u.in:
		case u.expanded > u.in:
			r.traits.Plain++
		default:
			r.traits.PlainSeparable++
		}
	}
	*c = cell{}
}

// activation reads a nonlinear function, node i of network n. Its kind may be one that nothing
// else reads.
func (r *reader) activation(n *blocks.Network, i int, f blocks.ActFunc) {
	nd := &n.Nodes[i]
	if nd.Shape.IsVector() || f == blocks.Identity {
		return
	}
	r.cell.nonlinear = true
	if f != blocks.Sigmoid && f != blocks.HSigmoid || nd.Shape.C == 1 {
		return
	}
	for k := i + 1; k < len(n.Nodes) && k < i+3; k++ { // x sigmoid(x) is a swish, and an attention gates
		if _, ok := n.Nodes[k].Op.(*blocks.Mul); ok {
			return
		}
	}
	r.cell.saturating = true
}

// unitTraits reads the kernel of a unit that makes a map of shape out of one of shape src.
func (r *reader) unitTraits(op *blocks.Conv, src, out blocks.Shape) {
	r.cell.units++
	if src.Pixels() == out.Pixels() {
		r.cell.same++
	}
	kernel := op.Kernel
	switch {
	case max(kernel[0], kernel[1]) < 3:
		r.traits.Small++
	case kernel[0] != kernel[1] || kernel[0]%2 == 0:
		r.traits.Uneven++
	}
	if op.Dilation[0] <= 1 && op.Dilation[1] <= 1 {
		return
	}
	_, stride, dilation := op.Window()
	r.traits.Dilated += math.Log2(float64(max(dilation[0], dilation[1])))
	inside := tapsInside(src.H, out.H, kernel[0], stride[0], dilation[0], op.Pad.Top) *
		tapsInside(src.W, out.W, kernel[1], stride[1], dilation[1], op.Pad.Left)
	whole := tapsInside(src.H, out.H, kernel[0], stride[0], 1, kernel[0]/2) *
		tapsInside(src.W, out.W, kernel[1], stride[1], 1, kernel[1]/2)
	r.traits.Outside += max(0, 1-inside/whole)
}

// tapsInside is the mean number of taps of a window along one axis that are inside a map of n rows.
func tapsInside(n, out, k, stride, dilation, pad int) float64 {
	sum := 0
	for j := range out {
		for t := range k {
			if y := j*stride - pad + t*dilation; y >= 0 && y < n {
				sum++
			}
		}
	}
	return float64(sum) / float64(max(out, 1))
}
