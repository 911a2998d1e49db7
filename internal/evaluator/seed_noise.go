package evaluator

import (
	"context"

	"nas/accuracy"
	"nas/blocks"
)

const (
	noiseSeeds  = 4
	noiseSample = 64 // reference networks of a score with another seed
)

// SeedScores scores networks with several other seeds of the score: a row of scores for each seed.
// It returns nil for a score that does not depend on the seed. Ranks are taken among fewer
// reference networks than the run's, the same for all seeds.
func (s *Setup) SeedScores(ctx context.Context, nets []*blocks.Network) ([][]float64, error) {
	var out [][]float64
	first := ""
	for k := range uint64(noiseSeeds) {
		o := accuracy.Options{Seed: s.Config.Accuracy.Seed + 1 + k, Recipe: s.Config.Accuracy.Recipe, Workers: s.Workers}
		if accuracy.NeedsReference(s.Config.Accuracy.Proxy) {
			o.Reference = s.Sample[:min(noiseSample, len(s.Sample))]
		}
		e, err := accuracy.NewContext(ctx, s.Config.Accuracy.Proxy, o)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			first = e.String()
		} else if e.String() == first {
			return nil, nil
		}
		scores, err := accuracy.ScoreAll(ctx, e, nets, s.Workers)
		if err != nil {
			return nil, err
		}
		out = append(out, accuracy.Values(scores))
	}
	return out, nil
}
