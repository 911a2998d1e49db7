package run

import (
	"context"
	"time"

	"nas/accuracy/training"
	"nas/internal/audit"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/view"
	"nas/internal/work"
	"nas/search"
)

// Options are what the command line adds to a config.
type Options struct {
	work.Options
	Config *config.Config
	// Resume continues the run in the directory, or starts one if there is none.
	// A finished run is only drawn again.
	Resume bool
	// WarmStart are directories of earlier runs whose fronts seed the population.
	// Their accuracy must be on this run's scale.
	WarmStart []string
	// Live, if not nil, shows the run from its first trial on.
	Live *view.Live
	// Fleet, if not nil, says which workers evaluate the candidates.
	Fleet *FleetOptions
}

// Outcome is a run as it ended.
type Outcome struct {
	Dir      string
	Setup    *evaluator.Setup // the models, which can be used further
	Summary  *search.Summary
	Front    []Member  // by the first objective
	Measured *Measured // nil where nothing was to be measured
	Exported []string  // files
	Ended    string    // how the search ended, in words
	NoFront  string    // why nothing is on the front, and what would help; empty if something is
	// Interrupted says that the search, the measuring or the exporting was cut short; resuming does the rest.
	Interrupted bool
	Elapsed     time.Duration
}

// Run carries out a config. A cancelled context ends it cleanly and soon: what was found so far is kept, nothing more
// is measured, exported or, but for a live page, drawn, and resuming goes on from there. The config is
// completed in place: with the networks of a warm start, and with what it leaves to the budget.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	started := time.Now()
	c := o.Config
	if o.Live != nil {
		o.Options = withLive(o.Options, o.Live)
	}
	earlier, err := warmStart(c, o.WarmStart)
	if err != nil {
		return nil, err
	}
	store, resumed, err := open(c, o.Resume)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	setup, far, err := ready(ctx, o, store, resumed, earlier, started)
	if err != nil {
		return nil, err
	}
	defer far.close(false) // if nothing has closed it
	defer setup.StopTraining()
	if o.Live != nil {
		if err := watch(ctx, o.Live, setup, store); err != nil {
			return nil, err
		}
	}
	out := &Outcome{Dir: store.Dir(), Setup: setup}
	var onFront map[int]float64
	if out.Summary, onFront, err = explore(ctx, setup, store, resumed, far, o.Live); err != nil {
		return nil, err
	}
	out.Ended = out.Summary.Status.String()
	if why := stopOf(&c.Search).Why(out.Summary.Status); why != "" {
		out.Ended += " (" + why + ")"
	}
	expected, err := results.ExpectationOf(c)
	if err != nil {
		return nil, err
	}
	out.Front = rank(setup, out.Summary, expected)
	warnOutside(setup, out.Front)
	if err := writeFront(setup, store.Dir(), out.Front, onFront, expected); err != nil {
		return nil, err
	}
	if out.Summary.Status != search.StatusInterrupted {
		setup.TidyTraining()
		if out.Measured, err = measure(ctx, setup, store, out.Front, earlier); err != nil {
			return nil, err
		}
		if out.Exported, err = export(ctx, setup, store.Dir(), out.Front); err != nil {
			return nil, err
		}
	}
	out.Interrupted = out.Summary.Status == search.StatusInterrupted || ctx.Err() != nil
	if err := finish(ctx, setup, store, out, !out.Interrupted || o.Live != nil, started); err != nil {
		return nil, err
	}
	if o.Live != nil {
		o.Live.End(store.Path(runstore.ReportFile))
	}
	out.Elapsed = time.Since(started)
	return out, nil
}

// ready makes the models of a run, begins the run if it is none yet, and connects it to its fleet.
func ready(
	ctx context.Context, o Options, store *runstore.Run, resumed bool, earlier []*results.Stored, started time.Time,
) (s *evaluator.Setup, far *elsewhere, err error) {
	joined, err := joinFleet(store.Dir(), o.Fleet, o.Options)
	if err != nil {
		return nil, nil, err
	}
	begun := resumed
	defer func() {
		if err != nil {
			joined.close(!begun)
		}
	}()
	known := store // what the models take from the run
	if !resumed {
		known = nil
		if err = joined.calibrate(ctx, o.Config, o.Options); err != nil {
			return nil, nil, err
		}
	}
	o.Elsewhere = o.Fleet != nil
	if s, err = setUp(ctx, o.Config, o.Options, known, earlier); err != nil {
		return nil, nil, err
	}
	if resumed {
		err = checkManifest(store, s, started)
	} else {
		err = begin(store, s, started)
	}
	if err != nil {
		return nil, nil, err
	}
	begun = true
	var report func(string, training.Report)
	if o.Live != nil {
		report = o.Live.Learn
	}
	return s, joined, joined.open(ctx, s, store, resumed, report)
}

// finish plots what was found, if it is to be drawn, and writes how the run ended. The report comes last, because it
// says that, too.
func finish(
	ctx context.Context, s *evaluator.Setup, store *runstore.Run, out *Outcome, draw bool, started time.Time,
) (err error) {
	var plotted *results.Stored
	if len(out.Front) == 0 {
		out.NoFront = whyNoFront(s.Limits, out.Summary)
	} else if draw {
		if plotted, err = plot(ctx, s, store); err != nil {
			return err
		}
	}
	if err := recordEnd(store, out.Summary, out.Ended, out.NoFront, started); err != nil {
		return err
	}
	if plotted != nil {
		s.Report(work.Progress{Step: "draw the report", Total: 1})
		defer s.Report(work.Progress{Step: "draw the report", Done: 1, Total: 1, Ended: true})
		return writeReport(ctx, store, plotted)
	}
	return nil
}

// setUp makes the models of a run. Earlier runs must have scored accuracy on the same scale; their
// scores are taken over.
func setUp(
	ctx context.Context, c *config.Config, o work.Options, store *runstore.Run, earlier []*results.Stored,
) (*evaluator.Setup, error) {
	if p, n := c.Search.Population, c.Search.Most(); p > n {
		o.Sayf("search.population = %d is more than the %d evaluations: the search ends in its first, random population; "+
			"lower search.population or raise search.evaluations", p, n)
	}
	s, err := evaluator.New(ctx, c, o, store)
	if err != nil {
		return nil, err
	}
	if err := recall(s, earlier); err != nil {
		return nil, err
	}
	if s, err = s.Constrained(ctx); err != nil {
		return nil, err
	}
	if s.Trains() { // a training sees every gene
		return s, nil
	}
	if s.Blind, err = audit.Blind(ctx, s); err != nil {
		return nil, err
	}
	return s, audit.WarnBlind(ctx, s, s.Blind)
}
