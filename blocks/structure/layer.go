package structure

import (
	"slices"

	"nas/blocks"
)

// kind says what a layer is.
type kind uint8

const (
	other     kind = iota // resizing, a softmax, what stands before the first convolution
	dense                 // a convolution with a kernel above 1, in groups or not
	depthwise             // a depthwise convolution
	pointwise             // a 1x1 convolution
	pool                  // a pooling of windows
	residual              // everything around which a shortcut leads
	joined                // branches that another op joins, such as a concatenation
	head                  // a global pooling, a linear layer, an upsampling
)

// layer is a stretch of nodes between two values that every path through the network
// passes. Batch normalisation, activation, gate and shuffle belong to the layer before
// them.
type layer struct {
	kind     kind
	from, to int // first and last node
	in, out  blocks.Shape
	acts     bool // the last op but a normalisation is an activation
	// middle is the number of channels of the depthwise convolution inside, 0 if there
	// is none.
	middle int
	kernel int  // height of the largest kernel inside
	splits bool // a concatenation joins convolutions that read the input
	// universal says that a depthwise convolution stands in front of two 1x1 convolutions.
	universal bool
}

// layersOf divides the nodes behind the input into layers.
func layersOf(g *graph) (ls []layer) {
	from := 1
	prefix := false // the nodes since from pad the next layer's input
	for _, to := range g.passed() {
		l := layer{from: from, to: to, in: g.node(from - 1).Shape, out: g.node(to).Shape}
		if prefix {
			l.from = ls[len(ls)-1].from
			ls = ls[:len(ls)-1]
		}
		_, prefix = g.node(to).Op.(*blocks.Border)
		follows := l.classify(g, from)
		if k := len(ls) - 1; follows && k >= 0 {
			ls[k].to, ls[k].out = to, l.out
			_, act := g.node(to).Op.(*blocks.Activation)
			ls[k].acts = ls[k].acts || act || l.acts
		} else {
			ls = append(ls, l)
		}
		from = to + 1
	}
	if last := len(g.order) - 1; from <= last { // several ends
		ls = append(ls, layer{kind: head, from: from, to: last, in: g.node(from - 1).Shape, out: g.node(last).Shape})
	}
	return ls
}

// classify sets what the nodes say of the layer, of which those before from are padding.
// It reports whether they belong to the layer before.
func (l *layer) classify(g *graph, from int) (follows bool) {
	end := g.node(l.to).Op
	if from < l.to {
		return l.classifyRegion(g, from, end)
	}
	switch op := end.(type) {
	case *blocks.Conv:
		l.classifyConv(op.Kernel, op.Depthwise(l.in.C), op.Out)
	case *blocks.CondConv:
		l.classifyConv(op.Kernel, op.G() == l.in.C && l.in.C > 1, op.Out)
	case *blocks.Pool:
		l.kind = pool
		if l.out.Pixels() == 1 && l.in.Pixels() > 1 {
			l.kind = head
		}
	case *blocks.GlobalPool, *blocks.Linear, *blocks.MatMul, *blocks.Resize, *blocks.Interpolate, *blocks.ConvTranspose:
		l.kind = head
	case *blocks.Reduce:
		if l.in.Pixels() > l.out.Pixels() {
			l.kind = head
		}
	case *blocks.BatchNorm, *blocks.Activation, *blocks.PReLU, *blocks.Unary, *blocks.Normalize, *blocks.LRN,
		*blocks.ChannelShuffle, *blocks.FakeQuant, *blocks.Add, *blocks.Mul, *blocks.Binary:
		return true
	}
	return false
}

func (l *layer) classifyConv(kernel [2]int, isDepthwise bool, out int) {
	l.kernel = kernel[0]
	switch {
	case isDepthwise:
		l.kind, l.middle = depthwise, out
	case kernel == [2]int{1, 1}:
		l.kind = pointwise
	default:
		l.kind = dense
	}
}

// classifyRegion classifies several nodes, whose values end joins.
func (l *layer) classifyRegion(g *graph, from int, end blocks.Op) (follows bool) {
	_, concat := end.(*blocks.Concat)
	values, acts, up := true, true, false // value by value; an activation times its input; upsampling
	before, points := false, 0            // a depthwise convolution of the input; 1x1 convolutions of maps
	for i := from; i < l.to; i++ {
		nd := g.node(i)
		switch op := nd.Op.(type) {
		case *blocks.Activation, *blocks.Unary:
			continue
		case *blocks.Conv:
			values = false
			l.kernel = max(l.kernel, op.Kernel[0])
			src, reads := g.net.Nodes[nd.Inputs[0]].Shape, g.at[nd.Inputs[0]] == from-1
			switch {
			case op.Depthwise(src.C):
				l.middle = op.Out
				before = before || reads
			case op.Pointwise() && !src.IsVector():
				points++
			}
			l.splits = l.splits || concat && reads
		case *blocks.CondConv, *blocks.Linear, *blocks.MatMul, *blocks.Pool:
			values = false
		case *blocks.Resize, *blocks.Interpolate, *blocks.ConvTranspose:
			values, up = false, true
		}
		acts = false
	}
	l.universal = before && points > 1 && l.in == l.out
	_, gate := end.(*blocks.Mul)
	_, add := end.(*blocks.Add)
	switch {
	case l.in == l.out && gate && slices.ContainsFunc(g.node(l.to).Inputs, func(j int) bool { return g.at[j] == from-1 }):
		l.acts = acts
		return true
	case l.in == l.out && values: // a normalisation or a shuffle in small steps
		return true
	case up || gate:
		l.kind = head
	case add:
		l.kind = residual
	default:
		l.kind = joined
	}
	return false
}
