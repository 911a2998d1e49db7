package run

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
)

// warmShare is the share of the population that earlier runs may fill: the rest is drawn, so that the
// search can leave what it was given.
const warmShare = 0.5

// warmStart loads earlier runs and puts networks of their fronts, taken evenly over each front, in front
// of the population. They become part of the config, so the run can be resumed and repeated without those
// directories.
func warmStart(c *config.Config, dirs []string) (earlier []*results.Stored, err error) {
	free := int(warmShare * float64(cmp.Or(c.Search.Population, search.DefaultPopulation(c.Search.Budget()))))
	for i, dir := range dirs {
		s, err := results.Load(dir)
		if err != nil {
			return nil, config.Usage(err)
		}
		earlier = append(earlier, s)
		members := s.Front.Trials()
		share := free / (len(dirs) - i)
		for _, k := range stat.Evenly(len(members), min(share, len(members))) {
			c.Search.Start = append(c.Search.Start, members[k].Arch)
			free--
		}
	}
	return earlier, nil
}

// recall lets the evaluator take over the accuracy scores of earlier runs. It refuses runs whose scores
// are on another scale. It leaves out those of another numeric class, whose last digits may differ, and
// those in which params or MACs are objectives and are none here, or the reverse.
func recall(s *evaluator.Setup, earlier []*results.Stored) error {
	if len(earlier) == 0 {
		return nil
	}
	id, spec := s.Accuracy.Info().ScaleID, s.Accuracy.String()
	for _, e := range earlier {
		if e.Manifest.ScaleID != id || e.Manifest.Score.Spec != spec {
			return config.Usagef("%s scores accuracy on another scale (%s, scale id %q) than this run (%s, scale id %q): "+
				"a warm start needs the same space, accuracy.proxy and accuracy.seed",
				e.Dir, e.Manifest.Score.Spec, e.Manifest.ScaleID, spec, id)
		}
	}
	scores := new(evaluator.Recalled)
	for _, e := range earlier {
		if class := evaluator.NumericClass(); e.Manifest.NumericClass != class {
			s.Sayf("scores of %s are computed again: they are of %s, this is %s", e.Dir, e.Manifest.NumericClass, class)
			continue
		}
		if s.IsObjective(runstore.KeyParams) != e.HasObjective(runstore.KeyParams) ||
			s.IsObjective(runstore.KeyMACs) != e.HasObjective(runstore.KeyMACs) {
			continue
		}
		for t, err := range runstore.ReadTrials(e.Dir) {
			if err != nil {
				return err
			}
			scores.Add(&t)
		}
	}
	s.Recalled = scores
	return nil
}

// measuredBefore returns what earlier runs with the very profile of this one have measured, by arch id.
func measuredBefore(store *runstore.Run, earlier []*results.Stored) map[string]runstore.MeasuredRow {
	out := map[string]runstore.MeasuredRow{}
	mine, err := os.ReadFile(store.Path(runstore.ProfileFile))
	if err != nil {
		return out
	}
	for _, s := range earlier {
		theirs, err := os.ReadFile(filepath.Join(s.Dir, runstore.ProfileFile))
		if err != nil || !bytes.Equal(mine, theirs) {
			continue
		}
		byID := map[int]runstore.MeasuredRow{}
		for _, r := range s.Measured {
			byID[r.ID] = r
		}
		for t, err := range runstore.TrialViews(s.Dir) {
			if err != nil {
				break // what cannot be read is measured
			}
			if r, ok := byID[t.ID]; ok {
				out[string(t.ArchID)] = r
			}
		}
	}
	return out
}
