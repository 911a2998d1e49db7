package blocks

import "strconv"

// ASPP is atrous spatial pyramid pooling (Chen et al., Rethinking Atrous Convolution, 2017, figure
// 5). Side by side stand a 1x1 convolution, a 3x3 convolution for each rate, and the globally
// pooled map repeated over the whole extent. Their outputs are concatenated, and a 1x1 convolution
// follows. Each has Out channels, batch normalisation and Act. Without rates it is the light head
// of MobileNetV2 (Sandler et al., 2018, section 6.3).
type ASPP struct {
	Out     int
	Rates   []int // dilations
	Act     ActFunc
	Epsilon float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the block; the output has the extent of in.
func (p ASPP) Build(b *Builder, in Value) Value {
	branches := make([]Value, 0, len(p.Rates)+2)
	branches = append(branches, Named{"branch1", ConvBNAct{Out: p.Out, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, in))
	for i, r := range p.Rates {
		name := "branch" + strconv.Itoa(i+2)
		conv := ConvBNAct{Out: p.Out, Kernel: 3, Dilation: r, Act: p.Act, Epsilon: p.Epsilon}
		branches = append(branches, Named{name, conv}.Build(b, in))
	}
	s := b.Shape(in)
	x := b.Apply("image.pool", &GlobalPool{Pool: AvgPool}, in)
	x = Named{"image", ConvBNAct{Out: p.Out, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, x)
	x = b.Apply("image.resize", &Resize{H: s.H, W: s.W}, x)
	x = b.Apply("concat", &Concat{}, append(branches, x)...)
	return Named{"project", ConvBNAct{Out: p.Out, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, x)
}
