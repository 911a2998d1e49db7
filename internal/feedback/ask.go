package feedback

import (
	"path/filepath"

	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// assumedError is the error of a score that states none, against the score's standard deviation over
// the candidates: without it, none but the front of the score would count.
const assumedError = 0.25

// Asked is a network that is worth training, and why.
type Asked struct {
	search.Trial
	OnFront float64 // probability of being on the true front
	// ExplainsPct is the share, in per cent, of the variance of the front's accuracy that this
	// network's accuracy is expected to take away, beyond the networks before it and those that are
	// trained already.
	ExplainsPct float64
}

// Ask chooses n networks of the run in dir to train: the sequence that lowers the variance of the
// unknown accuracy of the front most, each candidate weighted by its probability of being on the true
// front.
func Ask(dir string, n int) ([]Asked, error) {
	if n < 1 {
		return nil, config.Usagef("%d networks to ask for: want 1 or more", n)
	}
	s, err := results.Load(dir)
	if err != nil {
		return nil, config.Usage(err)
	}
	if err := s.TakesAccuracies(); err != nil {
		return nil, err
	}
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return nil, err
	}
	rows, err := runstore.ReadTrained(dir)
	if err != nil {
		return nil, err
	}
	trials, err := s.Candidates(results.MaxCandidates)
	if err != nil {
		return nil, err
	}
	if len(trials) == 0 {
		return nil, config.Usagef("no trial of %s holds its constraints: there is nothing to train", dir)
	}
	contenders := results.NewContenders(s.Manifest.Objectives)
	for i := range trials {
		contenders.Add(&trials[i])
	}
	contenders.AssumeError(runstore.KeyAccuracy, assumedError)
	onFront := contenders.FrontProbabilities()
	u := unknown{weights: make([]float64, len(trials)), trained: make([]bool, len(trials))}
	genes := make([]space.Genes, len(trials), len(trials)+len(rows))
	for i, t := range trials {
		if err := sp.Check(t.Genes); err != nil {
			return nil, fault.Errorf("feedback: %s: trial %d: %w: restore this file, or the %s beside it",
				filepath.Join(dir, runstore.TrialsFile), t.ID, err, runstore.ConfigFile)
		}
		genes[i], u.weights[i] = t.Genes, onFront[t.ID]
	}
	for _, r := range rows {
		a, err := space.Parse(r.Arch)
		if err != nil {
			return nil, fault.Errorf("feedback: %s: trial %d: %w: "+
				"restore the file, or delete it and tell the run again what you trained",
				filepath.Join(dir, runstore.TrainedFile), r.ID, err)
		}
		for i := range trials {
			u.trained[i] = u.trained[i] || trials[i].ArchID == r.ArchID
		}
		genes = append(genes, sp.Nearest(a))
	}
	live := make([][]bool, len(genes))
	for i, g := range genes {
		live[i] = sp.Live(g, nil)
	}
	u.covariance = covarianceOf(genes, live)
	for i := len(trials); i < len(genes); i++ {
		u.condition(i)
	}
	all := u.variance()
	var out []Asked
	for _, x := range u.choose(n) {
		out = append(out, Asked{trials[x.index], u.weights[x.index], 100 * x.gain / all})
	}
	if len(out) == 0 {
		return nil, config.Usagef("every network at the front of %s has been trained", dir)
	}
	return out, nil
}
