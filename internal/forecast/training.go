package forecast

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nas/blocks"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/search"
)

// Training is what trainings of a space cost, from two of them: the smallest network for one epoch, and one of median
// size for two. A training is taken to last StartS and then EpochSPerMMAC for each epoch and million MACs.
type Training struct {
	Recipe        string  `json:"recipe"`
	Accuracy      float64 `json:"accuracy"` // of the smallest network after one epoch
	SmallestS     float64 `json:"smallest_s"`
	MedianS       float64 `json:"median_s"`
	StartS        float64 `json:"start_s"`
	EpochSPerMMAC float64 `json:"epoch_s_per_mmac"`
	Slots         int     `json:"slots"`
	Rungs         []Rung  `json:"rungs"`
	// AtMost says that the searcher decides how far a network is trained: the shares and the time of the run are then
	// what they can be at most.
	AtMost bool `json:"at_most"`
}

// Rung is what one rung costs a network of median size.
type Rung struct {
	Epochs   int     `json:"epochs"` // in all, at its end
	Seconds  float64 `json:"seconds"`
	SharePct float64 `json:"share_pct"` // of the candidates come to it
}

// train trains two networks of a space, given by size.
func train(ctx context.Context, s *evaluator.Setup, bySize []*blocks.Network) (*Training, error) {
	dir, err := os.MkdirTemp("", "nas-check-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	trial, err := s.TrialTraining(ctx)
	if err != nil {
		return nil, err
	}
	small, median := bySize[0], bySize[len(bySize)/2]
	seconds := func(n *blocks.Network, epochs int) (accuracy, s float64, err error) {
		began := time.Now()
		out, err := trial.Epochs(ctx, n, epochs, filepath.Join(dir, fmt.Sprint(epochs)))
		return out.Accuracy, time.Since(began).Seconds(), err
	}
	spec := trial.Spec()
	t := &Training{Recipe: spec.Name, Slots: len(spec.Slots)}
	s.Sayf("training the smallest network of the sample for one epoch")
	if t.Accuracy, t.SmallestS, err = seconds(small, 1); err != nil {
		return nil, err
	}
	s.Sayf("training one of median size for two epochs")
	if _, t.MedianS, err = seconds(median, 2); err != nil {
		return nil, err
	}
	m1, m2 := macs(small), macs(median)
	if t.EpochSPerMMAC = (t.MedianS - t.SmallestS) / (2*m2 - m1); t.EpochSPerMMAC < 0 {
		t.EpochSPerMMAC = 0
	}
	t.StartS = max(0, t.SmallestS-t.EpochSPerMMAC*m1)
	algorithm := s.Config.Search.Algorithm
	if algorithm == config.Auto {
		algorithm = search.Auto(s.Config.Search.Budget())
	}
	t.AtMost = algorithm == search.DecidesRungs
	before, share := 0, 100.0
	for _, epochs := range spec.Rungs {
		t.Rungs = append(t.Rungs, Rung{epochs, t.StartS + float64(epochs-before)*t.EpochSPerMMAC*m2, share})
		if before = epochs; !t.AtMost {
			share /= float64(spec.Eta)
		}
	}
	return t, nil
}

// macs counts in millions.
func macs(n *blocks.Network) float64 { return float64(n.Counts().MACs) / 1e6 }

// run is the time of a run that trains so many candidates, in seconds.
func (t *Training) run(candidates int) (s float64) {
	for _, r := range t.Rungs {
		s += float64(candidates) * r.SharePct / 100 * r.Seconds / float64(t.Slots)
	}
	return s
}
