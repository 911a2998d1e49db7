package accuracy

import (
	"context"
	"fmt"

	"nas/blocks"
)

// proxy is a training-free score. Each stands in a file of its own, which
// cites its paper and registers it.
type proxy struct {
	name     string
	label    string                                                                   // for a plot
	blind    []Trait                                                                  //
	settings func(o Options) string                                                   // what the values depend on; nil: nothing
	score    func(ctx context.Context, n *blocks.Network, o Options) (float64, error) //

	// enough is the position in a combination beyond which more says little more
	// (see held); 0: there is none.
	enough float64
}

var proxies = map[string]proxy{}

func register(p proxy) {
	if _, taken := proxies[p.name]; taken {
		panic("accuracy: proxy registered twice: " + p.name)
	}
	proxies[p.name] = p
}

// closed makes the score of a proxy that is plain arithmetic.
func closed(f func(n *blocks.Network) float64) func(context.Context, *blocks.Network, Options) (float64, error) {
	return func(_ context.Context, n *blocks.Network, _ Options) (float64, error) { return f(n), nil }
}

// proxyEstimator is a proxy with its settings.
type proxyEstimator struct {
	proxy
	o Options
}

func newProxyEstimator(p proxy, o Options) proxyEstimator {
	o.Reference, o.Scale, o.Trained = nil, nil, nil // not to be kept alive
	return proxyEstimator{p, o}
}

func (p proxyEstimator) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	if err := ctx.Err(); err != nil {
		return Score{}, err
	}
	v, err := p.score(ctx, n, p.o)
	if err != nil {
		return Score{}, fmt.Errorf("accuracy: %s: %w", p.name, err)
	}
	if err := finite(p.name, n, v); err != nil {
		return Score{}, err
	}
	return point(v), nil
}

func (p proxyEstimator) Info() Info {
	return Info{Name: p.name, Label: p.label + " (training-free score)", Blind: p.blind}
}

func (p proxyEstimator) String() string {
	if p.settings == nil {
		return p.name
	}
	settings := p.settings(p.o)
	if p.enough > 0 {
		settings += fmt.Sprintf(",enough=%.4g", p.enough) // two scales must not pass for one
	}
	return p.name + "{" + settings + "}"
}
