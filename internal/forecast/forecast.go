// Package forecast says what a run will cost, and what is wrong with its config, before hours are spent on it.
package forecast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/audit"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/internal/work"
)

// Forecast is what is known of a run before it begins.
type Forecast struct {
	Config      string  `json:"config"`
	Networks    string  `json:"networks"`    // in the space
	Sampled     int     `json:"sampled"`     // different networks that were judged
	Evaluations int     `json:"evaluations"` // that the run may take
	HoldPct     float64 `json:"hold_pct"`    // share of the sample that holds all limits known without a score
	Limits      []Limit `json:"limits"`
	// Blind are the genes that the score cannot see: the search takes their cheapest choices.
	Blind []string `json:"blind"`
	// Training is what trainings cost; nil where networks are scored.
	Training *Training `json:"training,omitempty"`
	// ScoreMs is the time of one score, where networks are scored.
	ScoreMs float64 `json:"score_ms,omitempty"`
	RunS    float64 `json:"run_s"` // about how long the whole search takes, in seconds
}

// Limit is a constraint, and the share of the sample that holds it.
type Limit struct {
	Limit   string  `json:"limit"`
	HoldPct float64 `json:"hold_pct"`
}

// Of makes the forecast of a config. A space without a network that holds the limits is a [*config.UsageError]; a
// trainer that does not work is an error.
func Of(ctx context.Context, c *config.Config, o work.Options) (*Forecast, error) {
	s, err := evaluator.New(ctx, c, o, nil)
	if err != nil {
		return nil, err
	}
	if s, err = s.Constrained(ctx); err != nil {
		return nil, err
	}
	f := &Forecast{
		Config: c.File(), Networks: s.Space.Size().String(), Evaluations: c.Search.Most(),
		Limits: []Limit{}, Blind: []string{},
	}
	holding, err := f.judgeSample(s)
	if err != nil {
		return nil, err
	}
	if s.Trains() {
		f.Training, err = train(ctx, s, holding)
		if err != nil {
			return nil, err
		}
		f.RunS = f.Training.run(f.Evaluations)
		return f, nil
	}
	blind, err := audit.Blind(ctx, s)
	if err != nil {
		return nil, err
	}
	f.Blind = append(f.Blind, blind...)
	began, n := time.Now(), min(8, len(holding))
	if _, err := s.Scores(ctx, holding[:n]); err != nil {
		return nil, err
	}
	f.ScoreMs = time.Since(began).Seconds() * 1000 / float64(n)
	f.RunS = f.ScoreMs / 1000 * float64(f.Evaluations) // the share of all cores is in it
	return f, nil
}

// judgeSample judges the reference sample by the limits, and returns those that hold them, the fewest MACs first.
func (f *Forecast) judgeSample(s *evaluator.Setup) (holding []*blocks.Network, err error) {
	broken := make([]int, len(s.Limits))
	seen := map[*blocks.Network]bool{}
	for _, n := range s.Sample {
		if seen[n] {
			continue
		}
		seen[n] = true
		r, err := s.JudgeCheaply(n)
		if err != nil {
			return nil, err
		}
		for i, l := range s.Limits {
			if r.Violations[l.Name] > 0 {
				broken[i]++
			}
		}
		if r.Violation == 0 {
			holding = append(holding, n)
		}
	}
	f.Sampled = len(seen)
	pct := func(n int) float64 { return 100 * float64(n) / float64(f.Sampled) }
	for i, l := range s.Limits {
		if l.Key != runstore.KeyAccuracy {
			f.Limits = append(f.Limits, Limit{l.String(), pct(f.Sampled - broken[i])})
		}
	}
	if f.HoldPct = pct(len(holding)); len(holding) == 0 {
		return nil, config.Usagef("none of %d networks of the space holds the constraints: %w", f.Sampled, f.strictest())
	}
	slices.SortStableFunc(holding, func(a, b *blocks.Network) int { return int(a.Counts().MACs - b.Counts().MACs) })
	return holding, nil
}

// strictest names the limit that the fewest networks hold.
func (f *Forecast) strictest() error {
	if len(f.Limits) == 0 {
		return errors.New("it has none")
	}
	worst := slices.MinFunc(f.Limits, func(a, b Limit) int { return int(1000 * (a.HoldPct - b.HoldPct)) })
	return fmt.Errorf("%s is held by %.3g %% of them: raise it, or give the space smaller choices", worst.Limit,
		worst.HoldPct)
}
