package blocks

import (
	"fmt"
	"slices"
)

// Stride is one loop over a tensor: N steps of Step values each. A Step of 0
// repeats a value; a negative one runs backwards.
type Stride struct {
	N    int `json:"n"`
	Step int `json:"step"`
}

// Rearrange copies values of its input to other places without computing with
// them: transposes, strided slices, flips, repetitions, space to depth and back.
// The height, width and channels of the output are loop nests over the input in
// HWC order, the outermost loop first. An empty nest is an extent of 1:
//
//	out[y,x,c] = in[From + offset(H, y) + offset(W, x) + offset(C, c)]
//
// where offset(nest, i) writes i in the mixed radix of the nest's N and sums
// digit x Step.
type Rearrange struct {
	H    []Stride `json:"h,omitempty"`
	W    []Stride `json:"w,omitempty"`
	C    []Stride `json:"c,omitempty"`
	From int      `json:"from,omitempty"` // first value read
}

func init() { Register(func() Op { return new(Rearrange) }) }

// Kind returns "rearrange".
func (*Rearrange) Kind() string { return "rearrange" }

// OutShape multiplies the loops of each extent. Every value read must exist.
func (o *Rearrange) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	var extents [3]int
	lo, hi := o.From, o.From
	for k, nest := range [][]Stride{o.H, o.W, o.C} {
		n := 1
		for _, l := range nest {
			if l.N < 1 || l.N > maxElems || float64(n)*float64(l.N) > maxElems ||
				float64(l.N)*max(float64(l.Step), -float64(l.Step)) > 2*maxElems {
				return Shape{}, fmt.Errorf("a loop of %d steps of %d values is too large", l.N, l.Step)
			}
			n *= l.N
			lo, hi = lo+min(0, (l.N-1)*l.Step), hi+max(0, (l.N-1)*l.Step)
		}
		extents[k] = n
	}
	if lo < 0 || hi >= s.Elems() {
		return Shape{}, fmt.Errorf("reads values %d to %d of %d", lo, hi, s.Elems())
	}
	out := Shape{extents[0], extents[1], extents[2]}
	return out, out.Check()
}

// MACs returns 0.
func (*Rearrange) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Rearrange) Params([]Shape) []Param { return nil }

// offsets lists offset(nest, i) for each i.
func offsets(nest []Stride) []int {
	at := []int{0}
	for _, l := range nest {
		next := make([]int, 0, len(at)*l.N)
		for _, a := range at {
			for i := range l.N {
				next = append(next, a+i*l.Step)
			}
		}
		at = next
	}
	return at
}

// Offsets lists the offsets of the rows, columns and channels of the output in the input.
func (o *Rearrange) Offsets() (y, x, c []int) {
	y = offsets(o.H)
	for i := range y {
		y[i] += o.From
	}
	return y, offsets(o.W), offsets(o.C)
}

// Eval copies value by value.
func (o *Rearrange) Eval(out Tensor, in []Tensor, _ [][]float32) {
	h, w, c := o.Offsets()
	i := 0
	for _, y := range h {
		for _, x := range w {
			src := in[0].Data
			for _, k := range c {
				out.Data[i] = src[y+x+k]
				i++
			}
		}
	}
}

// WriteONNX writes the values in HWC order as one list, and then either the
// transpose of its loops, where every value is read once, or a Gather.
func (o *Rearrange) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	s := n.In[0]
	x := g.Node("Transpose", []ONNXValue{g.AsMap(in[0])}, ONNXAttr{"perm", []int{0, 2, 3, 1}})
	loops := slices.Concat(o.H, o.W, o.C)
	order := make([]int, len(loops))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return loops[b].Step - loops[a].Step })
	dense := 1
	for i := len(order) - 1; i >= 0; i-- {
		if l := loops[order[i]]; l.N > 1 && l.Step != dense {
			dense = -1
			break
		} else {
			dense *= l.N
		}
	}
	to := g.Ints("shape", 0, n.Out.H, n.Out.W, n.Out.C)
	if o.From == 0 && dense == s.Elems() {
		split, perm := []int{0}, make([]int, len(loops)+1)
		for at, i := range order {
			split = append(split, loops[i].N)
			perm[i+1] = at + 1
		}
		x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", split...)})
		x = g.Node("Transpose", []ONNXValue{x}, ONNXAttr{"perm", perm})
		x = g.Node("Reshape", []ONNXValue{x, to})
	} else {
		x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, s.Elems())})
		var at []int
		h, w, c := o.Offsets()
		for _, y := range h {
			for _, k := range w {
				for _, j := range c {
					at = append(at, y+k+j)
				}
			}
		}
		x = g.Node("Gather", []ONNXValue{x, g.Ints("at", at...)}, ONNXAttr{"axis", 1})
		x = g.Node("Reshape", []ONNXValue{x, to})
	}
	x = g.Node("Transpose", []ONNXValue{x}, ONNXAttr{"perm", []int{0, 3, 1, 2}})
	x.Vector = false
	return x
}
