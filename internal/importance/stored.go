package importance

import (
	"context"

	"nas/internal/results"
	"nas/internal/runstore"
	"nas/space"
)

// OfRun finds out what each objective of a run depends on, by the values that the search had.
func OfRun(ctx context.Context, s *results.Stored, o Options) ([]*Report, error) {
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return nil, err
	}
	objectives := s.Manifest.Objectives
	trials := make([]Trials, len(objectives))
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		if t.Failed != "" || t.Stopped {
			continue
		}
		for i, objective := range objectives {
			trials[i].Add(t.Genes, runstore.Number(&t.Result, objective.Name))
		}
	}
	o.Seed = s.Manifest.Seed
	var reports []*Report
	for i, objective := range objectives {
		r, err := Of(ctx, sp, trials[i], o)
		if err != nil {
			return nil, err
		}
		r.Value, r.Unit = objective.Name, objective.Unit
		reports = append(reports, r)
	}
	return reports, nil
}
