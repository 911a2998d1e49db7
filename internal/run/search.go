package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/view"
	"nas/internal/work"
	"nas/search"
	"nas/space"
)

// newSearcher makes a searcher for the run that was not asked for any candidate yet.
func newSearcher(s *evaluator.Setup) (search.Searcher, error) {
	start, err := startGenes(s)
	if err != nil {
		return nil, err
	}
	c := s.Config
	settings := search.Settings{
		Setup:       search.Setup{Space: s.Space, Objectives: s.Objectives, Seed: c.Seed, Start: start},
		Evaluations: c.Search.Budget(),
		Population:  c.Search.Population,
		Trained:     runstore.KeyAccuracy,
		Rungs:       s.Rungs(),
		LookAhead:   c.Search.LookAhead,
		Known:       func(g space.Genes) (map[string]float64, float64) { return s.WithoutScore(s.Space.Arch(g)) },
		Traits:      func(g space.Genes) []float64 { return traits(s.Space.Arch(g)) },
	}
	if c.Search.Algorithm == search.DecidesRungs && settings.Rungs != nil {
		settings.Reference = s.Worst // what a trial adds to the hypervolume is counted from there
	}
	searcher, err := search.New(c.Search.Algorithm, settings)
	if err != nil {
		return nil, config.Usage(err)
	}
	return searcher, nil
}

// traits are what is known of a network without training and tells of its accuracy: its MACs, parameters and receptive
// field; of one that cannot be built, zeros.
func traits(a space.Arch) []float64 {
	n, err := a.Network()
	if err != nil {
		return make([]float64, 3)
	}
	c := n.Counts()
	return []float64{float64(c.MACs), float64(c.Params), float64(n.ReceptiveField())}
}

// startGenes maps the networks of search.start to their nearest genotypes.
func startGenes(s *evaluator.Setup) ([]space.Genes, error) {
	var out []space.Genes
	for i, name := range s.Config.Search.Start {
		arch, err := resolve.ArchOf(name)
		if err != nil {
			return nil, config.Usagef("search.start[%d] = %q: %w", i+1, name, err)
		}
		out = append(out, s.Space.Nearest(arch))
	}
	return out, nil
}

// stopOf says when the search of a config ends.
func stopOf(c *config.Search) search.Stop {
	return search.Stop{
		Trials: c.Trials, Evaluations: c.Most(), Time: time.Duration(c.Time), Plateau: c.Window(),
	}
}

// explore searches and stores the trials. It returns what came of it, and for the networks near the
// front, by trial id, the probability of being on the true front.
func explore(
	ctx context.Context, s *evaluator.Setup, store *runstore.Run, resumed bool, far *elsewhere, live *view.Live,
) (summary *search.Summary, onFront map[int]float64, err error) {
	defer func() {
		over := err == nil && summary.Status != search.StatusInterrupted
		if e := far.close(over); err == nil {
			err = e
		}
	}()
	searcher, err := newSearcher(s)
	if err != nil {
		return nil, nil, err
	}
	contenders := results.NewContenders(s.Objectives)
	c := s.Config.Search
	o := search.Options{
		Workers: s.AtOnce(), Timeout: time.Duration(c.Timeout), Reference: s.Worst,
		Stop: stopOf(&c), Gate: gateOf(s),
		Progress: func(x search.Progress) {
			s.Report(work.Progress{Step: "search", Done: x.Evaluations, Total: c.Budget(), Search: &x, Note: far.note()})
		},
		Observe: func(t search.Trial, _ *search.Front) {
			if live != nil {
				live.Observe(&t)
			}
			contenders.Add(&t)
		},
	}
	if resumed {
		o.Replay = store.Trials()
	}
	s.Sayf("searching %s with %s", s.Config.Name, searcher)
	if !resumed {
		s.Report(work.Progress{Step: "search", Total: c.Budget()}) // the first network may take minutes
	}
	summary, err = far.search(ctx, searcher, s, store, o)
	s.Report(work.Progress{Step: "search", Ended: true})
	if errors.Is(err, search.ErrDiverged) {
		err = fmt.Errorf("%s: %w: restore the file, or give another directory with --out",
			store.Path(runstore.TrialsFile), err)
	}
	if err != nil {
		return nil, nil, err
	}
	if summary.Status != search.StatusInterrupted {
		if err := far.measure(ctx, s, store, summary.Front.Trials()); err != nil {
			return nil, nil, err
		}
	}
	if r := s.Recalled; r != nil {
		s.Sayf("%d scores of earlier runs were used again", r.Used())
	}
	return summary, contenders.FrontProbabilities(), nil
}

// gateOf is the gate of a search, nil for none.
func gateOf(s *evaluator.Setup) search.Gate {
	if s.Gate == nil {
		return nil
	}
	return s.Gate
}
