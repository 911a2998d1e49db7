package inherit

import (
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// take gives the tensors of node i of the child those of node p of the parent. It returns the number of values that are
// no longer drawn.
func (m *mapping) take(i, p int) (inherited int, err error) {
	nd, from, to := &m.child.Nodes[i], m.from.Node(p), m.to.Node(i)
	out := m.origins[i]
	if out.of != m.parent.Nodes[p].Shape.C {
		out = m.groups.choose(p, nd.Shape.C)
		m.origins[i] = out
	}
	params, theirs := m.child.Params(i), m.parent.Params(p)
	shared := nd.Shared
	for k := range to {
		if shared != nil && shared[k] > 0 {
			continue
		}
		switch n := 0; {
		case k >= len(from): // a bias that the parent does not have
		case k == 0 && m.takesWeights(i):
			if n, err = m.weights(i, p, out, to[k], from[k]); err != nil {
				return 0, err
			}
			inherited += n
		case len(params[k].Dims) == 1 && len(to[k]) == len(out.from) && len(from[k]) == out.of: // one for each channel
			inherited += vector(to[k], from[k], out)
		case slices.Equal(params[k].Dims, theirs[k].Dims) && out.plain() && m.inputOf(i, p).plain():
			inherited += copy(to[k], from[k])
		default:
			return 0, m.refuse(i, p)
		}
	}
	return inherited, nil
}

// refuse is the error of a layer whose weights cannot be made.
func (m *mapping) refuse(i, p int) error {
	a, b := &m.child.Nodes[i], &m.parent.Nodes[p]
	return fault.Errorf("inherit: the weights of %s in %s, an op %q from %v to %v, cannot be made of those of %s in %s, "+
		"from %v to %v: want a parent in which it is the same", a.Name, m.child.Name, a.Op.Kind(), m.child.InShapes(i)[0],
		a.Shape, b.Name, m.parent.Name, m.parent.InShapes(p)[0], b.Shape)
}

// takesWeights tells whether the first tensor of a node is a matrix from input to output channels.
func (m *mapping) takesWeights(i int) bool {
	switch m.child.Nodes[i].Op.(type) {
	case *blocks.Conv, *blocks.Linear, *blocks.ChannelConv:
		return true
	}
	return false
}

// inputOf is the origin of what node i reads; where that is unknown, or other channels than node p reads, those that a
// child takes of them.
func (m *mapping) inputOf(i, p int) origin {
	theirs := m.parent.Nodes[p].Inputs[0]
	o := m.origins[m.child.Nodes[i].Inputs[0]]
	if o.of != m.parent.Nodes[theirs].Shape.C {
		return m.groups.choose(theirs, m.child.InShapes(i)[0].C)
	}
	return o
}

// weights fills the first tensor of a convolution or a linear layer.
func (m *mapping) weights(i, p int, out origin, to, from []float32) (inherited int, err error) {
	in := m.inputOf(i, p)
	switch op := m.child.Nodes[i].Op.(type) {
	case *blocks.Conv:
		their := m.parent.Nodes[p].Op.(*blocks.Conv)
		a := filter{op.Kernel, op.G(), len(in.from), len(out.from)}
		b := filter{their.Kernel, their.G(), in.of, out.of}
		return a.take(&b, to, from, in, out), nil
	case *blocks.Linear:
		a, b := m.child.InShapes(i)[0], m.parent.InShapes(p)[0]
		if a.H != b.H || a.W != b.W {
			return 0, m.refuse(i, p)
		}
		for pixel := range a.Pixels() { // a matrix for each
			one := filter{[2]int{1, 1}, 1, a.C, len(out.from)}
			their := filter{[2]int{1, 1}, 1, b.C, out.of}
			inherited += one.take(&their, to[pixel*a.C*len(out.from):], from[pixel*b.C*out.of:], in, out)
		}
		return inherited, nil
	}
	along := filter{[2]int{1, len(to)}, 1, 1, 1} // one kernel for all channels
	their := filter{[2]int{1, len(from)}, 1, 1, 1}
	return along.take(&their, to, from, identity(1), identity(1)), nil
}

// filter is the geometry of a tensor of weights, [KH][KW][in/groups][out].
type filter struct {
	kernel          [2]int
	groups, in, out int
}

// take fills weights with those of another filter: of a channel that has an origin all, zero where what is read has
// none there. It returns their number.
func (f *filter) take(of *filter, to, from []float32, in, out origin) (taken int) {
	cpg, npg := f.in/f.groups, f.out/f.groups
	theirs, their := of.in/of.groups, of.out/of.groups
	for ky := range f.kernel[0] {
		for kx := range f.kernel[1] {
			py, px := ky+(of.kernel[0]-f.kernel[0])/2, kx+(of.kernel[1]-f.kernel[1])/2
			inside := py >= 0 && py < of.kernel[0] && px >= 0 && px < of.kernel[1]
			for c := range cpg {
				row := to[((ky*f.kernel[1]+kx)*cpg+c)*f.out:][:f.out]
				for o, po := range out.from {
					if po < 0 {
						continue
					}
					pc := in.from[o/npg*cpg+c]
					row[o] = 0
					if inside && pc >= 0 && pc/theirs == po/their {
						row[o] = from[((py*of.kernel[1]+px)*theirs+pc%theirs)*of.out+po]
					}
					taken++
				}
			}
		}
	}
	return taken
}

// vector takes a value for each channel.
func vector(to, from []float32, out origin) (taken int) {
	for c, p := range out.from {
		if p >= 0 {
			to[c] = from[p]
			taken++
		}
	}
	return taken
}
