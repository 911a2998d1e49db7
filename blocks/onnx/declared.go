package onnx

import (
	"slices"

	"nas/blocks"
)

// declared returns the dims of a tensor as its file declares them, 0 for the images, and the loops
// over one image in that order; ok is false where there is no declaration, or where it mixes images.
func (t Tensor) declared() (dims []int, loops []blocks.Stride, ok bool) {
	for k, a := range t.axes {
		n := 1
		for j, l := range a {
			switch {
			case k == 0 && j == 0 && l.Step == batchStep:
			case k == 0 || l.Step == batchStep:
				return nil, nil, false
			case l.N > 1:
				n *= l.N
				loops = append(loops, l)
			}
		}
		dims = append(dims, n)
	}
	if len(dims) == 0 {
		return nil, nil, false
	}
	dims[0] = 0
	return dims, loops, true
}

// byStep returns the extents of loops from the longest step to the shortest, with 0 for the images
// in front, and where in that list each loop is. They are the axes of N x H x W x C, cut further.
func byStep(loops []blocks.Stride) (split, at []int) {
	order := make([]int, len(loops))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return loops[b].Step - loops[a].Step })
	split, at = []int{0}, make([]int, len(loops)+1)
	for k, i := range order {
		split = append(split, loops[i].N)
		at[i+1] = k + 1
	}
	return split, at
}

// chwLoops are the loops of C x H x W.
func chwLoops(s blocks.Shape) []blocks.Stride {
	all := []blocks.Stride{{N: s.C, Step: 1}, {N: s.H, Step: s.W * s.C}, {N: s.W, Step: s.C}}
	return slices.DeleteFunc(all, func(l blocks.Stride) bool { return l.N == 1 })
}

// asDeclared gives v, of shape s, the layout in which a file declared the output t. The result has
// the dims that are returned, 0 for the images.
func (g *graph) asDeclared(v blocks.ONNXValue, s blocks.Shape, t Tensor) (blocks.ONNXValue, []int) {
	dims, loops, ok := t.declared()
	flat, whole := []int{0, s.C}, []int{0, s.C, s.H, s.W}
	switch {
	case s.IsVector() && (!ok || slices.Equal(dims, flat)):
		if !v.Vector {
			v = g.Node("Flatten", []blocks.ONNXValue{v}, blocks.ONNXAttr{Name: "axis", Value: 1})
			v.Vector = true
		}
		return v, flat
	case !ok, slices.Equal(dims, whole) && slices.Equal(loops, chwLoops(s)):
		return g.AsMap(v), whole
	}
	split, at := byStep(loops)
	v, now := g.turned(g.AsMap(v), whole, []int{0, 2, 3, 1})
	v, now = g.turned(g.reshaped(v, now, split), split, at)
	return g.reshaped(v, now, dims), dims
}

// fromDeclared turns an input in the layout in which a file declared it into N x C x H x W.
func (g *graph) fromDeclared(v blocks.ONNXValue, s blocks.Shape, t Tensor) (blocks.ONNXValue, []int) {
	dims, loops, ok := t.declared()
	whole := []int{0, s.C, s.H, s.W}
	if !ok || slices.Equal(dims, whole) && slices.Equal(loops, chwLoops(s)) {
		return v, whole
	}
	given := []int{0}
	for _, l := range loops {
		given = append(given, l.N)
	}
	_, at := byStep(loops)
	back := make([]int, len(at))
	for i, k := range at {
		back[k] = i
	}
	v, now := g.turned(g.reshaped(v, dims, given), given, back)
	v, _ = g.turned(g.reshaped(v, now, []int{0, s.H, s.W, s.C}), []int{0, s.H, s.W, s.C}, []int{0, 3, 1, 2})
	return v, dims
}

// turned appends a Transpose of a tensor of the dims given, if it moves anything.
func (g *graph) turned(v blocks.ONNXValue, dims, perm []int) (blocks.ONNXValue, []int) {
	if slices.IsSorted(perm) {
		return v, dims
	}
	out := make([]int, len(perm))
	for i, k := range perm {
		out[i] = dims[k]
	}
	return g.Node("Transpose", []blocks.ONNXValue{v}, blocks.ONNXAttr{Name: "perm", Value: perm}), out
}

// reshaped appends a Reshape from dims to others, if they differ.
func (g *graph) reshaped(v blocks.ONNXValue, from, to []int) blocks.ONNXValue {
	if slices.Equal(from, to) {
		return v
	}
	return g.Node("Reshape", []blocks.ONNXValue{v, g.Ints("shape", to...)})
}
