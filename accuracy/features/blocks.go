package features

import (
	"math"

	"nas/blocks"
)

// MaxExpansion caps the expanded width that counts: this multiple of the
// block's input channels, and twice this multiple of its output channels. No
// network of the data has more, and an optimiser would.
const MaxExpansion = 6

// MaxKernel is the largest kernel size outside the stem in the data. A larger kernel
// counts as this: what nobody measured must not pay. A few networks of the data have 7.
const MaxKernel = 5

// Blocks is what is read of one or several whole blocks of a network, to be joined by
// [Join]. It must not be changed.
type Blocks struct {
	in, out blocks.Shape
	units   []unit
	// amounts is the work of which it is decided which share counts, in order. macs and
	// params is the work after that.
	amounts      []amount
	macs, params float64
	allMACs      float64
	swishMACs    float64 // whose activation, within these blocks, is swish or hard-swish
	actMACs      float64 // since the last activation
	activated    bool    // there is an activation
	swishFirst   bool    // the first one is swish or hard-swish
	gateFirst    bool    // a gate of one value for each channel comes before all units
	gateOther    bool    // and it is not just a product of vectors
	pooled       bool    // there is a global pooling
	vector       int     // channels that the last linear layer reads
	unseen       Unseen
	traits       Traits
	windowed     windowed
	skips        bool // one of them skips rows of its map
}

// unit is one spatial convolution outside the stem, with what belongs to it.
type unit struct {
	pixels   int     // of its output
	expanded int     // channels
	in       int     // channels into the block
	out      int     // channels of the block's output
	counted  float64 // expanded width that counts
	kernel   float64
	se       bool
}

// count sets the expanded width that counts, once the block's output is known.
func (u *unit) count() {
	e := float64(u.expanded)
	if u.in > 0 {
		e = math.Min(e, MaxExpansion*float64(u.in))
	}
	if u.out > 0 {
		e = math.Min(e, 2*MaxExpansion*float64(u.out))
	}
	u.counted = e
}

// amount is work of which a share counts, together with the work before it that is in
// no other amount.
type amount struct {
	share, macs, params float64
	linear              bool // counts whole, and without the work before it
}

// Unseen marks what no trained network of the data has.
type Unseen struct {
	Dilated      bool
	LargeKernel  bool
	Uneven       bool // a kernel that is not square, or of an even size
	Universal    bool // a universal bottleneck: a depthwise convolution before the expansion, or none
	Experts      bool // a convolution mixed from several, which counts as one
	Attention    bool // a gate that is not one value for each channel
	Grouped      bool // groups, but not depthwise
	StandardConv bool // a convolution with a kernel above 1 outside the stem that is not depthwise
	DeepStride   bool // blocks beyond output stride 32
	ShallowStem  bool // blocks before output stride 2
	NoPooling    bool // no global pooling before the classifier
	NoVector     bool // the output is a map
}

// add marks what s marks of some blocks; the other fields are of whole networks.
func (u *Unseen) add(s *Unseen) {
	u.Dilated = u.Dilated || s.Dilated
	u.LargeKernel = u.LargeKernel || s.LargeKernel
	u.Uneven = u.Uneven || s.Uneven
	u.Universal = u.Universal || s.Universal
	u.Experts = u.Experts || s.Experts
	u.Attention = u.Attention || s.Attention
	u.Grouped = u.Grouped || s.Grouped
	u.StandardConv = u.StandardConv || s.StandardConv
}

// OfBlocks reads one or several whole blocks, given as a network whose input is what
// they read. Its nodes must tell the stem and the blocks apart by stage and block as
// those of the whole network do.
func OfBlocks(n *blocks.Network) *Blocks {
	b := readBlocks(n, true, nil)
	b.windowed.letGo()
	return b
}

// reader reads the nodes of blocks in order.
type reader struct {
	*Blocks
	marked  bool // nodes carry stages and blocks; otherwise ops tell where blocks begin
	blockIn int  // channels into the current block
	first   bool // no spatial convolution has been read
	// The stage and block of the last unit.
	unitStage, unitBlock int
	unitDepthwise        bool // the last unit is a depthwise convolution
	block                lineage
	cell                 cell
	// Of the last node of windows: what it reads, what it makes, and whether it skips rows.
	read, made blocks.Shape
	skipped    bool
}

// readBlocks reads a network or a part of it. routing holds the nodes that are not read, since they
// only compute the shares of experts; nil: not known yet.
func readBlocks(n *blocks.Network, marked bool, routing map[int]bool) *Blocks {
	size := len(n.Nodes)/8 + 1 // a block has about so many ops
	b := &Blocks{in: n.Input(), out: n.Output(), units: make([]unit, 0, size),
		amounts: make([]amount, 0, size), windowed: windowed{network: n, nodes: make([]int, 0, size)}}
	r := reader{Blocks: b, marked: marked, blockIn: b.in.C, first: true, unitStage: -1, unitBlock: -1}
	stage, block := -1, -1
	for i := 1; i < len(n.Nodes); i++ {
		if routing != nil && routing[i] {
			continue
		}
		nd := &n.Nodes[i]
		src := n.Nodes[nd.Inputs[0]].Shape
		if nd.Stage != stage || nd.Block != block {
			stage, block = nd.Stage, nd.Block
			if marked {
				r.endCell()
			}
			r.blockIn = src.C
			r.block = lineage{first: i}
		}
		r.block.inherit(i, nd)
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			folded := op.Bias && !src.IsVector() && !normalised(n, i)
			r.conv(i, nd, op, src, folded)
			if folded {
				b.params += 2 * float64(op.Out)
			}
		case *blocks.CondConv:
			if routing == nil { // some of the nodes that have been read compute shares
				return readBlocks(n, marked, routingOf(n))
			}
			b.unseen.Experts = true
			r.conv(i, nd, op.Convolution(), src, false)
		case *blocks.BatchNorm:
			b.params += 2 * float64(src.C)
		case *blocks.Activation:
			if op.Func == blocks.Swish || op.Func == blocks.HSwish {
				b.swishMACs += b.actMACs
				b.swishFirst = b.swishFirst || !b.activated
			}
			b.actMACs, b.activated = 0, true
			r.activation(n, i, op.Func)
		case *blocks.Unary, *blocks.PReLU:
			r.activation(n, i, blocks.ReLU)
		case *blocks.Add, *blocks.Concat:
			r.cell.residual = true
		case *blocks.Mul:
			r.gate(nd, n.Nodes[nd.Inputs[1]].Shape)
		case *blocks.Linear:
			macs := float64(src.Elems()) * float64(op.Out)
			b.allMACs += macs
			b.vector = src.Elems()
			b.amounts = append(b.amounts, amount{linear: true, macs: macs})
		case *blocks.Pool:
			kernel, stride, dilation := op.Window()
			r.window(i, &src, &nd.Shape, skipsRows(&kernel, &stride, &dilation))
		case *blocks.GlobalPool:
			b.pooled = true
		}
	}
	r.endCell()
	return b
}

// routingOf returns the nodes that compute the shares of experts.
func routingOf(n *blocks.Network) map[int]bool {
	nodes := make(map[int]bool)
	for i := len(n.Nodes) - 1; i > 0; i-- {
		nd := &n.Nodes[i]
		if _, ok := nd.Op.(*blocks.CondConv); ok {
			nodes[nd.Inputs[1]] = true
		} else if nodes[i] {
			for _, in := range nd.Inputs {
				nodes[in] = nodes[in] || n.Nodes[in].Shape.IsVector()
			}
		}
	}
	return nodes
}

// normalised reports whether node i+1 is a batch normalisation of node i.
func normalised(n *blocks.Network, i int) bool {
	if i+1 == len(n.Nodes) {
		return false
	}
	next := &n.Nodes[i+1]
	_, bn := next.Op.(*blocks.BatchNorm)
	return bn && next.Inputs[0] == i
}

// conv reads a convolution, node i, of a map of shape src. folded says that its bias holds a
// batch normalisation, which counts as before it was folded.
func (r *reader) conv(i int, nd *blocks.Node, op *blocks.Conv, src blocks.Shape, folded bool) {
	g := op.G()
	weights := float64(min(op.Kernel[0], MaxKernel)*min(op.Kernel[1], MaxKernel)*(src.C/g)) * float64(op.Out)
	macs := float64(nd.Shape.Pixels()) * weights
	r.allMACs += macs
	r.actMACs += macs
	r.macs += macs
	r.params += weights
	if op.Kernel[0] > 1 || op.Kernel[1] > 1 || op.Stride[0] > 1 || op.Stride[1] > 1 {
		r.window(i, &src, &nd.Shape, skipsRows(&op.Kernel, &op.Stride, &op.Dilation))
	}
	r.unseen.LargeKernel = r.unseen.LargeKernel || max(op.Kernel[0], op.Kernel[1]) > MaxKernel && nd.Stage > 0
	if op.Bias && !folded {
		r.params += float64(op.Out)
	}
	if g > 1 && g < src.C {
		r.unseen.Grouped = true
	}
	if src.IsVector() { // a gate, or a head after pooling
		if r.cell.squeeze == 0 || op.Out < r.cell.squeeze {
			r.cell.squeeze = op.Out
		}
		return
	}
	r.unseen.Uneven = r.unseen.Uneven || op.Kernel[0] != op.Kernel[1] || op.Kernel[0]%2 == 0
	if op.Dilation[0] > 1 || op.Dilation[1] > 1 {
		r.unseen.Dilated = true
	}
	if op.Kernel[0] == 1 && op.Kernel[1] == 1 {
		r.pointwise(i, nd, op, src)
		return
	}
	stem := nd.Stage == 0
	if !r.marked {
		stem = r.first
	}
	r.first = false
	if stem {
		r.flush(1)
		if !r.marked {
			r.blockIn = op.Out
		}
		return
	}
	if g < src.C {
		r.unseen.StandardConv = true
	}
	if !r.marked {
		r.endCell()
	}
	if r.inUnitBlock(nd) && r.block.projected.has(i-r.block.first) {
		r.unseen.Universal = true
		if u := &r.units[len(r.units)-1]; u.out > wideExpansion*u.in { // of a universal bottleneck with two
			u.pixels, u.expanded, u.out = nd.Shape.Pixels(), op.Out, 0
			u.kernel = max(u.kernel, math.Sqrt(float64(odd(op.Kernel[0])*odd(op.Kernel[1]))))
			return
		}
	}
	u := unit{
		pixels: nd.Shape.Pixels(), expanded: op.Out, in: r.blockIn,
		kernel: math.Sqrt(float64(odd(op.Kernel[0]) * odd(op.Kernel[1]))),
	}
	u.count()
	r.units = append(r.units, u)
	r.unitTraits(op, src, nd.Shape)
	r.unitStage, r.unitBlock, r.unitDepthwise = nd.Stage, nd.Block, g == src.C
}

// wideExpansion is the ratio above which the 1x1 convolution behind a depthwise one is taken for an
// expansion if another depthwise convolution follows. (Those of Xception double at most.)
const wideExpansion = 2

// odd is the largest odd kernel size within k: the data has no others.
func odd(k int) int { return k - 1 + k%2 }

// pointwise reads a convolution of kernel size 1, which projects the last unit's
// block if that still has no output.
func (r *reader) pointwise(i int, nd *blocks.Node, op *blocks.Conv, src blocks.Shape) {
	k := len(r.units) - 1
	projects := k >= 0 && r.units[k].out == 0 && (!r.marked || r.inUnitBlock(nd))
	if at := i - r.block.first; r.marked && nd.Block > 0 {
		inner, unit := r.block.pointwise.has(at), r.inUnitBlock(nd)
		r.unseen.Universal = r.unseen.Universal || inner && !unit || unit && r.block.projected.has(at)
		if unit && r.block.projected.has(at) && op.Out < r.units[k].out { // the first one has expanded
			u := &r.units[k]
			u.expanded, u.out = u.out, 0
			projects = true
		}
		r.block.pointwise.add(at)
		if projects && r.unitDepthwise {
			r.block.projected.add(at)
		}
	}
	if projects {
		u := &r.units[k]
		u.out = op.Out
		u.count()
		r.flush(u.counted / float64(u.expanded))
	}
	if !r.marked { // a block ends where it projects, and starts where it expands
		r.blockIn = src.C
		if projects {
			r.blockIn = op.Out
		}
	}
}

// lineage is what the nodes of a block descend from, by number from the first node.
type lineage struct {
	first     int     // node of the network
	pointwise nodeSet // from a 1x1 convolution
	projected nodeSet // from the 1x1 convolution behind a depthwise one
}

// inherit gives node i what its inputs descend from.
func (l *lineage) inherit(i int, nd *blocks.Node) {
	if l.pointwise|l.projected == 0 {
		return
	}
	var inputs nodeSet
	for _, in := range nd.Inputs {
		if in >= l.first {
			inputs.add(in - l.first)
		}
	}
	if l.pointwise&inputs != 0 {
		l.pointwise.add(i - l.first)
	}
	if l.projected&inputs != 0 {
		l.projected.add(i - l.first)
	}
}

// nodeSet is a set of the first 64 nodes of a block.
type nodeSet uint64

func (s nodeSet) has(node int) bool { return node >= 0 && s>>node&1 == 1 }

func (s *nodeSet) add(node int) { *s |= 1 << node }

// inUnitBlock reports whether nd is in the block of the last unit. Unless nodes carry stages
// and blocks it is false.
func (r *reader) inUnitBlock(nd *blocks.Node) bool {
	return r.marked && nd.Block > 0 && r.unitStage == nd.Stage && r.unitBlock == nd.Block
}

// gate reads a product with a map of shape by. A gate whose squeeze no network of the data has
// is none.
func (r *reader) gate(nd *blocks.Node, by blocks.Shape) {
	k, squeeze := len(r.units)-1, float64(r.cell.squeeze)
	r.cell.squeeze = 0
	switch {
	case by.IsVector() && squeeze > 0 && (squeeze < leastSqueeze*float64(by.C) || squeeze > mostSqueeze*float64(by.C)):
		r.traits.Squeezed++
	case by.IsVector() && k >= 0:
		r.units[k].se = true
	case by.IsVector():
		r.gateFirst = true
		r.gateOther = r.gateOther || by != nd.Shape
	case by != nd.Shape:
		r.unseen.Attention = true
	}
}

// flush makes an amount of the work since the last one.
func (r *reader) flush(share float64) {
	r.amounts = append(r.amounts, amount{share: share, macs: r.macs, params: r.params})
	r.macs, r.params = 0, 0
}
