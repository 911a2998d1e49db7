package blocks

// SqueezeExcite multiplies channels by a gate computed from their global means (Hu, Shen and Sun,
// CVPR 2018): pool, reduce, Act, expand, Gate, multiply. Both layers are 1x1 convolutions with
// bias.
type SqueezeExcite struct {
	Hidden int     // channels between the two layers, at least 1
	Act    ActFunc // after the first; the zero value is ReLU
	Gate   ActFunc // after the second; the zero value is Sigmoid
}

// Build appends the gate and the multiplication.
func (p SqueezeExcite) Build(b *Builder, in Value) Value {
	act, gate := p.Act, p.Gate
	if act == Identity {
		act = ReLU
	}
	if gate == Identity {
		gate = Sigmoid
	}
	var out Value
	b.Scope("se", func() {
		g := b.Apply("pool", &GlobalPool{Pool: AvgPool}, in)
		g = b.Apply("reduce", &Conv{Out: p.Hidden, Kernel: [2]int{1, 1}, Bias: true}, g)
		g = b.Act(act, g)
		g = b.Apply("expand", &Conv{Out: b.Shape(in).C, Kernel: [2]int{1, 1}, Bias: true}, g)
		g = b.Act(gate, g)
		out = b.Apply("scale", &Mul{}, in, g)
	})
	return out
}
