package audit

import (
	"context"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/evaluator"
	"nas/space"
)

// batch collects networks, so that all cores can score them.
type batch struct {
	networks   []*blocks.Network
	scores, ms []float64 // of each, after judge
}

// change is going from one network of a batch to another.
type change struct{ from, to int }

// add returns the index of the network.
func (b *batch) add(n *blocks.Network) int {
	b.networks = append(b.networks, n)
	return len(b.networks) - 1
}

func (b *batch) addGenes(sp *space.Space, g space.Genes) (int, error) {
	n, err := sp.Arch(g).Network()
	return b.add(n), err
}

// judge scores all networks and predicts their latency on the first device.
func (b *batch) judge(ctx context.Context, s *evaluator.Setup) error {
	scores, err := accuracy.ScoreAll(ctx, s.Accuracy, b.networks, s.Workers)
	if err != nil {
		return err
	}
	b.scores = accuracy.Values(scores)
	for _, n := range b.networks {
		e, err := s.Devices[0].Predictor.Predict(n)
		if err != nil {
			return err
		}
		b.ms = append(b.ms, e.LatencyMs)
	}
	return nil
}

// changes returns the changes of the score, and of the latency in per cent.
func (b *batch) changes(of []change) (score, latencyPct []float64) {
	for _, c := range of {
		score = append(score, b.scores[c.to]-b.scores[c.from])
		latencyPct = append(latencyPct, 100*(b.ms[c.to]/b.ms[c.from]-1))
	}
	return score, latencyPct
}
