package space

import (
	"sync"

	"nas/blocks"
)

// Lowerer lowers many archs faster than [Arch.Network] does: it lowers and counts each
// distinct block once and reuses the result in every arch that contains the block. A
// search asks for the same blocks over and over.
//
// A Lowerer is safe for concurrent use. Its results do not depend on earlier calls.
// The zero value is ready for use.
type Lowerer struct {
	// Analyze, if not nil, is called once for each distinct block with the network
	// that [LoweredBlock.Network] returns. Its result is stored in
	// [LoweredBlock.Analysis].
	Analyze func(n *blocks.Network) any

	mu     sync.RWMutex
	recent map[loweredKey]*LoweredBlock
	older  map[loweredKey]*LoweredBlock
}

// generationLimit is the number of blocks in a generation of the cache. A block takes
// about 1 kB, including what a search attaches to it. Two generations are kept; blocks
// that were not used during a whole generation are dropped.
const generationLimit = 1 << 15

// LoweredBlock is one element of the chain that an arch consists of: a block of the
// stem, a block of a stage, or the head. It must not be modified.
type LoweredBlock struct {
	Counts   blocks.Counts // of Network
	Analysis any           // the result of Lowerer.Analyze
	out      blocks.Shape
	work     float64 // upper bound on the MACs, as Validate computes it
	content
}

// content is everything that a LoweredBlock is made from.
type content struct {
	in    blocks.Shape
	stem  bool
	block Block       // zero for a head
	head  headContent // zero for a block
}

// headContent is a [Head] of kind Classifier, with the network's input, whose size
// takes part in the limits on a head.
type headContent struct {
	input                     blocks.Shape
	channels, hidden, classes int
	activation                blocks.ActFunc
}

// loweredKey packs a content into few bytes, because a look-up hashes and compares it.
type loweredKey [6]uint64

// key returns the key of c. ok is false if a number is larger than any valid block has.
func (c *content) key() (k loweredKey, ok bool) {
	k[0] = pack3(c.in.H, c.in.W, c.in.C)
	if !fits(21, c.in.H|c.in.W|c.in.C) {
		return k, false
	}
	if h := &c.head; *h != (headContent{}) {
		k[1] = pack3(h.input.H, h.input.W, h.input.C)
		k[2] = pack3(h.channels, h.hidden, h.classes)
		k[5] = 1<<32 | uint64(h.activation)
		return k, fits(21, h.input.H|h.input.W|h.input.C|h.channels|h.hidden|h.classes|int(h.activation))
	}
	if c.stem {
		k[5] = 1
	}
	return k, c.block.pack((*[4]uint64)(k[1:]))
}

// Lower appends the blocks of a to dst in network order. Each block reads the output of
// the one before it and nothing else. ok is false if a is not valid, or is no such
// chain because its head is not a classifier; use [Arch.Network] then.
func (l *Lowerer) Lower(dst []*LoweredBlock, a *Arch) (chain []*LoweredBlock, ok bool) {
	h := &a.Head
	if h.Kind != Classifier || h.Low != 0 || len(h.Rates) > 0 || len(a.Stages) > maxStages || !validInput(a.Input) {
		return dst, false
	}
	c := content{in: a.Input}
	work, count := 0.0, 0
	l.mu.RLock()
	defer l.mu.RUnlock()
	add := func() bool {
		k, ok := c.key()
		if !ok {
			return false
		}
		p := l.recent[k]
		if p == nil {
			if p = l.missing(&k, &c, l.older[k]); p == nil {
				return false
			}
		}
		dst = append(dst, p)
		c.in = p.out
		work += p.work
		count++
		return true
	}
	c.stem = true
	for i := range a.Stem {
		if c.block = a.Stem[i]; !add() {
			return dst, false
		}
	}
	c.stem = false
	for _, st := range a.Stages {
		for i := range st {
			if c.block = st[i]; !add() {
				return dst, false
			}
		}
	}
	c.block, c.head = Block{}, headContent{a.Input, h.Channels, h.Hidden, h.Classes, h.Activation}
	return dst, add() && count <= maxBlocks && work <= maxMACs
}

// missing returns the block of c, which the recent generation lacks: p from the older
// generation, or a newly lowered one. It returns nil if c is not valid. The caller
// holds l.mu for reading, and still does afterwards, even if Analyze panics.
func (l *Lowerer) missing(k *loweredKey, c *content, p *LoweredBlock) *LoweredBlock {
	l.mu.RUnlock()
	defer l.mu.RLock()
	if p == nil {
		p = l.lower(c)
	}
	if p != nil {
		l.keep(k, p)
	}
	return p
}

func (l *Lowerer) keep(k *loweredKey, p *LoweredBlock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent == nil || len(l.recent) >= generationLimit {
		l.recent, l.older = map[loweredKey]*LoweredBlock{}, l.recent
	}
	l.recent[*k] = p
}

// lower returns the block of c, or nil if c is not valid.
func (l *Lowerer) lower(c *content) *LoweredBlock {
	v := validator{shape: c.in}
	if c.head != (headContent{}) {
		h := c.head.head()
		if v.head(&h, 0, c.head.input, c.head.input) != nil {
			return nil
		}
	} else if v.block(&c.block) != nil {
		return nil
	}
	net, err := c.network()
	if err != nil {
		return nil
	}
	p := &LoweredBlock{Counts: net.Counts(), out: net.Output(), work: v.macs, content: *c}
	if l.Analyze != nil {
		p.Analysis = l.Analyze(net)
	}
	return p
}

func (c *headContent) head() Head {
	return Head{Channels: c.channels, Hidden: c.hidden, Classes: c.classes, Activation: c.activation}
}

// network lowers c. A block of the stem is marked as stage 0, one of a stage as stage 1
// and the head as stage 2.
func (c *content) network() (*blocks.Network, error) {
	b := blocks.NewBuilder("", c.in)
	b.Grow(15)
	switch {
	case c.head != (headContent{}):
		h := c.head.head()
		h.build(b, b.Input(), b.Input(), 2)
	case c.stem:
		c.block.build(b, b.Input(), 0, 1)
	default:
		c.block.build(b, b.Input(), 1, 1)
	}
	return b.Network()
}

// Network returns a new network of the block alone: an input and the nodes that
// [Arch.Network] has for the block. Only names, stages and block numbers differ: they
// are those of the first block of a stage.
func (p *LoweredBlock) Network() *blocks.Network {
	n, err := p.content.network()
	if err != nil {
		panic("space: a block that was lowered before is not valid: " + err.Error())
	}
	return n
}

// Join concatenates a chain of blocks into one network. For the whole chain of an arch
// it equals [Arch.Network] but for node names, and for the block numbers, which count
// the blocks of all stages as if they were one stage.
func Join(chain []*LoweredBlock) *blocks.Network {
	n := chain[0].Network()
	for i, p := range chain[1:] {
		last := len(n.Nodes) - 1 // takes the place of the block's input
		for _, nd := range p.Network().Nodes[1:] {
			for k := range nd.Inputs {
				nd.Inputs[k] += last
			}
			if nd.Block > 0 {
				nd.Block += i + 1
			}
			n.Nodes = append(n.Nodes, nd)
		}
	}
	return n
}

// JoinCounts returns the counts of [Join] without building the network. The peak of
// activation memory is the largest of the blocks', because only the value between two
// blocks is alive in both.
func JoinCounts(chain []*LoweredBlock) blocks.Counts {
	var c blocks.Counts
	for _, p := range chain {
		c.MACs += p.Counts.MACs
		c.Params += p.Counts.Params
		c.PeakActivations = max(c.PeakActivations, p.Counts.PeakActivations)
	}
	return c
}
