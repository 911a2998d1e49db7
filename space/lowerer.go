package space

import (
	"sync"

	"nas/blocks"
)

// Lowerer lowers many archs faster than one by one: a block of its input is lowered
// and counted once, wherever it stands, and a search asks for the same blocks over
// and over. It is safe for concurrent use, and what it returns does not depend on
// what it was asked for before. The zero value is ready for use.
type Lowerer struct {
	// Study, if not nil, is asked once for each piece, and Piece.Known is what it
	// returns. It gets what Piece.Network returns.
	Study func(n *blocks.Network) any

	mu     sync.RWMutex
	pieces map[pieceKey]*Piece
	before map[pieceKey]*Piece
}

// pieceLimit is the number of pieces in a generation, of about a kB each with
// what a search keeps of them. Two
// generations are kept: what was not asked for during a whole one is forgotten.
const pieceLimit = 1 << 15

// Piece is a block of the stem, a block of a stage, or the head of an arch. It must
// not be changed.
type Piece struct {
	Counts blocks.Counts // of Network
	Known  any           // see Lowerer.Study
	out    blocks.Shape
	work   float64 // bound on MACs, as Validate has it
	content
}

// content is all that a piece consists of.
type content struct {
	in    blocks.Shape
	stem  bool
	block Block      // zero for a head
	head  classifier // zero for a block
}

// classifier is what a [Head] of that kind consists of, and the network's input,
// which limits it.
type classifier struct {
	input                     blocks.Shape
	channels, hidden, classes int
	activation                blocks.ActFunc
}

// pieceKey is a content in few bytes, which a look-up has to hash and compare.
type pieceKey [6]uint64

// key returns c's key. ok is false where a number is too large for any valid block.
func (c *content) key() (k pieceKey, ok bool) {
	fits := uint64(0)
	pack := func(w, bits int, values ...int) {
		for _, v := range values {
			fits |= uint64(v) >> bits
			k[w] = k[w]<<bits | uint64(v)
		}
	}
	pack(0, 21, c.in.H, c.in.W, c.in.C)
	if h := &c.head; *h != (classifier{}) {
		pack(1, 21, h.input.H, h.input.W, h.input.C)
		pack(2, 21, h.channels, h.hidden, h.classes)
		pack(3, 8, 1, int(h.activation))
		return k, fits == 0
	}
	b := &c.block
	at := &b.Attention
	pack(1, 21, b.Channels, b.Expanded, b.Groups)
	pack(2, 21, b.Dilation, at.Squeeze, at.Kernel)
	pack(3, 16, b.Kernel, b.Stride, b.Multiplier)
	pack(4, 8, int(b.Kind), int(b.Activation), int(b.After), int(at.Kind), int(at.Inner), int(at.Gate), b.Experts, b.PointExperts)
	if c.stem {
		k[5] |= 1
	}
	if b.Residual {
		k[5] |= 2
	}
	return k, fits == 0
}

// Lower appends the pieces of a to dst, in network order: each reads the one
// before it and nothing else. ok is false where a is not such a chain, as with
// heads that are no classifiers, or not valid; ask [Arch.Network] then.
func (l *Lowerer) Lower(dst []*Piece, a *Arch) (pieces []*Piece, ok bool) {
	h := &a.Head
	if h.Kind != Classifier || h.Low != 0 || len(h.Rates) > 0 || len(a.Stages) > maxStages || !validInput(a.Input) {
		return dst, false
	}
	c := content{in: a.Input}
	work, count := 0.0, 0
	l.mu.RLock()
	defer l.mu.RUnlock()
	piece := func() bool {
		k, ok := c.key()
		if !ok {
			return false
		}
		p := l.pieces[k]
		if p == nil {
			if p = l.missing(&k, &c, l.before[k]); p == nil {
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
		if c.block = a.Stem[i]; !piece() {
			return dst, false
		}
	}
	c.stem = false
	for _, st := range a.Stages {
		for i := range st {
			if c.block = st[i]; !piece() {
				return dst, false
			}
		}
	}
	c.block, c.head = Block{}, classifier{a.Input, h.Channels, h.Hidden, h.Classes, h.Activation}
	return dst, piece() && count <= maxBlocks && work <= maxMACs
}

// missing returns the piece of c, which this generation lacks: p of the one before,
// or made now; nil if it is not valid. l.mu is held for reading before and after,
// also when Study panics.
func (l *Lowerer) missing(k *pieceKey, c *content, p *Piece) *Piece {
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

func (l *Lowerer) keep(k *pieceKey, p *Piece) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pieces == nil || len(l.pieces) >= pieceLimit {
		l.pieces, l.before = map[pieceKey]*Piece{}, l.pieces
	}
	l.pieces[*k] = p
}

// lower makes the piece of c; nil if it is not valid.
func (l *Lowerer) lower(c *content) *Piece {
	v := validator{shape: c.in}
	if c.head != (classifier{}) {
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
	p := &Piece{Counts: net.Counts(), out: net.Output(), work: v.macs, content: *c}
	if l.Study != nil {
		p.Known = l.Study(net)
	}
	return p
}

func (c *classifier) head() Head {
	return Head{Channels: c.channels, Hidden: c.hidden, Classes: c.classes, Activation: c.activation}
}

// network lowers c: a block of the stem in stage 0, one of a stage in stage 1, the
// head in stage 2.
func (c *content) network() (*blocks.Network, error) {
	b := blocks.NewBuilder("", c.in)
	b.Grow(15)
	switch {
	case c.head != (classifier{}):
		h := c.head.head()
		h.build(b, b.Input(), b.Input(), 2)
	case c.stem:
		c.block.build(b, b.Input(), 0, 1)
	default:
		c.block.build(b, b.Input(), 1, 1)
	}
	return b.Network()
}

// Network returns the piece alone: an input, and the nodes that [Arch.Network] has
// for it but for their names and places, which are those of a first block. It is
// lowered anew.
func (p *Piece) Network() *blocks.Network {
	n, err := p.content.network()
	if err != nil {
		panic("space: a piece that was lowered is not valid: " + err.Error())
	}
	return n
}

// Join puts pieces together: the network that [Arch.Network] makes of the arch
// that they came from, but for names of nodes, and for their places: the blocks of
// all stages are numbered as if there were one.
func Join(pieces []*Piece) *blocks.Network {
	n := pieces[0].Network()
	for i, p := range pieces[1:] {
		last := len(n.Nodes) - 1 // stands for the piece's input
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

// JoinCounts returns the counts of [Join]: no value but the one between two pieces
// is alive in both.
func JoinCounts(pieces []*Piece) blocks.Counts {
	var c blocks.Counts
	for _, p := range pieces {
		c.MACs += p.Counts.MACs
		c.Params += p.Counts.Params
		c.PeakActivations = max(c.PeakActivations, p.Counts.PeakActivations)
	}
	return c
}
