package blocks

import "strconv"

// PyramidPooling adds context at several scales (Zhao et al., PSPNet, CVPR 2017, figure 3). For
// each n of Bins the map is averaged over a grid of n x n bins, a 1x1 convolution maps it to an
// equal share of the channels, and it is resized back. All of these and the map itself are
// concatenated, and a 1x1 convolution to Out follows. If n does not divide the extent, bins
// overlap and have the same size. A map with fewer than n rows or columns has that many bins.
type PyramidPooling struct {
	Out     int
	Bins    []int // nil means 1, 2, 3, 6
	Act     ActFunc
	Epsilon float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the block; the output has the extent of in.
func (p PyramidPooling) Build(b *Builder, in Value) Value {
	bins := p.Bins
	if bins == nil {
		bins = []int{1, 2, 3, 6}
	}
	s := b.Shape(in)
	all := []Value{in}
	for i, n := range bins {
		h, w := min(n, s.H), min(n, s.W)
		if b.Err() != nil || h < 1 || w < 1 {
			return in
		}
		op := &Pool{Pool: AvgPool, Stride: [2]int{s.H / h, s.W / w}}
		op.Kernel = [2]int{s.H - (h-1)*op.Stride[0], s.W - (w-1)*op.Stride[1]}
		name := "scale" + strconv.Itoa(i+1)
		x := b.Apply(name+".pool", op, in)
		x = Named{name, ConvBNAct{Out: max(1, s.C/len(bins)), Act: p.Act, Epsilon: p.Epsilon}}.Build(b, x)
		all = append(all, b.Apply(name+".resize", &Resize{H: s.H, W: s.W}, x))
	}
	x := b.Apply("concat", &Concat{}, all...)
	return Named{"project", ConvBNAct{Out: p.Out, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, x)
}
