package accuracy

import (
	"context"

	"nas/accuracy/features"
	"nas/accuracy/proxy"
	"nas/blocks"
	"nas/internal/fault"
)

// SurrogateInputs computes what a [Surrogate] reads of a network: the combined rank
// of a few training-free proxies (0 without a reference sample), the scores of more
// proxies, and the features of the fitted estimate.
type SurrogateInputs struct {
	prior   *RankMean // nil without a reference sample
	proxies []proxyEstimator
}

// surrogateProxies are the proxies among the inputs.
var surrogateProxies = []string{
	"macs", "params", "depth", "entropy", "profile", "synflow", "naswot", "naswot_sqrt", "naswot_even", "naswot_spread",
}

// surrogatePrior is the combined rank among the inputs.
const surrogatePrior = "rankmean(naswot_sqrt,naswot_even,naswot_spread,profile)"

// NewSurrogateInputs scores the reference sample if o has one, or takes o.Scale.
func NewSurrogateInputs(ctx context.Context, o Options) (*SurrogateInputs, error) {
	in := new(SurrogateInputs)
	for _, name := range surrogateProxies {
		in.proxies = append(in.proxies, newProxyEstimator(name, o.proxySettings()))
	}
	if len(o.Reference) > 1 || o.Scale != nil {
		e, err := NewContext(ctx, surrogatePrior, o)
		if err != nil {
			return nil, err
		}
		in.prior = e.(*RankMean)
	}
	return in, nil
}

// Of returns the inputs of one network, the combined rank first.
func (in *SurrogateInputs) Of(ctx context.Context, n *blocks.Network) ([]float64, error) {
	var memo proxy.Memo
	row := make([]float64, 1, 1+len(in.proxies)+features.Len)
	if in.prior != nil {
		p, err := in.prior.estimateShared(ctx, n, &memo)
		if err != nil {
			return nil, err
		}
		row[0] = p.Value
	}
	for _, p := range in.proxies {
		v, err := p.estimateShared(ctx, n, &memo)
		if err != nil {
			return nil, err
		}
		row = append(row, v.Value)
	}
	f := features.Of(n)
	return f.Append(row), nil
}

// OfAll returns the inputs of all networks, workers of them at a time (0: as many as
// processors).
func (in *SurrogateInputs) OfAll(ctx context.Context, nets []*blocks.Network, workers int) ([][]float64, error) {
	rows := make([][]float64, len(nets))
	first, err := forEach(ctx, nets, workers, func(ctx context.Context, i int) (err error) {
		rows[i], err = in.Of(ctx, nets[i])
		return err
	})
	if err != nil {
		return nil, fault.Errorf("accuracy: surrogate: %w", err)
	}
	for i, k := range first {
		rows[i] = rows[k]
	}
	return rows, nil
}

// shapeFrom is the column of the first feature of the fitted estimate.
func (in *SurrogateInputs) shapeFrom() int { return 1 + len(in.proxies) }

// priorSamples calls f with the column of each input that the combined rank is made
// of, the rank itself first, and its values on the reference sample.
func (in *SurrogateInputs) priorSamples(f func(column int, sample []float64)) {
	f(0, in.prior.ReferenceValues())
	for j, p := range in.proxies {
		if sample := in.prior.sampleOf(p.String()); sample != nil {
			f(1+j, sample)
		}
	}
}
