package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"nas/accuracy"
	"nas/search"
)

// scale makes the accuracy score, whose reference sample is drawn from the space
// and the accuracy seed alone, and finds the worst value of the sample in each
// objective: the reference point of the run's hypervolume.
func (p *pipeline) scale(ctx context.Context) error {
	if err := p.drawSample(); err != nil {
		return err
	}
	o := accuracy.Options{Seed: p.cfg.Accuracy.Seed, Workers: p.Workers}
	if p.resumed {
		o.Scale = p.storedScale()
	}
	if o.Scale == nil && accuracy.NeedsReference(p.cfg.Accuracy.Proxy) {
		p.say("scoring the reference sample of %d networks", len(p.sample))
		o.Reference = p.sample
	}
	est, err := accuracy.NewContext(ctx, p.cfg.Accuracy.Proxy, o)
	if err != nil {
		return err
	}
	p.eval.accuracy = est
	if p.resumed {
		p.worst = p.store.Manifest().Reference
		return nil
	}
	return p.findWorst(ctx)
}

// drawSample lowers the reference sample.
func (p *pipeline) drawSample() error {
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x7265666572656e63)) // "referenc"
	var first error
	for range 8 * accuracy.ReferenceSize {
		if len(p.sample) == accuracy.ReferenceSize {
			return nil
		}
		n, err := p.space.Arch(p.space.Sample(r)).Network()
		if err != nil {
			first = cmpError(first, err)
			continue
		}
		p.sample = append(p.sample, n)
	}
	if len(p.sample) == 0 {
		return &UsageError{fmt.Errorf("run: no network of the space can be built: %w", first)}
	}
	return nil
}

func cmpError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *pipeline) storedScale() *accuracy.Scale {
	data, err := os.ReadFile(p.store.Path(ScaleFile))
	if err != nil {
		return nil
	}
	s := new(accuracy.Scale)
	if json.Unmarshal(data, s) != nil {
		return nil // it is derived: score the sample again
	}
	return s
}

// findWorst judges the sample by all objectives.
func (p *pipeline) findWorst(ctx context.Context) error {
	scores, err := p.sampleScores(ctx)
	if err != nil {
		return err
	}
	p.worst = make([]float64, len(p.objectives))
	for i, o := range p.objectives {
		p.worst[i] = math.Inf(-1)
		if o.Direction == search.Maximize {
			p.worst[i] = math.Inf(1)
		}
	}
	for k, n := range p.sample {
		r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
		if err := p.eval.cheap(&r, whole{n}); err != nil {
			return err
		}
		for i, o := range p.objectives {
			v := p.eval.value(&r, o.Name)
			if o.Name == keyAccuracy {
				v = scores[k]
			}
			if o.Direction == search.Maximize {
				p.worst[i] = min(p.worst[i], v)
			} else {
				p.worst[i] = max(p.worst[i], v)
			}
		}
	}
	return nil
}

// sampleScores returns the accuracy score of each network of the sample; nil
// if accuracy is no objective.
func (p *pipeline) sampleScores(ctx context.Context) ([]float64, error) {
	if !slices.ContainsFunc(p.objectives, func(o search.Objective) bool { return o.Name == keyAccuracy }) {
		return nil, nil
	}
	if r, ok := p.eval.accuracy.(interface{ ReferenceValues() []float64 }); ok {
		if v := r.ReferenceValues(); len(v) == len(p.sample) {
			return v, nil
		}
	}
	scores, err := accuracy.ScoreAll(ctx, p.eval.accuracy, p.sample, p.Workers)
	return accuracy.Values(scores), err
}
