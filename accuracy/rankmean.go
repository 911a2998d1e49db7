package accuracy

import (
	"context"
	"slices"
	"strings"

	"nas/accuracy/proxy"
	"nas/blocks"
	"nas/internal/fault"
)

// RankMean is the mean of a network's positions among the networks of a reference
// sample, by several proxies. Unlike ranks among the candidates seen so far, positions
// depend on the sample alone: a score never changes, has no ties, and continues beyond
// both ends of the sample. 0.5 is the position of the sample's median network and 1 that
// of its best; networks better than all of the sample score above 1.
type RankMean struct {
	parts []Estimator
	names []string // of parts, their settings included
	scale *Scale
	id    string // of scale
}

// newRankMean takes the scales of the parts from stored, which may be nil, and makes
// those that it lacks by scoring the reference networks, workers of them at a time.
func newRankMean(
	ctx context.Context, parts []Estimator, stored *Scale, reference []*blocks.Network, workers int,
) (*RankMean, error) {
	r := &RankMean{parts: parts, names: make([]string, len(parts)), scale: &Scale{}}
	var missing []int
	for i, p := range parts {
		name := p.String()
		r.names[i] = name
		if stored.Has(name) {
			r.scale.Add(name, stored.Sample(name))
			continue
		}
		if len(reference) < 2 {
			return nil, fault.Errorf("accuracy: rankmean needs a reference sample of networks (Options.Reference has %d), "+
				"or a stored scale with %s", len(reference), name)
		}
		missing = append(missing, i)
	}
	samples := make([][]float64, len(missing))
	for k := range samples {
		samples[k] = make([]float64, len(reference))
	}
	first, err := forEach(ctx, reference, workers, func(ctx context.Context, j int) error {
		var memo proxy.Memo
		for k, i := range missing {
			s, err := estimateShared(ctx, parts[i], reference[j], &memo)
			if err != nil {
				return err
			}
			samples[k][j] = s.Value
		}
		return nil
	})
	if err != nil {
		return nil, fault.Errorf("accuracy: reference sample: %w", err)
	}
	for k, i := range missing {
		for j, of := range first {
			samples[k][j] = samples[k][of]
		}
		r.scale.Add(r.names[i], samples[k])
	}
	r.id = r.scale.ID(r.names)
	return r, nil
}

// Scale implements [ScaledEstimator].
func (r *RankMean) Scale() *Scale { return r.scale }

// ReferenceValues implements [ScaledEstimator].
func (r *RankMean) ReferenceValues() []float64 {
	var values []float64
	for _, name := range r.names {
		sample := r.scale.Sample(name)
		if values == nil {
			values = make([]float64, len(sample))
		}
		if len(sample) != len(values) {
			return nil
		}
		for i, v := range sample {
			values[i] += r.scale.Position(name, v) / float64(len(r.names))
		}
	}
	return values
}

// sampleOf returns the values of the part of a name, settings included, on the
// reference sample; nil if there is no such part.
func (r *RankMean) sampleOf(name string) []float64 {
	if !slices.Contains(r.names, name) {
		return nil
	}
	return r.scale.Sample(name)
}

// Estimate returns the mean position. Parts of the score holds the raw value of each
// proxy by name, and its position as NAME.position.
func (r *RankMean) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	return r.estimateShared(ctx, n, new(proxy.Memo))
}

func (r *RankMean) estimateShared(ctx context.Context, n *blocks.Network, memo *proxy.Memo) (Score, error) {
	s := point(0)
	s.Parts = make(map[string]float64, 2*len(r.parts))
	for i, p := range r.parts {
		ps, err := estimateShared(ctx, p, n, memo)
		if err != nil {
			return Score{}, err
		}
		pos := r.scale.Position(r.names[i], ps.Value)
		s.Value += pos / float64(len(r.parts))
		name := p.Info().Name
		s.Parts[name] = ps.Value
		s.Parts[name+".position"] = pos
		s.Warnings = append(s.Warnings, ps.Warnings...)
	}
	return s, nil
}

// Info is blind to the traits that all the parts are blind to. Of these it penalises
// those that any part penalises.
func (r *RankMean) Info() Info {
	var names []string
	var blind, penalised []Trait
	for i, p := range r.parts {
		in := p.Info()
		names = append(names, in.Name)
		penalised = append(penalised, in.Penalised...)
		if i == 0 {
			blind = slices.Clone(in.Blind)
		}
		blind = slices.DeleteFunc(blind, func(t Trait) bool { return !slices.Contains(in.Blind, t) })
	}
	in := Info{
		Name:  "rankmean(" + strings.Join(names, ",") + ")",
		Label: "mean rank of " + strings.Join(names, " and ") + " (training-free score)",
		Blind: blind, ScaleID: r.id,
	}
	for _, t := range blind {
		if slices.Contains(penalised, t) {
			in.Penalised = append(in.Penalised, t)
		}
	}
	return in
}

// String returns the parts with their settings, and the id of the scale.
func (r *RankMean) String() string { return "rankmean(" + strings.Join(r.names, ",") + ")@" + r.id }
