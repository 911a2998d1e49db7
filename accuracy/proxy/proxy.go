package proxy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// A Proxy is a training-free score of networks: higher means better, on a scale of
// its own. Each stands in a file of its own, which cites its paper and registers it.
type Proxy struct {
	Name  string
	Label string // for a plot's axis, such as "log MACs"

	// Blind lists the traits of a network that the score takes no account of.
	Blind []Trait

	// settings spells the settings that the values depend on; nil: on none.
	describe func(Settings) string
	compute  scoreFunc
}

type scoreFunc func(context.Context, *blocks.Network, Settings, *Memo) (float64, error)

// A Trait is a property of a network that a score may or may not depend on.
type Trait string

// The traits that scores are asked about.
const (
	SE         Trait = "SE"         // squeeze-and-excite
	Activation Trait = "activation" // which function, not where
	Dilation   Trait = "dilation"
	KernelSize Trait = "kernel size"
	Expansion  Trait = "expansion"
	Resolution Trait = "resolution"
	Width      Trait = "width"
	Depth      Trait = "depth"
)

// Settings are those of the proxies that run the network. The zero value has the
// defaults.
type Settings struct {
	Seed   uint64   // of the random inputs and weights
	NASWOT Sampling // of naswot and its relatives; the default batch is 32
	Zen    Sampling // of zen; the default batch is 16
}

// Sampling says on what a proxy runs a network.
type Sampling struct {
	// Batch is the number of random inputs; 0 means the proxy's default. The naswot
	// family needs 2 or more.
	Batch int
	// Fraction of the network's resolution at which it runs, above 0 and at
	// most 1; 0 means 2/7 (64 for 224). The result is rounded to a multiple of
	// 8, at least 32 (or the network's own resolution, if that is smaller).
	Fraction float64
}

// resolved returns the sampling with its defaults.
func (s Sampling) resolved(batch int) Sampling {
	return Sampling{cmp.Or(s.Batch, batch), cmp.Or(s.Fraction, 2./7)}
}

// check wants a batch of least or more of a resolved sampling.
func (s Sampling) check(least int) error {
	if s.Batch < least || !(s.Fraction > 0 && s.Fraction <= 1) {
		return fmt.Errorf("batch %d and fraction %v: want a batch of %d or more and a fraction above 0 and at most 1",
			s.Batch, s.Fraction, least)
	}
	return nil
}

// spell writes a resolved sampling and the seed for [Proxy.Spell].
func (s Sampling) spell(seed uint64) string {
	return fmt.Sprintf("batch=%d,fraction=%.4g,seed=%d", s.Batch, s.Fraction, seed)
}

// Memo keeps what several proxies compute of one network, so that the network is
// run once for all of them. The zero value is ready for use, for one network and by
// one goroutine.
type Memo struct {
	codes    *codes // nil: not computed yet
	sampling Sampling
	seed     uint64
}

var proxies = map[string]Proxy{}

func register(p Proxy) {
	if _, taken := proxies[p.Name]; taken {
		panic("accuracy: proxy registered twice: " + p.Name)
	}
	proxies[p.Name] = p
}

// Names returns the names of all proxies, sorted.
func Names() []string { return slices.Sorted(maps.Keys(proxies)) }

// LookUp returns the proxy of a name; ok is false where there is none.
func LookUp(name string) (p Proxy, ok bool) {
	p, ok = proxies[name]
	return p, ok
}

// closed makes the score of a proxy that is a closed formula.
func closed(f func(n *blocks.Network) float64) scoreFunc {
	return func(_ context.Context, n *blocks.Network, _ Settings, _ *Memo) (float64, error) { return f(n), nil }
}

// Score scores a network. Proxies that share a run of the network find it in memo,
// which may be nil. It returns ctx.Err() if ctx ends first, and an error if the
// network cannot be run or the score is not finite.
func (p Proxy) Score(ctx context.Context, n *blocks.Network, s Settings, memo *Memo) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if memo == nil {
		memo = new(Memo)
	}
	v, err := p.compute(ctx, n, s, memo)
	if err != nil {
		return 0, fault.Errorf("accuracy: %s: %w", p.Name, err)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fault.Errorf("accuracy: %s of network %s is %v", p.Name, n.Name, v)
	}
	return v, nil
}

// Spell returns the name with the settings that the values depend on. Equal strings
// mean comparable values.
func (p Proxy) Spell(s Settings) string {
	if p.describe == nil {
		return p.Name
	}
	return p.Name + "{" + p.describe(s) + "}"
}
