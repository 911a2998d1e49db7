package train

import "nas/blocks/kernels"

// conv is a convolution or a linear layer.
type conv struct {
	g         kernels.Conv // of one image
	back      kernels.Conv // its transpose
	tall      bool         // images below each other are one map: pointwise, stride 1
	in, out   *tensor
	dIn       gradient
	dOut      *tensor
	m         *model
	weight    int // place among the parameters
	bias      int // the same, -1 for none
	packed    []float32
	offset    []float32 // the bias, packed
	packBack  []float32
	transpose []float32
	zeros     []float32 // a bias for back
}

// newConv prepares a convolution. needed tells whether the gradient by the input is.
func newConv(m *model, g kernels.Conv, weight, bias int, needed bool) *conv {
	c := &conv{g: g, m: m, weight: weight, bias: bias}
	c.tall = g.KH == 1 && g.KW == 1 && g.SH == 1 && g.SW == 1 && g.PadT == 0 && g.PadL == 0 && g.Groups == 1 &&
		g.OH == g.H && g.OW == g.W
	c.packed, c.offset = kernels.Alloc(g.PackedLen()), kernels.Alloc(g.BiasLen())
	need := m.set.ConvNeed(&c.g).Max(g.WeightGradNeed())
	if needed {
		c.back = g.Transpose()
		c.packBack, c.zeros = kernels.Alloc(c.back.PackedLen()), kernels.Alloc(c.back.BiasLen())
		c.transpose = make([]float32, g.KH*g.KW*(g.N/g.Groups)*g.C)
		need = need.Max(m.set.ConvNeed(&c.back))
	}
	m.need = m.need.Max(need)
	m.prepare = append(m.prepare, c.pack)
	return c
}

// pack brings the weights into the form of the kernels, before each step.
func (c *conv) pack() {
	g := &c.g
	w := c.m.values[c.weight:][:g.KH*g.KW*(g.C/g.Groups)*g.N]
	g.Pack(c.packed, w)
	if c.bias >= 0 {
		g.PackBias(c.offset, c.m.values[c.bias:][:g.N])
	}
	if c.packBack != nil {
		g.TransposeWeights(c.transpose, w)
		c.back.Pack(c.packBack, c.transpose)
	}
}

func (c *conv) uses() (forward, backward []*tensor) {
	backward = []*tensor{c.in, c.dOut}
	if c.dIn.t != nil {
		backward = append(backward, c.dIn.t)
	}
	return []*tensor{c.in, c.out}, backward
}

// maps calls f for the maps of a span: all images at once if they can be taken for one.
func (c *conv) maps(s span, f func(g, back *kernels.Conv, in, out span)) {
	if c.tall {
		g, back := c.g, c.back
		g.H, g.OH, back.H, back.OH = s.n*g.H, s.n*g.OH, s.n*back.H, s.n*back.OH
		f(&g, &back, s, s)
		return
	}
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		f(&c.g, &c.back, one, one)
	}
}

func (c *conv) forward(w *worker, s span) {
	c.maps(s, func(g, _ *kernels.Conv, in, out span) {
		w.set.Conv(g, c.packed, c.offset, kernels.Dense(c.out.of(w, out), g.OH, g.OW, g.N),
			kernels.Dense(c.in.of(w, in), g.H, g.W, g.C), kernels.Epilogue{}, g.All(), w.sc)
	})
}

func (c *conv) backward(w *worker, s span) {
	g := &c.g
	grads := c.m.grads[s.shard]
	if c.bias >= 0 {
		w.set.AddPixels(grads[c.bias:][:g.N], c.dOut.of(w, s), s.n*g.OH*g.OW, g.N, w.sc)
	}
	dw := grads[c.weight:][:g.KH*g.KW*(g.C/g.Groups)*g.N]
	c.maps(s, func(g, back *kernels.Conv, in, out span) {
		dy := c.dOut.of(w, out)
		w.set.ConvWeightGrad(g, dw, c.in.of(w, in), dy, w.sc)
		if c.dIn.t == nil {
			return
		}
		if g.SH > 1 || g.SW > 1 {
			spread := w.floats(0, back.H*back.W*back.C)
			g.Spread(spread, dy)
			dy = spread
		}
		dst := kernels.Dense(c.dIn.t.of(w, in), g.H, g.W, g.C)
		var ep kernels.Epilogue
		if c.dIn.add {
			ep.Residual = dst
		}
		w.set.Conv(back, c.packBack, c.zeros, dst, kernels.Dense(dy, back.H, back.W, back.C), ep, back.All(), w.sc)
	})
}
