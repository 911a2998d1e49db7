package proxy

import (
	"context"
	"errors"

	"nas/blocks"
	"nas/blocks/engine"
)

// The naswot family scores a network by how differently its activations switch for
// different inputs, with random weights (Mellor, Turner, Storkey and Crowley, Neural
// Architecture Search without Training, ICML 2021, section 3). Each input gives a
// binary code, one bit for each activation, set where the pre-activation is positive:
//
//	K_ij  = number of bits in which the codes of inputs i and j agree
//	score = log |det K|
//
// It differs from the authors' in four ways. The inputs are standard normal, so that no
// data set is needed. Every activation with a kink or bend at zero counts (relu,
// relu6, hard-swish, swish), but those of gates do not. The network runs at a fixed
// fraction of its own resolution. K counts only the maps, so that a classifier's hidden
// layer adds nothing. Normalisations use the statistics of the batch, which makes the
// scale of the weights irrelevant.
//
// The members of the family differ in what they make of the codes:
//
//   - naswot is the published score. Wide early layers have most bits and decide.
//   - naswot_sqrt divides a layer's agreements by the square root of its bits, so that
//     late layers count too.
//   - naswot_even divides them by the layer's bits: all layers count alike.
//   - naswot_spread is the sum over layers of the logarithm of the mean share of bits in
//     which two codes differ. Deep networks whose inputs end up in one code score low. It
//     is no score by itself, but a counterweight to the others' preference for depth.
func init() {
	for _, m := range []struct {
		name, label string
		value       func(*codes) (float64, error)
	}{
		{"naswot", "NASWOT", func(c *codes) (float64, error) { return c.logDet(0) }},
		{"naswot_sqrt", "NASWOT, square-root layers", func(c *codes) (float64, error) { return c.logDet(1) }},
		{"naswot_even", "NASWOT, even layers", func(c *codes) (float64, error) { return c.logDet(2) }},
		{"naswot_spread", "NASWOT spread", func(c *codes) (float64, error) { return c.spread, nil }},
	} {
		register(Proxy{Name: m.name, Label: m.label, Blind: []Trait{SE, Activation, Dilation},
			describe: func(s Settings) string { return s.NASWOT.resolved(naswotBatch).spell(s.Seed) },
			compute: func(ctx context.Context, n *blocks.Network, s Settings, memo *Memo) (float64, error) {
				c, err := codesOf(ctx, n, s, memo)
				if err != nil {
					return 0, err
				}
				return m.value(c)
			},
		})
	}
}

const naswotBatch = 32 // by default

// codesOf runs the network and compares the codes of its inputs.
func codesOf(ctx context.Context, n *blocks.Network, settings Settings, memo *Memo) (*codes, error) {
	s := settings.NASWOT.resolved(naswotBatch)
	if memo.codes != nil && memo.sampling == s && memo.seed == settings.Seed {
		return memo.codes, nil
	}
	if err := s.check(2); err != nil {
		return nil, err
	}
	small, err := runnable(n, s.Fraction)
	if err != nil {
		return nil, err
	}
	c := newCodes(s.Batch)
	c.words = wordPool.Get().(*[]uint64)
	defer func() { wordPool.Put(c.words); c.words = nil }()
	o := engine.Options{Batch: s.Batch, BatchStats: true, Tap: func(node int, pre []float32) error {
		if switches(small, node) {
			c.add(pre)
		}
		return ctx.Err()
	}}
	_, err = runRandom(ctx, small, settings.Seed, o, func(normal func(n int) []float32) []float32 {
		return normal(s.Batch * small.Input().Elems())
	})
	if err != nil {
		return nil, err
	}
	if c.layers == 0 {
		return nil, errors.New("the network has no relu, relu6, hard-swish or swish on a map")
	}
	*memo = Memo{c, s, settings.Seed}
	return c, nil
}
