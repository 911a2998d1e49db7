package evaluator

import (
	"context"
	"errors"
	"math"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/plural"
)

// lenient scores NaN what its estimator refuses.
type lenient struct{ accuracy.Estimator }

func (l lenient) Estimate(ctx context.Context, n *blocks.Network) (accuracy.Score, error) {
	s, err := l.Estimator.Estimate(ctx, n)
	if errors.As(err, new(accuracy.Refusal)) {
		return accuracy.Score{Value: math.NaN()}, nil
	}
	return s, err
}

// scoresOf returns the scores of networks, NaN for one that the estimator of a spec refuses. It is a
// [*config.UsageError] if it refuses all of them: a run would find nothing.
func scoresOf(
	ctx context.Context, e accuracy.Estimator, spec string, nets []*blocks.Network, workers int,
) ([]float64, error) {
	scores, err := accuracy.ScoreAll(ctx, lenient{e}, nets, workers)
	if err != nil {
		return nil, err
	}
	values := accuracy.Values(scores)
	for _, v := range values {
		if !math.IsNaN(v) {
			return values, nil
		}
	}
	if _, err = e.Estimate(ctx, nets[0]); err == nil {
		return values, nil
	}
	return nil, config.Usagef("accuracy.proxy = %q: it estimates none of %s of the space: %w",
		spec, plural.Of(len(nets), "network"), err)
}
