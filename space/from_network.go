package space

import (
	"fmt"

	"nas/blocks"
	"nas/internal/fault"
)

// FromNetwork describes a network, of the zoo or read from a file, as an Arch. The result is
// what [Space.Nearest] and [Around] start from.
//
// The blocks are found by the stage and block numbers of the nodes. Nodes without a block
// number belong to the stem if they stand before the first block, and to the head if they
// stand after the last.
//
// Details that an Arch cannot express are approximated, such as epsilons and other gates.
// The error says what cannot be: a block that is not a row of convolutions, or a head that
// is not a classifier.
func FromNetwork(n *blocks.Network) (Arch, error) {
	a := Arch{Input: n.Input()}
	groups := partition(n)
	last := -1
	for i, g := range groups {
		if g.block > 0 && g.stage > 0 {
			last = i
		}
	}
	if last < 0 {
		return a, fault.Errorf("space: network %s has no blocks", n.Name)
	}
	stage := 0
	for i, g := range groups {
		switch {
		case i > last:
			continue
		case (g.block == 0 || g.stage == 0) && len(a.Stages) == 0:
			a.Stem = append(a.Stem, g.convolutions()...)
		case g.block == 0:
			continue // a classifier's auxiliary, a pool between stages
		default:
			b, err := g.asBlock()
			if err != nil {
				return a, fault.Errorf("space: network %s: stage %d, block %d: %w", n.Name, g.stage, g.block, err)
			}
			if g.stage > maxStages {
				return a, fault.Errorf("space: network %s: stage %d, want at most %d", n.Name, g.stage, maxStages)
			}
			if g.stage != stage || len(a.Stages) == 0 {
				a.Stages, stage = append(a.Stages, make([][]Block, max(1, g.stage-len(a.Stages)))...), g.stage
			}
			k := len(a.Stages) - 1
			a.Stages[k] = append(a.Stages[k], b)
		}
	}
	head, err := headOf(n, groups[last+1:])
	if err != nil {
		return a, fault.Errorf("space: network %s: %w", n.Name, err)
	}
	a.Head = head
	return a, a.Validate()
}

// nodeGroup is the nodes of one block, or a run of nodes outside blocks.
type nodeGroup struct {
	net          *blocks.Network
	stage, block int
	nodes        []int
}

// partition divides the nodes of a network, except for the input, into groups.
func partition(n *blocks.Network) (groups []nodeGroup) {
	for i, nd := range n.Nodes[1:] {
		k := len(groups) - 1
		if k < 0 || groups[k].stage != nd.Stage || groups[k].block != nd.Block {
			groups = append(groups, nodeGroup{net: n, stage: nd.Stage, block: nd.Block})
			k++
		}
		groups[k].nodes = append(groups[k].nodes, i+1)
	}
	return groups
}

// layers returns the convolutions on feature maps in order, the gate on channels, and whether
// there is an addition.
func (g *nodeGroup) layers() (ls []convLayer, gate Attention, add bool) {
	squeezes := map[int]bool{} // layers of a squeeze-and-excite
	aside := map[int]bool{}    // nodes of gates and of the routing of experts
	for _, i := range g.nodes {
		nd := &g.net.Nodes[i]
		in := g.net.Nodes[nd.Inputs[0]].Shape
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			switch {
			case gate.Kind == CBAM && in.H == 2 && in.W == 1 && gate.Squeeze == 0:
				gate.Squeeze = op.Out
			case gate.Kind == CBAM && (in.IsVector() || in.C == 2 && op.Out == 1):
			case in.IsVector() && op.Pointwise() && op.Bias:
				if gate.Kind == NoAttention {
					gate.Kind, gate.Squeeze = SE, op.Out
				}
				squeezes[i] = true
			default:
				ls = append(ls, convLayer{conv: op, cin: in.C})
				continue
			}
			aside[i] = true
		case *blocks.CondConv:
			conv := &blocks.Conv{Out: op.Out, Kernel: op.Kernel, Stride: op.Stride, Dilation: op.Dilation,
				Pad: op.Pad, Groups: op.Groups}
			ls = append(ls, convLayer{conv: conv, cin: in.C, experts: op.Experts})
		case *blocks.ChannelConv:
			gate, aside[i] = Attention{Kind: ECA, Kernel: op.Kernel}, true
		case *blocks.Stack:
			gate.Kind = CBAM
		case *blocks.Linear, *blocks.SumPixels:
			aside[i] = true
		case *blocks.Activation:
			switch {
			case squeezes[nd.Inputs[0]] && gate.Inner == blocks.Identity:
				gate.Inner = op.Func
			case squeezes[nd.Inputs[0]]:
				gate.Gate = op.Func
			case aside[nd.Inputs[0]]:
			case len(ls) > 0:
				ls[len(ls)-1].act = op.Func
			}
		case *blocks.Add:
			add = true
		}
	}
	if gate.Kind == SE {
		if gate.Inner == blocks.Identity || gate.Gate == blocks.Identity {
			gate = Attention{}
		} else if gate.Gate != blocks.HSigmoid {
			gate.Gate = blocks.Sigmoid
		}
	}
	return ls, gate, add
}

// convolutions reads a group as a row of convolutions, which is what a stem consists of.
func (g *nodeGroup) convolutions() (bs []Block) {
	ls, _, _ := g.layers()
	for i := 0; i < len(ls); i++ {
		p := parts{kind: single(ls[i]), window: ls[i]}
		if ls[i].depthwise() && i+1 < len(ls) && ls[i+1].conv.Pointwise() {
			p.kind, p.project = DS, ls[i+1]
			i++
		}
		bs = append(bs, p.block())
	}
	return bs
}

// single is the kind of block of one convolution.
func single(l convLayer) Kind {
	if l.conv.G() > 1 {
		return Grouped
	}
	return Conv
}

// asBlock recognises a block by its convolutions.
func (g *nodeGroup) asBlock() (Block, error) {
	ls, gate, add := g.layers()
	p := parts{gate: gate, add: add}
	switch {
	case len(ls) == 1:
		p.kind, p.window = single(ls[0]), ls[0]
	case isBottleneck(ls):
		p.kind, p.expand, p.window, p.project = Bottleneck, ls[0], ls[1], ls[2]
	case len(ls) == 2 && ls[0].depthwise() && ls[1].conv.Pointwise():
		p.kind, p.window, p.project = DS, ls[0], ls[1]
	case isUniversal(ls):
		if k := ls[0].conv.Kernel; k[0] != k[1] {
			return Block{}, fmt.Errorf("kernel size %dx%d before the expansion is not square", k[0], k[1])
		}
		p.universal(ls)
	case len(ls) == 3 && ls[0].conv.Pointwise() && ls[1].depthwise() && ls[2].conv.Pointwise():
		p.kind, p.expand, p.window, p.project = MBConv, ls[0], ls[1], ls[2]
	case len(ls) == 2 && ls[0].conv.G() == 1 && ls[1].conv.Pointwise():
		p.kind, p.window, p.project = Fused, ls[0], ls[1]
	default:
		return Block{}, fmt.Errorf("%d convolutions that are no block of a space (conv, grouped, ds, mbconv, fused, uib, "+
			"bottleneck)",
			len(ls))
	}
	return p.block(), nil
}

// isBottleneck reports whether convolutions are a Bottleneck: 1x1, KxK and 1x1 with the same activation behind all of
// them or behind the sum, and perhaps a 1x1 convolution of the input.
func isBottleneck(ls []convLayer) bool {
	n := len(ls)
	if n < 3 || n > 4 || !ls[0].conv.Pointwise() || !ls[2].conv.Pointwise() ||
		ls[n-1].act != ls[1].act || ls[1].act == blocks.Identity || ls[0].experts+ls[1].experts+ls[2].experts > 0 ||
		ls[0].conv.Out != ls[1].conv.Out {
		return false
	}
	return n == 3 || ls[3].conv.Kernel == [2]int{1, 1} && ls[3].cin == ls[0].cin && ls[3].conv.Out == ls[2].conv.Out
}

// isUniversal reports whether convolutions are a UIB and no other kind: two 1x1 convolutions in
// a row or around a depthwise one, with another depthwise before them, or one that expands
// to as many channels as there are.
func isUniversal(ls []convLayer) bool {
	rest := ls
	before := len(rest) > 2 && rest[0].depthwise()
	if before {
		rest = rest[1:]
	}
	n := len(rest)
	return n >= 2 && n <= 3 && rest[0].conv.Pointwise() && rest[n-1].conv.Pointwise() &&
		(n == 2 || rest[1].depthwise()) && (before || rest[0].conv.Out == rest[0].cin)
}

// universal takes convolutions for which isUniversal holds.
func (p *parts) universal(ls []convLayer) {
	n := len(ls)
	p.kind, p.project, ls = UIB, ls[n-1], ls[:n-1]
	if last := ls[len(ls)-1]; last.depthwise() {
		p.window, ls = last, ls[:len(ls)-1]
	}
	if p.expand = ls[len(ls)-1]; len(ls) > 1 {
		p.before = ls[0]
	}
}

// headOf reads a classifier: convolutions on the map, pooling, linear layers
// (or 1x1 convolutions on the pooled vector).
func headOf(n *blocks.Network, groups []nodeGroup) (Head, error) {
	h := Head{Kind: Classifier}
	linear := 0
	for _, g := range groups {
		for _, i := range g.nodes {
			nd := n.Nodes[i]
			vector := n.Nodes[nd.Inputs[0]].Shape.IsVector()
			switch op := nd.Op.(type) {
			case *blocks.Conv:
				if vector {
					linear++
					h.Hidden, h.Classes = h.Classes, op.Out
				} else {
					h.Channels = op.Out
				}
			case *blocks.Linear:
				linear++
				h.Hidden, h.Classes = h.Classes, op.Out
			case *blocks.Activation:
				h.Activation = op.Func
			}
		}
	}
	if linear == 0 || !n.Output().IsVector() {
		return h, fmt.Errorf("the head is not a classifier (pooling and linear layers)")
	}
	if h.Channels == 0 && h.Hidden == 0 {
		h.Activation = blocks.Identity
	}
	return h, nil
}

// convLayer is a convolution with the activation behind it.
type convLayer struct {
	conv    *blocks.Conv
	cin     int
	act     blocks.ActFunc
	experts int // of a mixture; 0 for an ordinary convolution
}

func (l convLayer) depthwise() bool { return l.conv.Depthwise(l.cin) }

// parts are the convolutions of a block by what they do. Where there is none, conv is nil.
type parts struct {
	kind    Kind
	before  convLayer // UIB: the depthwise convolution before the expansion
	expand  convLayer // the 1x1 convolution to the channels inside
	window  convLayer // the KxK convolution
	project convLayer // the 1x1 convolution to the output
	gate    Attention
	add     bool // the input is added
}

// block returns the numbers of a block that has these convolutions: the inverse of layers.
func (p *parts) block() Block {
	b := Block{Kind: p.kind, Stride: 1, Dilation: 1, Groups: 1, Activation: p.expand.act, Residual: p.add}
	for _, l := range []convLayer{p.before, p.expand, p.window, p.project} {
		if l.conv != nil {
			_, s, d := l.conv.Window()
			b.Stride *= s[0]
			b.Dilation = max(b.Dilation, d[0])
			b.Channels = l.conv.Out
		}
	}
	if c := p.window.conv; c != nil {
		k, _, _ := c.Window()
		b.setKernel(Rectangle(k[0], k[1]))
		b.Activation, b.Experts = p.window.act, p.window.experts
	}
	switch b.Kind {
	case Grouped:
		b.Groups = p.window.conv.G()
	case DS:
		if m := p.window.conv.Out / p.window.cin; m > 1 {
			b.Multiplier = m
		}
		switch {
		case p.project.act == blocks.Identity:
			b.After = blocks.AfterDepthwise
		case p.window.act == blocks.Identity:
			b.After, b.Activation = blocks.AfterPointwise, p.project.act
		}
	case Fused:
		b.Expanded = p.window.conv.Out
	case MBConv:
		b.Expanded = p.expand.conv.Out
	case UIB:
		b.Expanded, b.Experts = p.expand.conv.Out, 0
		if p.before.conv != nil {
			b.Before = p.before.conv.Kernel[0]
		}
	case Bottleneck:
		b.Expanded, b.Groups = p.window.conv.Out, p.window.conv.G()
	}
	if b.Kind.has(gAttention) {
		b.Attention = p.gate
	}
	if kindTable[b.Kind].pointwise && b.Kind.has(gExperts) {
		b.PointExperts = p.project.experts
	}
	return b
}
