package proxy

import (
	"context"
	"fmt"

	"nas/blocks"
	"nas/blocks/engine"
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

// Memo keeps what several proxies compute of one network, so that the network is
// run once for all of them. The zero value is ready for use, for one network and by
// one goroutine.
type Memo struct {
	codes    *codes // nil: not computed yet
	settings NASWOT // of codes
	seed     uint64
}

// codes runs the network and compares the codes of its inputs.
func (s NASWOT) codes(ctx context.Context, n *blocks.Network, seed uint64, memo *Memo) (*codes, error) {
	s = s.resolved()
	if err := s.check(); err != nil {
		return nil, err
	}
	if memo.codes != nil && memo.settings == s && memo.seed == seed {
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
	tap := func(node int, pre []float32) error {
		if switches(small, node) {
			c.add(pre)
		}
		return ctx.Err()
	}
	d := drawerOf(seed)
	_, err = runRandom(small, d, engine.Options{Batch: s.Batch, BatchStats: true, Tap: tap}, func() []float32 {
		return d.input(s.Batch * small.Input().Elems())
	})
	if err != nil {
		return nil, err
	}
	if c.layers == 0 {
		return nil, fmt.Errorf("the network has no relu, relu6, hard-swish or swish on a map")
	}
	*memo = Memo{c, s, seed}
	return c, nil
}

// The members of the family differ in what they make of the codes.
//
// naswot is the published score: wide early layers have most bits and decide.
// naswot_sqrt divides a layer's agreements by the square root of its bits,
// naswot_even by its bits, so that late layers are heard too. naswot_spread is
// the sum over layers of the logarithm of the mean share of bits in which two
// codes differ: deep networks whose inputs end up in one code score low. It is
// no score by itself, but a counterweight to the others' love of depth.
func init() {
	family := func(name, label string, f func(c *codes) (float64, error)) {
		register(Proxy{Name: name, Label: label, Blind: []Trait{SE, Activation, Dilation},
			settings: func(s Settings) string {
				w := s.NASWOT.resolved()
				return fmt.Sprintf("batch=%d,fraction=%.4g,seed=%d", w.Batch, w.Fraction, s.Seed)
			},
			score: func(ctx context.Context, n *blocks.Network, s Settings, memo *Memo) (float64, error) {
				c, err := s.NASWOT.codes(ctx, n, s.Seed, memo)
				if err != nil {
					return 0, err
				}
				return f(c)
			},
		})
	}
	family("naswot", "NASWOT", func(c *codes) (float64, error) { return c.logDet(0) })
	family("naswot_sqrt", "NASWOT, square-root layers", func(c *codes) (float64, error) { return c.logDet(1) })
	family("naswot_even", "NASWOT, even layers", func(c *codes) (float64, error) { return c.logDet(2) })
	family("naswot_spread", "NASWOT spread", func(c *codes) (float64, error) { return c.spread, nil })
}
