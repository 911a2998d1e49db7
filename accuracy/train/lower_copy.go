package train

import "nas/blocks"

// rearranged makes the layer of an op that copies runs of values.
func (l *lowering) rearranged(n *node, runs []run) (layer, error) {
	o := &rearrange{runs: runs, in: n.in, out: n.out, dOut: n.dOut}
	for _, j := range n.Inputs {
		o.dIn = append(o.dIn, l.gradient(j))
	}
	return o, nil
}

// ofChannels repeats the runs of one pixel for all pixels of a map with c channels; those of the inputs are in cs.
func ofChannels(pixels int, one []run, c int, cs []blocks.Shape) (runs []run) {
	for p := range pixels {
		for _, r := range one {
			runs = append(runs, run{r.input, p*cs[r.input].C + r.from, p*c + r.to, r.n})
		}
	}
	return runs
}

func lowerConcat(l *lowering, n *node) (layer, error) {
	var one []run
	to := 0
	for k, s := range n.shapes {
		one = append(one, run{k, 0, to, s.C})
		to += s.C
	}
	return l.rearranged(n, ofChannels(n.Shape.Pixels(), one, n.Shape.C, n.shapes))
}

func lowerStack(l *lowering, n *node) (layer, error) {
	var runs []run
	to := 0
	for k, s := range n.shapes {
		runs = append(runs, run{k, 0, to, s.Elems()})
		to += s.Elems()
	}
	return l.rearranged(n, runs)
}

func lowerShuffle(l *lowering, n *node) (layer, error) {
	groups := n.Op.(*blocks.ChannelShuffle).Groups
	each := n.Shape.C / groups
	var one []run
	for i := range groups {
		for j := range each {
			one = append(one, run{0, i*each + j, j*groups + i, 1})
		}
	}
	return l.rearranged(n, ofChannels(n.Shape.Pixels(), one, n.Shape.C, n.shapes))
}

func lowerSlice(l *lowering, n *node) (layer, error) {
	op := n.Op.(*blocks.ChannelSlice)
	one := []run{{0, op.From, 0, op.To - op.From}}
	return l.rearranged(n, ofChannels(n.Shape.Pixels(), one, n.Shape.C, n.shapes))
}

func lowerSelect(l *lowering, n *node) (layer, error) {
	var one []run
	for i, c := range n.Op.(*blocks.Select).Channels {
		one = append(one, run{0, c, i, 1})
	}
	return l.rearranged(n, ofChannels(n.Shape.Pixels(), one, n.Shape.C, n.shapes))
}
