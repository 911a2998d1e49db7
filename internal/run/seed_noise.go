package run

import (
	"context"
	"math"

	"nas/accuracy"
	"nas/blocks"
)

// seedNoise is the standard deviation of one network's score over seeds of the
// score, less what all networks share: the part that can change an order. It is 0
// for a score that draws nothing.
func (p *pipeline) seedNoise(ctx context.Context, nets []*blocks.Network) (float64, error) {
	scores, err := p.seedScores(ctx, nets)
	if err != nil || len(scores) < 2 {
		return 0, err
	}
	for _, row := range scores {
		mean, _ := meanSpread(row)
		for i := range row {
			row[i] -= mean
		}
	}
	variance := 0.0
	for i := range nets {
		v := make([]float64, len(scores))
		for k := range scores {
			v[k] = scores[k][i]
		}
		_, sd := meanSpread(v)
		variance += sd * sd / float64(len(nets))
	}
	return math.Sqrt(variance), nil
}

// seedScores scores networks with several other seeds of the score; nil for a
// score that has no use for one. Ranks are taken among fewer reference networks
// than the run's, the same for all seeds.
func (p *pipeline) seedScores(ctx context.Context, nets []*blocks.Network) ([][]float64, error) {
	var out [][]float64
	first := ""
	for k := range uint64(noiseSeeds) {
		o := accuracy.Options{Seed: p.cfg.Accuracy.Seed + 1 + k, Workers: p.Workers}
		if accuracy.NeedsReference(p.cfg.Accuracy.Proxy) {
			o.Reference = p.sample[:min(noiseSample, len(p.sample))]
		}
		e, err := accuracy.NewContext(ctx, p.cfg.Accuracy.Proxy, o)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			first = e.String()
		} else if e.String() == first {
			return nil, nil
		}
		scores, err := accuracy.ScoreAll(ctx, e, nets, p.Workers)
		if err != nil {
			return nil, err
		}
		out = append(out, accuracy.Values(scores))
	}
	return out, nil
}
