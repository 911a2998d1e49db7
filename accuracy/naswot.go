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

// codes runs the network and compares the codes of its inputs.
func (s NASWOT) codes(ctx context.Context, n *blocks.Network, seed uint64) (*codes, error) {
	s = s.resolved()
	if err := s.check(); err != nil {
		return nil, err
	}
	memo, _ := ctx.Value(memoKey{}).(*codesMemo)
	if memo != nil && memo.codes != nil && memo.of == n && memo.settings == s && memo.seed == seed {
		return memo.codes, nil
	}
	small, err := runnable(n, s.Fraction)
	if err != nil {
		return nil, err
	}
	small = trimmed(small)
	c := newCodes(s.Batch)
	c.words = wordPool.Get().(*[]uint64)
	defer func() { wordPool.Put(c.words); c.words = nil }()
	err = runRandom(ctx, small, s.Batch, seed, func(node int, pre []float32) {
		if op, ok := small.Nodes[node].Op.(*blocks.Activation); ok && bends(op.Func) && !small.Nodes[node].Shape.IsVector() {
			c.add(pre)
		}
	})
	if err != nil {
		return nil, err
	}
	if c.layers == 0 {
		return nil, fmt.Errorf("the network has no relu, relu6, hard-swish or swish on a map")
	}
	if memo != nil {
		*memo = codesMemo{n, s, seed, c}
	}
	return c, nil
}

// codesMemo lets the parts of a combined score share one run of a network.
type codesMemo struct {
	of       *blocks.Network
	settings NASWOT
	seed     uint64
	codes    *codes
}

type memoKey struct{}

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
// statistics, showing each pre-activation to tap. It ends between two activations
// when ctx does.
func runRandom(ctx context.Context, n *blocks.Network, batch int, seed uint64, tap func(node int, pre []float32)) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	type stopped struct{ error }
	defer func() {
		switch p := recover().(type) {
		case nil:
		case stopped:
			err = p.error
		default:
			panic(p)
		}
	}()
	watched := func(node int, pre []float32) {
		if err := ctx.Err(); err != nil {
			panic(stopped{err})
		}
		tap(node, pre)
	}
	leave, err := theRoom.enter(n, batch)
	if err != nil {
		return err
	}
	defer leave()
	p, err := engine.Compile(n, engine.Host(1), engine.Options{Batch: batch, BatchStats: true, NoBlockFusion: true, Tap: watched})
	if err != nil {
		return err
	}
	d := drawerOf(seed)
	if err := p.Bind(d.weightsFor(n)); err != nil {
		return err
	}
	return p.Run(make([]float32, p.OutLen()), d.input(p.InLen()))
}

var wordPool = sync.Pool{New: func() any { return new([]uint64) }}

// codes compares the codes of each two of a batch of inputs, layer by layer.
type codes struct {
	batch, layers int
	words         *[]uint64
	layer         []int64 // bits in which two codes differ in the current layer
	// differ are the sums over layers of layer's counts, divided by the square
	// root of the layer's bits, and divided by its bits; total are the values at
	// which nothing agrees. Batch x batch, above the diagonal.
	differ [3][]float64
	total  [3]float64
	spread float64 // sum over layers of log(mean share of bits that differ)
}

func newCodes(batch int) *codes {
	c := &codes{batch: batch, layer: make([]int64, batch*batch)}
	for k := range c.differ {
		c.differ[k] = make([]float64, batch*batch)
	}
	return c
}

// codeBlock is the number of words of each code that are compared at a time:
// the block of a batch of 64 fills half of a first-level cache.
const codeBlock = 32

// add appends the signs of one layer's pre-activations, batch x values.
func (c *codes) add(pre []float32) {
	per := len(pre) / c.batch
	stride := (per + 63) / 64
	if cap(*c.words) < stride*c.batch {
		*c.words = make([]uint64, stride*c.batch)
	}
	words := (*c.words)[:stride*c.batch]
	for b := range c.batch {
		packSigns(words[b*stride:][:stride], pre[b*per:][:per])
	}
	clear(c.layer)
	for from := 0; from < stride; from += codeBlock {
		to := min(from+codeBlock, stride)
		for i := range c.batch {
			x := words[i*stride+from : i*stride+to]
			row := c.layer[i*c.batch:][:c.batch]
			for j := i + 1; j < c.batch; j++ {
				row[j] += int64(hamming(x, words[j*stride+from:j*stride+to]))
			}
		}
	}
	bits := float64(per)
	weight := [3]float64{1, 1 / math.Sqrt(bits), 1 / bits}
	sum := 0.0
	for k, d := range c.layer {
		v := float64(d)
		sum += v
		for p, w := range weight {
			c.differ[p][k] += v * w
		}
	}
	for p, w := range weight {
		c.total[p] += bits * w
	}
	c.layers++
	pairs := float64(c.batch*(c.batch-1)) / 2
	// A layer that switches for no input at all counts as half a bit in all.
	c.spread += math.Log(max(sum, 0.5) / pairs / bits)
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

// logDet returns log|det K|, K being the agreements in one of the three weights.
// Two inputs with one code make K singular; a millionth of a bit on the diagonal
// keeps the logarithm finite then, and changes nothing otherwise.
func (c *codes) logDet(weight int) (float64, error) {
	k := mat.NewSymDense(c.batch, nil)
	for i := range c.batch {
		k.SetSym(i, i, c.total[weight]*(1+1e-6))
		for j := i + 1; j < c.batch; j++ {
			k.SetSym(i, j, c.total[weight]-c.differ[weight][i*c.batch+j])
		}
	}
	var f mat.Cholesky
	if !f.Factorize(k) {
		return 0, fmt.Errorf("the matrix of agreements of %d inputs is singular", c.batch)
	}
	return f.LogDet(), nil
}

// The members of the family differ in what they make of the codes.
//
// naswot is the published score: wide early layers have most bits and decide.
// naswot_sqrt divides a layer's agreements by the square root of its bits,
// naswot_even by its bits, so that late layers are heard too. naswot_spread is
// the sum over layers of the logarithm of the mean share of bits in which two
// codes differ: deep networks whose inputs end up in one code score low. It is
// no score by itself, but a counterweight to the others' love of depth. In a
// combination the upper quartile is enough: codes that differ well are told
// apart, and to reward more of it would take the shallowest of small networks.
func init() {
	family := func(name, label string, enough float64, f func(c *codes) (float64, error)) {
		register(proxy{name: name, label: label, enough: enough, blind: []Trait{SE, Activation, Dilation},
			settings: func(o Options) string {
				s := o.NASWOT.resolved()
				return fmt.Sprintf("batch=%d,fraction=%.4g,seed=%d", s.Batch, s.Fraction, o.Seed)
			},
			score: func(ctx context.Context, n *blocks.Network, o Options) (float64, error) {
				c, err := o.NASWOT.codes(ctx, n, o.Seed)
				if err != nil {
					return 0, err
				}
				return f(c)
			},
		})
	}
	family("naswot", "NASWOT", 0, func(c *codes) (float64, error) { return c.logDet(0) })
	family("naswot_sqrt", "NASWOT, square-root layers", 0, func(c *codes) (float64, error) { return c.logDet(1) })
	family("naswot_even", "NASWOT, even layers", 0, func(c *codes) (float64, error) { return c.logDet(2) })
	family("naswot_spread", "NASWOT spread", 0.75, func(c *codes) (float64, error) { return c.spread, nil })
}
