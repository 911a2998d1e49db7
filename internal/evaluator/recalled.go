package evaluator

import (
	"sync/atomic"

	"nas/accuracy"
	"nas/internal/runstore"
	"nas/search"
)

var accuracyField = runstore.FieldOf(runstore.KeyAccuracy)

// Recalled are the accuracy scores of earlier runs, by arch id. Only scores that would be computed
// to the same bytes again belong here: a run that is resumed without the earlier ones then goes on
// as it began.
type Recalled struct {
	scores map[string]accuracy.Score
	used   atomic.Int64
}

// Add takes over the score of a trial, if it has one.
func (r *Recalled) Add(t *search.Trial) {
	if s, ok := scoreOf(t); ok {
		if r.scores == nil {
			r.scores = map[string]accuracy.Score{}
		}
		r.scores[t.ArchID] = s
	}
}

// Used is how many scores were taken from r.
func (r *Recalled) Used() int64 { return r.used.Load() }

// take returns the score of a network; false where r, which may be nil, has none.
func (r *Recalled) take(archID string) (s accuracy.Score, ok bool) {
	if r == nil {
		return s, false
	}
	if s, ok = r.scores[archID]; ok {
		r.used.Add(1)
	}
	return s, ok
}

// scoreOf takes from a trial what its accuracy estimate had put there. The counts of params and
// MACs remain among the parts: they are the network's, whoever counts.
func scoreOf(t *search.Trial) (s accuracy.Score, ok bool) {
	if t.Failed != "" || t.Screened || t.Rungs != nil { // rungs have a log of their own
		return s, false
	}
	v := accuracyField.Of(&t.Result)
	s.Value, s.Low, s.High, s.Between = v.Mid, v.Low, v.High, v.BetweenSD
	s.Warnings = runstore.AccuracyWarning.Warnings(t.Warnings)
	for key, v := range t.Parts {
		if accuracyField.Has(key) || runstore.IsLatency(key) || key == runstore.KeyActivations || key == runstore.KeyWeights {
			continue
		}
		if s.Parts == nil {
			s.Parts = map[string]float64{}
		}
		s.Parts[key] = v
	}
	return s, s.Value == s.Value
}
