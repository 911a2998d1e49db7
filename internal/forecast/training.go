package forecast

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/stat"

	"nas/blocks"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/plural"
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
	AtMost bool    `json:"at_most"`
	SD     float64 `json:"sd,omitempty"` // between seeds, as the recipe says
	// Seeds is nil where training several would have taken too long, and SeedsS then how long.
	Seeds  *Seeds  `json:"seeds,omitempty"`
	SeedsS float64 `json:"seeds_s,omitempty"`
}

// Seeds is how much the accuracy of the smallest network differs between seeds.
type Seeds struct {
	Epochs   int       `json:"epochs"`
	Of       int       `json:"of"`       // epochs of the last rung
	Accuracy []float64 `json:"accuracy"` // one for each seed
	SD       float64   `json:"sd"`       // between seeds, an estimate of few
	// Apart is the difference between two networks, trained once each, that seeds alone exceed in one case of ten.
	Apart float64 `json:"apart"`
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
	spec := trial.Spec()
	seconds := func(n *blocks.Network, epochs int) (accuracy, s float64, err error) {
		began := time.Now()
		out, err := trial.Epochs(ctx, n, epochs, filepath.Join(dir, fmt.Sprint(epochs)))
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("recipe %q does not train, tried with %s: %w", spec.Name, plural.Of(epochs, "epoch"), err)
		}
		return out.Accuracy, time.Since(began).Seconds(), err
	}
	t := &Training{Recipe: spec.Name, Slots: len(spec.Slots), SD: spec.SD}
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
	return t, t.trySeeds(ctx, s, trial, small, dir)
}

// What trying seeds may take: so many seconds, or that share of the run if it is more.
const (
	seedsS     = 60
	seedsShare = 0.02
	mostSeeds  = 4
)

// trySeeds trains the smallest network with several seeds, to the last rung at which that takes no longer than it may.
func (t *Training) trySeeds(
	ctx context.Context, s *evaluator.Setup, trial *evaluator.TrialTraining, small *blocks.Network, dir string,
) error {
	budget := max(seedsS, seedsShare*t.run(s.Config.Search.Most()))
	at := func(rung int) float64 { return t.StartS + float64(t.Rungs[rung].Epochs)*t.EpochSPerMMAC*macs(small) }
	rung := len(t.Rungs) - 1
	for rung > 0 && 2*at(rung) > budget {
		rung--
	}
	if t.SeedsS = 2 * at(rung); t.SeedsS > budget {
		return nil
	}
	n := min(mostSeeds, int(budget/at(rung)))
	x := &Seeds{Epochs: t.Rungs[rung].Epochs, Of: t.Rungs[len(t.Rungs)-1].Epochs}
	s.Sayf("training the smallest network with %d seeds, for %s", n, plural.Of(x.Epochs, "epoch"))
	for k := range n {
		out, err := trial.Seeded(ctx, small, rung, uint64(k), filepath.Join(dir, fmt.Sprint("seed", k)))
		if err != nil {
			if ctx.Err() == nil {
				err = fmt.Errorf("recipe %q does not train with seed %d, to rung %d: %w", trial.Spec().Name,
					s.Config.Accuracy.Seed+uint64(k), rung+1, err)
			}
			return err
		}
		x.Accuracy = append(x.Accuracy, out.Accuracy)
	}
	x.SD = stat.StdDev(x.Accuracy, nil)
	const z90 = 1.645
	x.Apart = z90 * math.Sqrt2 * x.SD
	t.Seeds, t.SeedsS = x, 0
	return nil
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
