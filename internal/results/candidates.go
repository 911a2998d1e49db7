package results

import (
	"slices"

	"nas/internal/runstore"
	"nas/search"
)

// MaxCandidates is how many trials are worth asking for, or ranking anew: the front, and the fronts under it.
const MaxCandidates = 200

// Candidates returns the trials that may be on the true front, in id order: the feasible ones of
// the first non-dominated fronts, at most n of them.
func (s *Stored) Candidates(n int) ([]search.Trial, error) {
	contenders := NewContenders(s.Manifest.Objectives)
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		contenders.Add(&t)
	}
	if len(contenders.all) == 0 {
		return nil, nil
	}
	order := contenders.nearFront(n)
	slices.Sort(order)
	var out []search.Trial
	for v, err := range runstore.TrialViews(s.Dir) {
		if err != nil {
			return nil, err
		}
		if len(out) == len(order) {
			break
		}
		if v.ID != contenders.all[order[len(out)]].id {
			continue
		}
		t, err := v.Trial()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
