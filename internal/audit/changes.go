package audit

import (
	"context"
	"math"

	"gonum.org/v1/gonum/stat"

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
	var err error
	if b.scores, err = s.Scores(ctx, b.networks); err != nil {
		return err
	}
	for _, n := range b.networks {
		e, err := s.Devices[0].Predictor.Predict(n)
		if err != nil {
			return err
		}
		b.ms = append(b.ms, e.LatencyMs)
	}
	return nil
}

// changes returns the changes of the score, and of the latency in per cent, but for those from or to a network
// that has no score.
func (b *batch) changes(of []change) (score, latencyPct []float64) {
	for _, c := range of {
		if math.IsNaN(b.scores[c.to] - b.scores[c.from]) {
			continue
		}
		score = append(score, b.scores[c.to]-b.scores[c.from])
		latencyPct = append(latencyPct, 100*(b.ms[c.to]/b.ms[c.from]-1))
	}
	return score, latencyPct
}

const (
	// visibleFactor: differences of two scores that are noise alone have a root mean square of
	// sqrt(2) times one score's noise, give or take a tenth with 64 of them.
	visibleFactor = 1.3
	// visibleErrors: a mean change of so many standard errors is visible, too.
	visibleErrors = 3
)

// noiseOf takes a row of scores for each seed.
func noiseOf(scores [][]float64) float64 {
	if len(scores) < 2 {
		return 0
	}
	for _, row := range scores {
		mean := stat.Mean(row, nil)
		for i := range row {
			row[i] -= mean
		}
	}
	variance := 0.0
	networks := len(scores[0])
	for i := range networks {
		v := make([]float64, len(scores))
		for k := range scores {
			v[k] = scores[k][i]
		}
		variance += stat.Variance(v, nil) / float64(networks)
	}
	return math.Sqrt(variance)
}

// visible decides whether changes of the score, with that mean and standard deviation, are more than its noise.
func visible(n int, mean, sd, noise float64) bool {
	const rounding = 1e-9
	rms := math.Hypot(mean, sd)
	switch {
	case n == 0 || rms <= rounding:
		return false
	case noise == 0:
		return true
	}
	return rms > visibleFactor*math.Sqrt2*noise || math.Abs(mean) > visibleErrors*sd/math.Sqrt(float64(n))
}

// meanSD is 0 where there are too few values.
func meanSD(v []float64) (mean, sd float64) {
	switch len(v) {
	case 0:
		return 0, 0
	case 1:
		return v[0], 0
	}
	return stat.MeanStdDev(v, nil)
}
