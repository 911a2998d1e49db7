package results

import (
	"fmt"
	"maps"
	"math"

	"nas/internal/plural"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/runstore"
	"nas/search"
)

// Told is what a run was told about trained networks.
type Told struct {
	Trained  int                // networks, of the trials that were ranked anew if some were
	Ranked   int                // trials that were ranked anew; 0: the run has its own score
	accuracy map[string]float64 // of trained networks, per cent, by arch id
	seeds    map[int]int        // by trial that was ranked anew
	Before   *Stored            // the run by its own score
}

// LoadTold is [Load], and where the trials were ranked anew by trained networks (nas tell) the run has their
// front, and of the trials those that were ranked, with these accuracies.
func LoadTold(dir string) (*Stored, error) {
	s, err := Load(dir)
	if err != nil {
		return nil, err
	}
	trained, err := runstore.ReadTrained(dir)
	if err != nil || len(trained) == 0 || !s.HasObjective(runstore.KeyAccuracy) {
		return s, err
	}
	rows, err := runstore.ReadRanked(dir)
	if err != nil {
		return s, err
	}
	before := *s
	s.Told = &Told{Trained: len(trained), Ranked: len(rows), Before: &before,
		accuracy: map[string]float64{}, seeds: map[int]int{}}
	for i := range trained {
		s.Told.accuracy[trained[i].ArchID] = trained[i].Accuracy()
	}
	if len(rows) == 0 {
		return s, nil
	}
	s.Told.Trained = 0
	accuracy, least := map[int]runstore.Value{}, math.Inf(1)
	for _, r := range rows {
		accuracy[r.ID] = r.Accuracy
		least = min(least, r.Accuracy.Mid)
		if r.Seeds > 0 {
			s.Told.Trained++
			s.Told.seeds[r.ID] = r.Seeds
		}
	}
	m := &s.Manifest
	m.Reference = append([]float64(nil), m.Reference...)
	for k, o := range m.Objectives {
		if o.Name == runstore.KeyAccuracy && k < len(m.Reference) {
			m.Reference[k] = least
		}
	}
	m.Score.Label = fmt.Sprintf("top-1 (%%): %d trained, others by a surrogate of them", s.Told.Trained)
	m.Score.Unit, m.Score.Blind, m.Score.Spec, m.ScaleID = runstore.UnitPercent, nil, "told of "+dir, ""
	s.References, s.Expected = nil, nil // they are of the run's score
	return s, s.rankAnew(accuracy)
}

// rankAnew makes the front and what is shown of trials that have these accuracies, by id.
func (s *Stored) rankAnew(accuracy map[int]runstore.Value) (err error) {
	if s.Front, err = search.NewFront(s.Manifest.Objectives, s.Manifest.Reference); err != nil {
		return err
	}
	s.Shown = html.Trials{}
	x, y := s.Axes()
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return err
		}
		v, ok := accuracy[t.ID]
		if !ok {
			continue
		}
		t = WithAccuracy(&t, v)
		s.Front.Add(t)
		if q, ok := ShownTrial(&t, x, y); ok {
			at := report.XY{X: q.X, Y: q.Y}
			s.Shown.Add(t.ID, []byte(t.ArchID), []byte(t.Arch), at, q.Params, q.MACs, q.Feasible)
		}
	}
	return nil
}

// WithAccuracy is a trial with another accuracy. An error that networks share is no longer told apart: the
// interval is all of the new value's error.
func WithAccuracy(t *search.Trial, v runstore.Value) search.Trial {
	u := *t
	u.Result = search.Result{Objectives: maps.Clone(t.Objectives), Parts: maps.Clone(t.Parts), Violation: t.Violation}
	if u.Parts == nil {
		u.Parts = map[string]float64{}
	}
	f := runstore.FieldOf(runstore.KeyAccuracy)
	f.Clear(&u.Result)
	f.Set(&u.Result, v, true)
	return u
}

// Note says where accuracies come from.
func (t *Told) Note() string {
	if t.Ranked == 0 {
		return fmt.Sprintf("Trained networks that the run was told of: %d. That is too little to rank the others by, "+
			"so this is the run's own score.", t.Trained)
	}
	return fmt.Sprintf("Accuracy is that of training for %s, and for the others by a surrogate fitted to them "+
		"(nas tell). Only the %d trials at the front of the run's score are ranked by it.",
		plural.Of(t.Trained, "network"), t.Ranked)
}

// source says where the accuracy of a trial comes from; "" for the run's score of a network that was not trained.
func (t *Told) source(id int, archID string) string {
	if t == nil {
		return ""
	}
	a, ok := t.accuracy[archID]
	switch n := t.seeds[id]; {
	case t.Ranked == 0 && ok:
		return fmt.Sprintf("estimated; trained it has %.2f %%", a)
	case t.Ranked == 0:
		return ""
	case n > 1:
		return fmt.Sprintf("trained, mean of %d seeds", n)
	case n > 0:
		return "trained"
	}
	return "by the surrogate of trained networks"
}
