package blocks

import "math"

// ECA is efficient channel attention (Wang et al., CVPR 2020): each channel is multiplied by a
// gate that one small kernel computes from the channels' global means.
type ECA struct {
	Kernel int     // odd; 0 means the paper's rule for the channels, see ECAKernel
	Gate   ActFunc // the zero value is Sigmoid
}

// ECAKernel is equation 12 of the paper with gamma 2 and b 1: log2(C)/2 + 1/2, truncated to an
// integer, plus one if that is even.
func ECAKernel(channels int) int {
	k := int(math.Log2(float64(max(channels, 1)))+1) / 2
	return max(1, k|1)
}

// Build appends the gate and the multiplication.
func (p ECA) Build(b *Builder, in Value) (out Value) {
	k := p.Kernel
	if k == 0 {
		k = ECAKernel(b.Shape(in).C)
	}
	b.Scope("eca", func() {
		g := b.Apply("pool", &GlobalPool{Pool: AvgPool}, in)
		g = b.Apply("conv", &ChannelConv{Kernel: k}, g)
		g = b.Act(gateOr(p.Gate), g)
		out = b.Apply("scale", &Mul{}, in, g)
	})
	return out
}

func gateOr(f ActFunc) ActFunc {
	if f == Identity {
		return Sigmoid
	}
	return f
}

// CBAM is the convolutional block attention module (Woo et al., ECCV 2018,
// equations 2 and 3): a channel gate from global means and maxima through one
// shared two-layer network, then a spatial gate from the channels' mean and
// maximum through a convolution. As the second layer is linear, the two vectors
// are added before it instead of after: the same function with half its work.
// Neither gate has a bias or batch normalisation.
type CBAM struct {
	Hidden int     // channels between the two layers, at least 1
	Kernel int     // of the spatial gate; 0 means 7
	Act    ActFunc // between the two layers; the zero value is ReLU
	Gate   ActFunc // the zero value is Sigmoid
}

// Build appends both gates.
func (p CBAM) Build(b *Builder, in Value) (out Value) {
	act, k := p.Act, p.Kernel
	if act == Identity {
		act = ReLU
	}
	if k == 0 {
		k = 7
	}
	b.Scope("cbam", func() {
		mean := b.Apply("mean", &GlobalPool{Pool: AvgPool}, in)
		peak := b.Apply("max", &GlobalPool{Pool: MaxPool}, in)
		g := b.Apply("stack", &Stack{}, mean, peak)
		g = b.Apply("reduce", &Conv{Out: p.Hidden, Kernel: [2]int{1, 1}}, g)
		g = b.Act(act, g)
		g = b.Apply("sum", &SumPixels{}, g)
		g = b.Apply("expand", &Conv{Out: b.Shape(in).C, Kernel: [2]int{1, 1}}, g)
		g = b.Act(gateOr(p.Gate), g)
		x := b.Apply("scale", &Mul{}, in, g)
		mean = b.Apply("spatial.mean", &ChannelPool{Pool: AvgPool}, x)
		peak = b.Apply("spatial.max", &ChannelPool{Pool: MaxPool}, x)
		g = b.Apply("spatial.concat", &Concat{}, mean, peak)
		g = b.Apply("spatial.conv", &Conv{Out: 1, Kernel: [2]int{k, k}, Pad: PadSame(k, k, 1)}, g)
		b.Scope("spatial", func() { g = b.Act(gateOr(p.Gate), g) })
		out = b.Apply("spatial.scale", &Mul{}, x, g)
	})
	return out
}
