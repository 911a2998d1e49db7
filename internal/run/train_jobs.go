package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nas/accuracy/training"
	"nas/internal/evaluator"
	"nas/internal/jobs"
	"nas/internal/journal"
	"nas/internal/rungs"
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/search"
)

// advanceTraining is advance for a run that trains its candidates. All of them are judged at once, by what is known of
// their rungs, until each one waits for a training or for another candidate.
func (x *stepwise) advanceTraining(ctx context.Context) (open []tasks.Task, err error) {
	for {
		pending := x.steps.Pending()
		pending = slices.Clone(pending[:min(len(pending), evaluator.TrainedElsewhere)])
		if len(pending) == 0 {
			return nil, nil
		}
		results, absent, err := x.judgeKnown(ctx, pending)
		if err != nil {
			return nil, err
		}
		told, err := x.tellTrained(results)
		if err != nil || told == 0 {
			return absent.tasks(pending), err
		}
	}
}

// judgeKnown returns the results of those candidates for which all is known; nil for the others.
func (x *stepwise) judgeKnown(
	ctx context.Context, pending []search.Candidate,
) (results []*search.Result, absent *absentTrainer, err error) {
	by, err := x.setup.TrainedBy()
	if err != nil {
		return nil, nil, err
	}
	absent = &absentTrainer{
		journal: x.journal, run: x.run, by: by, weights: incoming(x.store, by), say: x.setup.Sayf,
	}
	if err := x.setup.StartTraining(ctx, x.store, true, absent); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, x.setup.StopTraining()) }()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results = make([]*search.Result, len(pending))
	var finished atomic.Int64
	var open sync.WaitGroup
	for i := range pending {
		open.Go(func() {
			defer finished.Add(1)
			c := pending[i]
			c.Describe()
			r, err := search.Judge(inner, x.setup.Evaluator, c, x.setup.Objectives, 0)
			if err == nil {
				results[i] = &r
			} else if inner.Err() == nil {
				cancel(err) // it ends the run
			}
		})
	}
	for inner.Err() == nil {
		// In this order: those that finished or wait for an outcome do so for good.
		still := int(finished.Load()) + absent.waiting()
		if still+x.setup.TrainingWaits() == len(pending) {
			break
		}
		select {
		case <-inner.Done():
		case <-time.After(time.Millisecond):
		}
	}
	known := errNoOutcome
	cancel(known)
	open.Wait()
	if why := context.Cause(inner); !errors.Is(why, known) {
		return nil, nil, why
	}
	return results, absent, nil
}

var errNoOutcome = errors.New("its training has no outcome yet")

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

// absentTrainer knows the outcomes in the journal, and notes what it is asked beyond them.
type absentTrainer struct {
	journal *journal.Journal
	run     string
	by      evaluator.TrainedBy
	weights tasks.Incoming
	say     func(format string, a ...any)

	mu    sync.Mutex
	asked []tasks.Task
}

// Train implements [training.Trainer].
func (a *absentTrainer) Train(ctx context.Context, j training.Job) (training.Outcome, error) {
	t := tasks.Task{
		Format: tasks.Format, Run: a.run, Kind: tasks.Train, ArchID: j.ArchID, Arch: j.Arch, Rung: j.Rung, Seed: j.Seed,
		Recipe: a.by.Recipe, Data: a.by.Data,
	}
	o, ok := a.journal.Get(t.Key())
	switch {
	case ok && o.Failed != "":
		return training.Outcome{}, errors.New(o.Failed)
	case ok:
		if why := a.weights.Place(&o, j.Dir); why != "" {
			a.say("the weights of network %s, trained by %s, are not here: %s", j.ArchID, o.Worker, why)
		}
		return o.Training()
	}
	a.mu.Lock()
	a.asked = append(a.asked, t)
	a.mu.Unlock()
	<-ctx.Done()
	return training.Outcome{}, context.Cause(ctx)
}

// waiting is how many candidates wait for an outcome.
func (a *absentTrainer) waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// tasks are the trainings that are waited for, in the order of their candidates.
func (a *absentTrainer) tasks(pending []search.Candidate) []tasks.Task {
	trial := map[string]int{}
	for i := range pending {
		trial[pending[i].ArchID] = pending[i].ID
	}
	for i := range a.asked {
		a.asked[i].Trial = trial[a.asked[i].ArchID]
	}
	slices.SortFunc(a.asked, func(s, t tasks.Task) int { return cmp.Compare(s.Trial, t.Trial) })
	return a.asked
}

// training checks that the outcome of a folder is one of a training that was asked for, and takes its weights. It is
// known if its rung is, or its trial.
func (x *stepwise) training(folder string, o *tasks.Outcome) (known bool, err error) {
	if !x.setup.Trains() {
		return false, fmt.Errorf("it is a training, and %s trains nothing", x.store.Dir())
	}
	if had, ok := x.journal.Get(o.Key()); ok && (had.Failed == "" || o.Failed != "") {
		return true, nil
	}
	if !x.journal.Handed(o.Key()) {
		for e := range rungs.Entries(x.store.Path(runstore.TrainingFile)) {
			if e.ArchID == o.ArchID && e.Rung == o.Rung {
				return true, nil
			}
		}
		for t, err := range x.store.Trials() {
			if err == nil && t.ArchID == o.ArchID {
				return true, nil
			}
		}
		return false, fmt.Errorf("rung %d of network %s has not been asked for", o.Rung, o.ArchID)
	}
	if err := o.CheckResult(); err != nil {
		return false, err
	}
	by, err := x.setup.TrainedBy()
	if err != nil {
		return false, err
	}
	in := incoming(x.store, by)
	return false, jobs.Weights(folder, o, &in)
}

// forgive drops failures for which there is a better outcome now: the job was done once more.
func (x *stepwise) forgive(outcomes []tasks.Outcome) error {
	var keys []string
	for i := range outcomes {
		if had, ok := x.journal.Get(outcomes[i].Key()); ok && had.Kind == tasks.Train && had.Failed != "" {
			keys = append(keys, outcomes[i].Key())
		}
	}
	return x.journal.Drop(keys...)
}
