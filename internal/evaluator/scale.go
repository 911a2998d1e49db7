package evaluator

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// ReferenceSample draws the networks whose scores are the scale of a combined rank. They depend on
// the space and the seed of the score alone.
func ReferenceSample(sp *space.Space, seed uint64) (sample []*blocks.Network, err error) {
	r := rand.New(rand.NewPCG(seed, 0x7265666572656e63)) // "referenc"
	for range 8 * accuracy.ReferenceSize {
		if len(sample) == accuracy.ReferenceSize {
			return sample, nil
		}
		n, e := sp.Arch(sp.Sample(r)).Network()
		if e != nil {
			err = cmp.Or(err, e)
			continue
		}
		sample = append(sample, n)
	}
	if len(sample) == 0 {
		return nil, config.Usagef("evaluator: no network of the space can be built: %w", err)
	}
	return sample, nil
}

// estimatorOf makes the accuracy estimator. That of a resumed run takes the stored scale, if it can be read.
func estimatorOf(ctx context.Context, c *config.Config, o Options, sample []*blocks.Network, resumed *runstore.Run) (accuracy.Estimator, error) {
	a := accuracy.Options{Seed: c.Accuracy.Seed, Workers: o.Workers}
	if resumed != nil {
		a.Scale = storedScale(resumed.Path(runstore.ScaleFile))
	}
	if a.Scale == nil && accuracy.NeedsReference(c.Accuracy.Proxy) {
		o.Sayf("scoring the reference sample of %d networks", len(sample))
		a.Reference = sample
	}
	return accuracy.NewContext(ctx, c.Accuracy.Proxy, a)
}

// storedScale returns nil where the file cannot be used: it is derived, and is made again.
func storedScale(path string) *accuracy.Scale {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	s := new(accuracy.Scale)
	if json.Unmarshal(data, s) != nil {
		return nil
	}
	return s
}

// Scale returns the reference values of a combined rank; nil for another estimator.
func (e *Evaluator) Scale() *accuracy.Scale {
	if s, ok := e.Accuracy.(interface{ Scale() *accuracy.Scale }); ok {
		return s.Scale()
	}
	return nil
}

// worst judges the reference sample by all objectives and returns the worst value in each.
func (s *Setup) worst(ctx context.Context) ([]float64, error) {
	scores, err := s.sampleScores(ctx)
	if err != nil {
		return nil, err
	}
	worst := make([]float64, len(s.Objectives))
	for i, o := range s.Objectives {
		worst[i] = math.Inf(-1)
		if o.Direction == search.Maximize {
			worst[i] = math.Inf(1)
		}
	}
	for k, n := range s.Sample {
		r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
		if err := s.predict(&r, wholeNetwork{n}); err != nil {
			return nil, err
		}
		if scores != nil {
			r.Objectives[runstore.KeyAccuracy] = scores[k]
		}
		for i, o := range s.Objectives {
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
func (s *Setup) sampleScores(ctx context.Context) ([]float64, error) {
	if !s.IsObjective(runstore.KeyAccuracy) {
		return nil, nil
	}
	if r, ok := s.Accuracy.(interface{ ReferenceValues() []float64 }); ok {
		if v := r.ReferenceValues(); len(v) == len(s.Sample) {
			return v, nil
		}
	}
	return accuracy.ScoreAll(ctx, s.Accuracy, s.Sample, s.Workers)
}
