package structure

import (
	"slices"

	"nas/blocks"
)

// Mark sets Stage and Block of all nodes of a network of which [blocks.Network.Infer] has
// set the shapes.
//
// A block is a residual block; branches that are concatenated (Inception, ShuffleNet,
// DenseNet), with the 1x1 convolution that all of them read (SqueezeNet's fire module); an
// inverted residual without its shortcut, whether separable or fused; a depthwise-separable
// convolution; or else one convolution. The stem is the first convolution, or all up to the
// last pooling before the first block of several convolutions. The head begins with the
// global pooling or the linear layers, or with 1x1 convolutions right before these.
//
// A stage begins where the extent of the map or the channels change; behind concatenations, and in
// a network with universal inverted bottlenecks (MobileNetV4), only where the extent does. It
// begins where the expansion ratio changes, too, unless kernels differ within stages. A pooling between
// blocks has the stage of the block that follows, and block 0.
//
// A network of plain convolutions whose map a linear layer reads whole (AlexNet) has a stage
// for each convolution and no blocks. Where no convolution is found, no node is marked.
func Mark(n *blocks.Network) {
	g := newGraph(n)
	ls := layersOf(g)
	end := slices.IndexFunc(ls, func(l layer) bool { return l.kind == head })
	flat := end >= 0 && reads(g, &ls[end])
	if end >= 0 {
		ls = ls[:end]
	}
	if flat && !slices.ContainsFunc(ls, func(l layer) bool { return !l.plain() }) {
		markConvolutions(g, ls)
		return
	}
	bs := blocksOf(ls)
	if len(bs) == 0 {
		return
	}
	bounds := boundaryOf(bs)
	stage, number := 0, 0
	at := bs[0].from // the end of the stem
	if k := bs[0].layer - 1; k >= 0 && ls[k].kind == pool && poolsBegin(ls, bs) {
		at = ls[k].from
	}
	for i := range bs {
		b := &bs[i]
		if i == 0 || b.begins(&bs[i-1], bounds) {
			stage, number = stage+1, 0
		}
		number++
		g.mark(at, b.from, stage, 0)
		g.mark(b.from, b.to+1, stage, number)
		at = b.to + 1
	}
	g.mark(at, len(g.order), stage+1, 0)
}

// reads reports whether the head l begins with a linear layer that reads a map.
func reads(g *graph, l *layer) bool {
	_, linear := g.node(l.from).Op.(*blocks.Linear)
	return linear && !l.in.IsVector()
}

// plain reports whether the layer may stand between convolutions of a network without blocks.
func (l *layer) plain() bool {
	return l.kind == dense || l.kind == pointwise || l.kind == pool || l.kind == other
}

// markConvolutions makes every convolution, with the pooling behind it, a stage.
func markConvolutions(g *graph, ls []layer) {
	stage := 0
	for i := range ls {
		if k := ls[i].kind; k == dense || k == pointwise {
			stage++
		}
		g.mark(ls[i].from, ls[i].to+1, stage, 0)
	}
	if stage > 0 {
		g.mark(ls[len(ls)-1].to+1, len(g.order), stage+1, 0)
	}
}

// poolsBegin reports whether a pooling stands in front of a stage behind the first.
func poolsBegin(ls []layer, bs []block) bool {
	for i := 1; i < len(bs); i++ {
		if ls[bs[i].layer-1].kind == pool && bs[i].out.Pixels() != bs[i-1].out.Pixels() {
			return true
		}
	}
	return false
}
