package inherit

import (
	"slices"

	"nas/blocks"
)

// origin says which channels of the parent those of a node are.
type origin struct {
	of   int   // the number of channels in the parent; 0: they are not of the parent
	from []int // for each channel of the child; -1: it has none there
}

// plain tells whether the channels are those of the parent, all and in their order.
func (o origin) plain() bool {
	for i, c := range o.from {
		if c != i {
			return false
		}
	}
	return o.of == len(o.from)
}

// identity are n channels that are those of the parent.
func identity(n int) origin {
	o := origin{of: n, from: make([]int, n)}
	for i := range o.from {
		o.from[i] = i
	}
	return o
}

// originOf finds the origin of the channels of node i of the child from those of the nodes before it.
func (m *mapping) originOf(i int) origin {
	nd := &m.child.Nodes[i]
	if len(nd.Inputs) == 0 {
		return identity(nd.Shape.C)
	}
	in, p := m.origins[nd.Inputs[0]], m.of[i]
	chosen := func() origin {
		if p < 0 {
			return origin{}
		}
		return m.groups.choose(p, nd.Shape.C)
	}
	switch op := nd.Op.(type) {
	case *blocks.Concat:
		return m.joined(nd)
	case *blocks.ChannelShuffle:
		return shuffled(in, op.Groups)
	case *blocks.Conv:
		if depthwise(m.child, i) && in.of > 0 {
			return in.times(nd.Shape.C / len(in.from))
		}
		return chosen()
	}
	if ties[nd.Op.Kind()] {
		for _, j := range nd.Inputs {
			if o := m.origins[j]; o.of > 0 && len(o.from) == nd.Shape.C {
				return o
			}
		}
	}
	return chosen()
}

// times is the origin of k channels for each one.
func (o origin) times(k int) origin {
	to := origin{of: k * o.of}
	for _, c := range o.from {
		for r := range k {
			if c < 0 {
				to.from = append(to.from, -1)
			} else {
				to.from = append(to.from, c*k+r)
			}
		}
	}
	return to
}

// joined is the origin of channels behind each other.
func (m *mapping) joined(nd *blocks.Node) (all origin) {
	for _, j := range nd.Inputs {
		o := m.origins[j]
		if o.of == 0 {
			return origin{}
		}
		for _, c := range o.from {
			if c >= 0 {
				c += all.of
			}
			all.from = append(all.from, c)
		}
		all.of += o.of
	}
	return all
}

// shuffled is the origin of channels whose groups were interleaved, in the child as in the parent.
func shuffled(in origin, groups int) origin {
	if in.of == 0 || in.of%groups != 0 {
		return origin{}
	}
	to := origin{of: in.of, from: slices.Clone(in.from)}
	each, parents := len(in.from)/groups, in.of/groups
	for c, from := range in.from {
		if from >= 0 {
			from = from%parents*groups + from/parents
		}
		to.from[c%each*groups+c/each] = from
	}
	return to
}
