package evaluator

import (
	"context"
	"math"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/runstore"
	"nas/search"
)

// worst judges the reference sample by all objectives and returns the worst value in each.
func (e *Evaluator) worst(ctx context.Context, objectives []search.Objective, sample []*blocks.Network, workers int) ([]float64, error) {
	scores, err := e.sampleScores(ctx, sample, workers)
	if err != nil {
		return nil, err
	}
	worst := make([]float64, len(objectives))
	for i, o := range objectives {
		worst[i] = math.Inf(-1)
		if o.Direction == search.Maximize {
			worst[i] = math.Inf(1)
		}
	}
	for k, n := range sample {
		r, err := e.cheapValues(n)
		if err != nil {
			return nil, err
		}
		if scores != nil {
			r.Objectives[runstore.KeyAccuracy] = scores[k]
		}
		for i, o := range objectives {
			if v := r.Objectives[o.Name]; o.Direction == search.Maximize {
				worst[i] = min(worst[i], v)
			} else {
				worst[i] = max(worst[i], v)
			}
		}
	}
	return worst, nil
}

// sampleScores returns the accuracy score of each network of the sample; nil if accuracy is no objective.
func (e *Evaluator) sampleScores(ctx context.Context, sample []*blocks.Network, workers int) ([]float64, error) {
	if !e.IsObjective(runstore.KeyAccuracy) {
		return nil, nil
	}
	if r, ok := e.Accuracy.(accuracy.ScaledEstimator); ok {
		if v := r.ReferenceValues(); len(v) == len(sample) {
			return v, nil
		}
	}
	scores, err := accuracy.ScoreAll(ctx, e.Accuracy, sample, workers)
	return accuracy.Values(scores), err
}
