package run

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"nas/accuracy"
	"nas/internal/runstore"
	"nas/search"
)

// memory holds the accuracy scores of earlier runs by arch id. A score is taken
// from it only where computing it would give the same bytes, so a run resumed
// without the earlier directories goes on as it began.
type memory struct {
	scores map[string]accuracy.Score
	used   atomic.Int64
}

// recall collects the scores of a warm start's runs, which are on this run's
// scale. Left out are runs of another numeric class, whose last digits may differ,
// those where counts are objectives that are parts here, or the reverse, and trials
// with warnings that do not say what they speak of (of versions before 0.1).
func (p *pipeline) recall(context.Context) error {
	if len(p.earlier) == 0 {
		return nil
	}
	m := &memory{scores: map[string]accuracy.Score{}}
	for _, s := range p.earlier {
		if is := numericClass(); s.Manifest.NumericClass != is {
			p.say("scores of %s are computed again: they are of %s, this is %s", s.Dir, s.Manifest.NumericClass, is)
			continue
		}
		if slices.ContainsFunc([]string{keyParams, keyMACs}, func(key string) bool { return p.eval.objectives[key] != s.aims(key) }) {
			continue
		}
		for t, err := range runstore.ReadTrials(s.Dir) {
			if err != nil {
				return err
			}
			if score, ok := scoreOf(&t); ok {
				m.scores[t.ArchID] = score
			}
		}
	}
	p.eval.memory = m
	return nil
}

func (s *Stored) aims(key string) bool {
	return slices.ContainsFunc(s.Manifest.Objectives, func(o search.Objective) bool { return o.Name == key })
}

// scoreOf takes from a trial what its accuracy estimate had put there. Counts stay
// among the parts: they are those of the network, whoever counts.
func scoreOf(t *search.Trial) (s accuracy.Score, ok bool) {
	if t.Failed != "" || t.Screened {
		return s, false
	}
	for _, w := range t.Warnings {
		if text, ok := strings.CutPrefix(w, warnsAccuracy); ok {
			s.Warnings = append(s.Warnings, text)
		} else if !strings.HasPrefix(w, warnsLatency) {
			return s, false
		}
	}
	for key, v := range t.Parts {
		switch {
		case strings.HasPrefix(key, keyLatency), key == keyActivations, key == keyWeights:
		case key == keyAccuracy:
		case key == keyAccuracy+"_low":
			s.Low = v
		case key == keyAccuracy+"_high":
			s.High = v
		case key == keyAccuracy+betweenSuffix:
			s.Between = v
		default:
			if s.Parts == nil {
				s.Parts = map[string]float64{}
			}
			s.Parts[key] = v
		}
	}
	if s.Value, ok = t.Objectives[keyAccuracy]; !ok {
		s.Value, ok = t.Parts[keyAccuracy]
	}
	return s, ok
}

// score returns the score of a network, from memory where that has it.
func (e *evaluator) score(ctx context.Context, x lowered, archID string) (accuracy.Score, error) {
	if e.memory != nil {
		if s, ok := e.memory.scores[archID]; ok {
			e.memory.used.Add(1)
			return s, nil
		}
	}
	return x.score(ctx, e.accuracy)
}

// measuredBefore returns what earlier runs with this very profile have measured,
// by arch id.
func (p *pipeline) measuredBefore() map[string]runstore.MeasuredRow {
	out := map[string]runstore.MeasuredRow{}
	mine, err := os.ReadFile(p.store.Path(runstore.ProfileFile))
	if err != nil {
		return out
	}
	for _, s := range p.earlier {
		theirs, err := os.ReadFile(filepath.Join(s.Dir, runstore.ProfileFile))
		if err != nil || !bytes.Equal(mine, theirs) {
			continue
		}
		byID := map[int]runstore.MeasuredRow{}
		for _, r := range s.Measured {
			byID[r.ID] = r
		}
		for g, err := range runstore.Glances(s.Dir) {
			if err != nil {
				break // what is not known is measured
			}
			if r, ok := byID[g.ID]; ok {
				out[string(g.ArchID)] = r
			}
		}
	}
	return out
}
