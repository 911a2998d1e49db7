package run

import (
	"context"
	"slices"
	"time"

	"nas/internal/evaluator"
	"nas/internal/journal"
	"nas/internal/known"
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/search"
)

// stepwise is a run whose candidates are evaluated elsewhere, between the lives of processes.
type stepwise struct {
	setup   *evaluator.Setup
	store   *runstore.Run
	shared  *tasks.Setup
	run     string // id of shared
	journal *journal.Journal
	steps   *search.Steps
}

// openStepwise opens the run of a config, or begins it, and tells its searcher what is stored.
func openStepwise(ctx context.Context, o Options) (_ *stepwise, err error) {
	started := time.Now()
	store, resumed, err := open(o.Config, true)
	if err != nil {
		return nil, err
	}
	x := &stepwise{store: store}
	defer func() {
		if err != nil {
			x.close()
		}
	}()
	if resumed {
		if x.setup, err = evaluator.New(ctx, o.Config, o.Options, store); err != nil {
			return nil, err
		}
		x.setup = x.setup.WithLimits(store.Manifest().Limits)
		err = checkManifest(store, x.setup, started)
	} else {
		o.Elsewhere = true // by nas work
		if x.setup, err = setUp(ctx, o.Config, o.Options, nil, nil); err != nil {
			return nil, err
		}
		err = begin(store, x.setup, started)
	}
	if err != nil {
		return nil, err
	}
	if x.shared, err = tasks.SetupOf(store.Dir()); err != nil {
		return nil, err
	}
	x.run = x.shared.ID()
	if x.journal, err = journal.Open(store.Dir(), x.run); err != nil {
		return nil, err
	}
	searcher, err := newSearcher(x.setup)
	if err != nil {
		return nil, err
	}
	stop := stopOf(&o.Config.Search)
	x.steps, err = search.NewSteps(searcher, x.setup.Objectives, search.Options{
		Stop: stop, Reference: x.setup.Worst, Replay: store.Trials(),
	})
	if err != nil {
		return nil, err
	}
	return x, x.journal.DropTold(x.steps.Progress().Trials)
}

func (x *stepwise) close() {
	if x.journal != nil {
		x.journal.Close()
	}
	x.store.Close()
}

// ended says how the run ended, "" while it goes on.
func (x *stepwise) ended() string {
	status := x.steps.Status()
	if status == search.StatusRunning {
		return ""
	}
	text := status.String()
	if why := stopOf(&x.setup.Config.Search).Why(status); why != "" {
		text += " (" + why + ")"
	}
	return text
}

// advance tells the searcher what is known and whose turn it is, stores those trials, and returns the tasks that the
// next ones wait for.
func (x *stepwise) advance(ctx context.Context) (open []tasks.Task, err error) {
	if x.setup.Trains() {
		if open, err = x.advanceTraining(ctx); err != nil {
			return nil, err
		}
		return open, x.note()
	}
	if err := x.tellKnown(); err != nil {
		return nil, err
	}
	for _, c := range x.steps.Pending() {
		t := tasks.NewTask(x.run, tasks.Evaluate, &c)
		if _, done := x.journal.Get(t.Key()); !done {
			open = append(open, t)
		}
	}
	return open, x.note()
}

// note notes how far the run has come.
func (x *stepwise) note() error {
	m := x.store.Manifest()
	m.Trials, m.Updated = x.steps.Progress().Trials, time.Now().UTC()
	return x.store.SetManifest(m)
}

// tellKnown tells the searcher the outcomes in the journal whose turn it is, and stores their trials.
func (x *stepwise) tellKnown() error {
	const most = 256 // trials that are stored at once
	var batch []search.Trial
	var keys []string
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := x.store.Append(batch); err != nil {
			return err
		}
		err := x.journal.Drop(keys...)
		batch, keys = batch[:0], keys[:0]
		return err
	}
	for pending := x.steps.Pending(); len(pending) > 0; pending = x.steps.Pending() {
		key := tasks.EvaluationKey(pending[0].ID)
		o, ok := x.journal.Get(key)
		if !ok {
			break
		}
		r, err := resultOf(&o, &pending[0], x.setup.Objectives)
		if err != nil { // of a search with another budget, say: the candidate is evaluated again
			if err := x.journal.Drop(key); err != nil {
				return err
			}
			break
		}
		t, err := x.steps.Tell(r)
		if err != nil {
			return err
		}
		batch, keys = append(batch, t), append(keys, key)
		if len(batch) == most {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// advanceTraining is advance for a run that trains its candidates. All of them are judged at once, by what is known of
// their rungs, until each one waits for a training or for another candidate.
func (x *stepwise) advanceTraining(ctx context.Context) (open []tasks.Task, err error) {
	rungs, err := known.Of(x.setup, x.store, x.journal, x.run)
	if err != nil {
		return nil, err
	}
	for {
		pending := slices.Clone(x.steps.Pending())
		if len(pending) == 0 {
			return nil, nil
		}
		results, open, err := rungs.Judge(ctx, x.store, pending)
		if err != nil {
			return nil, err
		}
		told, err := x.tellTrained(results)
		if err != nil || told == 0 {
			return open, err
		}
	}
}

// tellTrained tells the searcher the results at the front of those that it waits for, and stores their trials.
func (x *stepwise) tellTrained(results []*search.Result) (told int, err error) {
	var batch []search.Trial
	var keys []string
	for _, r := range results {
		if r == nil || x.ended() != "" {
			break
		}
		t, err := x.steps.Tell(*r)
		if err != nil {
			return 0, err
		}
		batch = append(batch, t)
		for rung := range len(t.Rungs) + 1 {
			of := tasks.Task{Kind: tasks.Train, ArchID: t.ArchID, Rung: rung}
			keys = append(keys, of.Key())
		}
	}
	if len(batch) == 0 {
		return 0, nil
	}
	if err := x.store.Append(batch); err != nil {
		return 0, err
	}
	return len(batch), x.journal.Drop(keys...)
}

// resultOf returns the result in an outcome of a candidate, judged as the result of an evaluation here would be.
func resultOf(o *tasks.Outcome, c *search.Candidate, objectives []search.Objective) (search.Result, error) {
	r, err := o.TrialResult(c)
	if err != nil {
		return r, err
	}
	known := search.EvaluatorFunc(func(context.Context, search.Candidate) (search.Result, error) { return r, nil })
	return search.Judge(context.Background(), known, *c, objectives, 0)
}

// withOutcomes lets outcomes that were told early stand for evaluations: a run that is continued on this machine does
// not repeat them.
func withOutcomes(e search.Evaluator, j *journal.Journal, objectives []search.Objective) search.Evaluator {
	return search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (search.Result, error) {
		if o, ok := j.Get(tasks.EvaluationKey(c.ID)); ok {
			if r, err := resultOf(&o, &c, objectives); err == nil {
				return r, nil
			}
		}
		return e.Evaluate(ctx, c)
	})
}
