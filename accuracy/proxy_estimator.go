package accuracy

import (
	"context"

	"nas/accuracy/proxy"
	"nas/blocks"
)

// proxyEstimator is a proxy with its settings.
type proxyEstimator struct {
	proxy.Proxy
	settings proxy.Settings
}

// newProxyEstimator returns the proxy of a name, which must be one of [proxy.Names].
func newProxyEstimator(name string, s proxy.Settings) proxyEstimator {
	p, _ := proxy.LookUp(name)
	return proxyEstimator{p, s}
}

func (p proxyEstimator) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	return p.estimateShared(ctx, n, nil)
}

// estimateShared is Estimate that finds what other proxies computed of n in memo.
func (p proxyEstimator) estimateShared(ctx context.Context, n *blocks.Network, memo *proxy.Memo) (Score, error) {
	v, err := p.Score(ctx, n, p.settings, memo)
	if err != nil {
		return Score{}, err
	}
	return point(v), nil
}

func (p proxyEstimator) Info() Info {
	return Info{Name: p.Name, Label: p.Label + " (training-free score)", Blind: p.Blind}
}

func (p proxyEstimator) String() string { return p.Spell(p.settings) }

// estimateShared scores a network by e, which shares memo with the other parts of a
// combined score if it is a proxy.
func estimateShared(ctx context.Context, e Estimator, n *blocks.Network, memo *proxy.Memo) (Score, error) {
	if p, ok := e.(proxyEstimator); ok {
		return p.estimateShared(ctx, n, memo)
	}
	return e.Estimate(ctx, n)
}
