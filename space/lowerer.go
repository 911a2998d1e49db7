package space

import (
	"sync"

	"nas/blocks"
)

// Lowerer lowers many archs faster than one by one: a block at its place is
// lowered and counted once, and a search asks for the same blocks over and over.
// It is safe for concurrent use, and what it returns does not depend on what it
// was asked for before. The zero value is ready for use.
type Lowerer struct {
	mu     sync.RWMutex
	pieces map[pieceKey]*Piece
	before map[pieceKey]*Piece
}

// pieceLimit is the number of pieces in a generation, of about 3 kB each. Two
// generations are kept: what was not asked for during a whole one is forgotten.
const pieceLimit = 1 << 14

// Piece is the stem, a block or the head of an arch, lowered at its place. It
// must not be changed.
type Piece struct {
	// Network is the piece alone: an input, then nodes with the names, stages and
	// blocks that they have in the whole network.
	Network *blocks.Network
	Counts  blocks.Counts // of Network
	out     blocks.Shape
	edges   int     // inputs of all nodes
	work    float64 // bound on MACs, as Validate has it
}

type pieceKey struct {
	in           blocks.Shape
	stage, block int        // as in blocks.Node
	spec         Block      // zero for a head
	head         classifier // zero for a block
}

// classifier is what a [Head] of that kind consists of, and the network's input,
// which limits it.
type classifier struct {
	input                     blocks.Shape
	channels, hidden, classes int
	activation                blocks.ActFunc
}

// Lower appends the pieces of a to dst, in network order: each reads the one
// before it and nothing else. ok is false where a is not such a chain, as with
// heads that are no classifiers, or not valid; ask [Arch.Network] then.
func (l *Lowerer) Lower(dst []*Piece, a *Arch) (pieces []*Piece, ok bool) {
	h := &a.Head
	if h.Kind != Classifier || h.Low != 0 || len(h.Rates) > 0 || len(a.Stages) > maxStages || !validInput(a.Input) {
		return dst, false
	}
	in := a.Input
	work, count := 0.0, 0
	l.mu.RLock()
	defer l.mu.RUnlock()
	piece := func(k pieceKey) bool {
		p := l.pieces[k]
		if p == nil {
			p = l.before[k]
			l.mu.RUnlock()
			if p == nil {
				p = lowerPiece(k, a)
			}
			if p != nil {
				l.keep(&k, p)
			}
			l.mu.RLock()
			if p == nil {
				return false
			}
		}
		dst = append(dst, p)
		in = p.out
		work += p.work
		count++
		return true
	}
	for i := range a.Stem {
		if !piece(pieceKey{in: in, block: i + 1, spec: a.Stem[i]}) {
			return dst, false
		}
	}
	for s, st := range a.Stages {
		for i := range st {
			if !piece(pieceKey{in: in, stage: s + 1, block: i + 1, spec: st[i]}) {
				return dst, false
			}
		}
	}
	k := pieceKey{in: in, stage: len(a.Stages) + 1, head: classifier{a.Input, h.Channels, h.Hidden, h.Classes, h.Activation}}
	return dst, piece(k) && count <= maxBlocks && work <= maxMACs
}

func (l *Lowerer) keep(k *pieceKey, p *Piece) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pieces == nil || len(l.pieces) >= pieceLimit {
		l.pieces, l.before = map[pieceKey]*Piece{}, l.pieces
	}
	l.pieces[*k] = p
}

// lowerPiece lowers what k describes; nil if it is not valid.
func lowerPiece(k pieceKey, a *Arch) *Piece {
	v := validator{shape: k.in}
	b := blocks.NewBuilder("", k.in)
	b.Grow(15)
	if k.head != (classifier{}) {
		if v.head(&a.Head, len(a.Stages), a.Input, a.Input) != nil {
			return nil
		}
		a.Head.build(b, b.Input(), b.Input(), k.stage)
	} else {
		if v.block(&k.spec) != nil {
			return nil
		}
		k.spec.build(b, b.Input(), k.stage, k.block)
	}
	net, err := b.Network()
	if err != nil {
		return nil
	}
	p := &Piece{Network: net, Counts: net.Counts(), out: net.Output(), work: v.macs}
	for i := range net.Nodes {
		p.edges += len(net.Nodes[i].Inputs)
	}
	return p
}

// Join puts pieces together: the network that [Arch.Network] makes of the arch
// that they came from, under the given name. Ops are shared with the pieces.
func Join(name string, pieces []*Piece) *blocks.Network {
	nodes, edges := 1, 0
	for _, p := range pieces {
		nodes += len(p.Network.Nodes) - 1
		edges += p.edges
	}
	n := &blocks.Network{Name: name, Nodes: make([]blocks.Node, 0, nodes)}
	inputs := make([]int, 0, edges)
	n.Nodes = append(n.Nodes, pieces[0].Network.Nodes[0])
	for _, p := range pieces {
		last := len(n.Nodes) - 1 // stands for the piece's input
		n.Nodes = append(n.Nodes, p.Network.Nodes[1:]...)
		for i := last + 1; i < len(n.Nodes); i++ {
			nd := &n.Nodes[i]
			from := len(inputs)
			for _, j := range nd.Inputs {
				inputs = append(inputs, last+j)
			}
			nd.Inputs = inputs[from:len(inputs):len(inputs)]
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
