package accuracy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nas/blocks"
)

// RankMean is the mean of several proxies' positions among the networks of a
// reference sample. Positions, unlike ranks among the candidates seen so far,
// depend on nothing but the sample: a score never changes, has no ties, and goes
// on beyond both ends of the sample. 0.5 is the sample's median network, 1 its
// best; better networks than any of the sample score above 1.
type RankMean struct {
	parts []Estimator
	names []string // of parts, their settings included
	scale *Scale
	id    string
}

func newRankMean(ctx context.Context, parts []Estimator, o Options) (*RankMean, error) {
	r := &RankMean{parts: parts, names: make([]string, len(parts)), scale: &Scale{parts: map[string]*ruler{}}}
	for i, p := range parts {
		name := p.String()
		r.names[i] = name
		if o.Scale != nil {
			if have := o.Scale.parts[name]; have != nil {
				r.scale.parts[name] = have
				continue
			}
		}
		if len(o.Reference) < 2 {
			return nil, fmt.Errorf("accuracy: rankmean needs a reference sample of networks (Options.Reference has %d), or a stored scale with %s", len(o.Reference), name)
		}
		sample, err := ScoreAll(ctx, p, o.Reference, o.Workers)
		if err != nil {
			return nil, fmt.Errorf("accuracy: reference sample: %w", err)
		}
		r.scale.parts[name] = newRuler(sample)
	}
	r.id = r.scale.id(r.names)
	return r, nil
}

// Scale returns the reference values, to be stored.
func (r *RankMean) Scale() *Scale { return r.scale }

// Estimate returns the mean position; Parts holds the raw values and, as
// NAME.position, each part's own position.
func (r *RankMean) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	s := point(0)
	s.Parts = make(map[string]float64, 2*len(r.parts))
	for i, p := range r.parts {
		ps, err := p.Estimate(ctx, n)
		if err != nil {
			return Score{}, err
		}
		pos := r.scale.parts[r.names[i]].position(ps.Value)
		s.Value += pos / float64(len(r.parts))
		name := p.Info().Name
		s.Parts[name] = ps.Value
		s.Parts[name+".position"] = pos
		s.Warnings = append(s.Warnings, ps.Warnings...)
	}
	return s, nil
}

// Info is blind to what all the parts are blind to.
func (r *RankMean) Info() Info {
	names := make([]string, len(r.parts))
	var blind []Trait
	for i, p := range r.parts {
		in := p.Info()
		names[i] = in.Name
		if i == 0 {
			blind = slices.Clone(in.Blind)
		} else {
			blind = slices.DeleteFunc(blind, func(t Trait) bool { return !slices.Contains(in.Blind, t) })
		}
	}
	list := strings.Join(names, ",")
	return Info{Name: "rankmean(" + list + ")", Label: "mean rank of " + strings.Join(names, " and ") + " (training-free score)",
		Blind: blind, ScaleID: r.id}
}

// String names the parts, their settings, and the scale.
func (r *RankMean) String() string { return "rankmean(" + strings.Join(r.names, ",") + ")@" + r.id }

// ScoreAll returns the values of all networks, workers of them at a time (0:
// one for each processor). The first error ends it.
func ScoreAll(ctx context.Context, e Estimator, nets []*blocks.Network, workers int) ([]float64, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	values := make([]float64, len(nets))
	errs := make([]error, len(nets))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(nets)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(nets) || ctx.Err() != nil {
					return
				}
				s, err := e.Estimate(ctx, nets[i])
				if err != nil {
					errs[i] = err
					cancel()
					return
				}
				values[i] = s.Value
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(values, math.IsNaN) || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return values, nil
}
