package accuracy

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sync"

	"nas/blocks"
	"nas/blocks/engine"

	"gonum.org/v1/gonum/mat"
)

// NASWOT scores a network by how differently its activations switch for
// different inputs, with random weights (Mellor, Turner, Storkey and Crowley,
// Neural Architecture Search without Training, ICML 2021, section 3): each input
// gives a binary code, one bit for each activation, set where the
// pre-activation is positive;
//
//	K_ij = number of bits in which the codes of inputs i and j agree
//	score = log |det K|
//
// It differs from the authors' in four ways: the inputs are standard normal, as
// no data set is needed then; every activation with a kink or bend at zero
// counts (relu, relu6, hard-swish, swish), gates do not; the network runs at a
// fixed fraction of its own resolution; and K counts only the maps, so that a
// classifier's hidden layer adds nothing. Normalisations use the statistics of
// the batch, which makes the scale of the weights irrelevant.
//
// The zero value has the defaults.
type NASWOT struct {
	// Batch is the number of inputs, 2 or more; 0 means 32.
	Batch int
	// Fraction of the network's resolution at which it runs, above 0 and at
	// most 1; 0 means 2/7 (64 for 224). The result is rounded to a multiple of
	// 8, at least 32 (or the network's own resolution, if that is smaller).
	Fraction float64
}

func (s NASWOT) resolved() NASWOT {
	if s.Batch == 0 {
		s.Batch = 32
	}
	if s.Fraction == 0 {
		s.Fraction = 2. / 7
	}
	return s
}

func (s NASWOT) check() error {
	if s.Batch < 2 || !(s.Fraction > 0 && s.Fraction <= 1) {
		return fmt.Errorf("batch %d and fraction %v: want a batch of 2 or more and a fraction above 0 and at most 1", s.Batch, s.Fraction)
	}
	return nil
}

func (s NASWOT) score(ctx context.Context, n *blocks.Network, seed uint64) (float64, error) {
	s = s.resolved()
	if err := s.check(); err != nil {
		return 0, err
	}
	small, err := runnable(n, s.Fraction)
	if err != nil {
		return 0, err
	}
	small = trimmed(small)
	a := agreements{batch: s.Batch, differ: make([]int64, s.Batch*s.Batch)}
	a.words = wordPool.Get().(*[]uint64)
	defer wordPool.Put(a.words)
	err = runRandom(ctx, small, s.Batch, seed, func(node int, pre []float32) {
		if op, ok := small.Nodes[node].Op.(*blocks.Activation); ok && bends(op.Func) && !small.Nodes[node].Shape.IsVector() {
			a.add(pre)
		}
	}, nil)
	if err != nil {
		return 0, err
	}
	return a.logDet()
}

// bends tells whether a function behaves differently on the two sides of zero.
func bends(f blocks.ActFunc) bool {
	return f == blocks.ReLU || f == blocks.ReLU6 || f == blocks.HSwish || f == blocks.Swish
}

// trimmed returns n up to its last activation of a map: what comes after adds
// nothing to the score.
func trimmed(n *blocks.Network) *blocks.Network {
	for i := len(n.Nodes) - 1; i > 0; i-- {
		if op, ok := n.Nodes[i].Op.(*blocks.Activation); ok && bends(op.Func) && !n.Nodes[i].Shape.IsVector() {
			return &blocks.Network{Name: n.Name, Nodes: n.Nodes[:i+1]}
		}
	}
	return n
}

// runRandom runs n once on a random batch with random weights and batch
// statistics, showing each pre-activation to tap. out, if not nil, gets the
// network's output.
func runRandom(ctx context.Context, n *blocks.Network, batch int, seed uint64, tap func(node int, pre []float32), out []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := engine.Compile(n, engine.Host(1), engine.Options{Batch: batch, BatchStats: true, NoBlockFusion: true, Tap: tap})
	if err != nil {
		return err
	}
	d := drawerOf(seed)
	if err := p.Bind(d.weightsFor(n)); err != nil {
		return err
	}
	if out == nil {
		out = make([]float32, p.OutLen())
	}
	return p.Run(out, d.input(p.InLen()))
}

var wordPool = sync.Pool{New: func() any { return new([]uint64) }}

// agreements counts the bits in which the codes of each two inputs agree.
type agreements struct {
	batch  int
	bits   int64   // of a code
	differ []int64 // batch x batch, above the diagonal
	words  *[]uint64
}

// codeBlock is the number of words of each code that are compared at a time:
// the block of a batch of 64 fills half of a first-level cache.
const codeBlock = 32

// add appends the signs of one layer's pre-activations, batch x values.
func (a *agreements) add(pre []float32) {
	per := len(pre) / a.batch
	stride := (per + 63) / 64
	if cap(*a.words) < stride*a.batch {
		*a.words = make([]uint64, stride*a.batch)
	}
	words := (*a.words)[:stride*a.batch]
	for b := range a.batch {
		packSigns(words[b*stride:][:stride], pre[b*per:][:per])
	}
	for from := 0; from < stride; from += codeBlock {
		to := min(from+codeBlock, stride)
		for i := range a.batch {
			x := words[i*stride+from : i*stride+to]
			row := a.differ[i*a.batch:][:a.batch]
			for j := i + 1; j < a.batch; j++ {
				row[j] += int64(hamming(x, words[j*stride+from:j*stride+to]))
			}
		}
	}
	a.bits += int64(per)
}

// hamming counts differing bits; y is as long as x.
func hamming(x, y []uint64) int {
	y = y[:len(x)]
	n := 0
	for i, v := range x {
		n += bits.OnesCount64(v ^ y[i])
	}
	return n
}

// packSigns sets bit i%64 of word i/64 where v[i] > 0, and clears the rest.
func packSigns(words []uint64, v []float32) {
	for w := range words {
		chunk := v[w*64:]
		if len(chunk) > 64 {
			chunk = chunk[:64]
		}
		var word uint64
		for i, x := range chunk {
			// Positive floats are 1 to 0x7f800000 as integers: less 1, their top bit is 0.
			word |= uint64(^(math.Float32bits(x)-1)>>31) << i
		}
		words[w] = word
	}
}

// logDet returns log|det K|, K being the agreements. Two inputs with one code
// make K singular; a thousandth of a bit on the diagonal keeps the logarithm
// finite then, and changes nothing otherwise.
func (a *agreements) logDet() (float64, error) {
	if a.bits == 0 {
		return 0, fmt.Errorf("the network has no relu, relu6, hard-swish or swish on a map")
	}
	k := mat.NewSymDense(a.batch, nil)
	for i := range a.batch {
		k.SetSym(i, i, float64(a.bits)+1e-3)
		for j := i + 1; j < a.batch; j++ {
			k.SetSym(i, j, float64(a.bits-a.differ[i*a.batch+j]))
		}
	}
	var c mat.Cholesky
	if !c.Factorize(k) {
		return 0, fmt.Errorf("the matrix of agreements of %d inputs is singular", a.batch)
	}
	return c.LogDet(), nil
}

func init() {
	register(proxy{name: "naswot", label: "NASWOT", blind: []Trait{SE, Activation, Dilation},
		settings: func(o Options) string {
			s := o.NASWOT.resolved()
			return fmt.Sprintf("batch=%d,fraction=%.4g,seed=%d", s.Batch, s.Fraction, o.Seed)
		},
		score: func(ctx context.Context, n *blocks.Network, o Options) (float64, error) {
			return o.NASWOT.score(ctx, n, o.Seed)
		},
	})
}
