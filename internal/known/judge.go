// Package known judges the candidates of a run that trains them by the rungs that are known, where nothing can be
// trained at once: the trainings are done elsewhere, by job folders.
package known

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nas/accuracy/training"
	"nas/internal/evaluator"
	"nas/internal/journal"
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/search"
)

// Run is a run whose trainings are done elsewhere.
type Run struct {
	Setup   *evaluator.Setup
	Store   *runstore.Run
	Journal *journal.Journal // holds the outcomes of trainings
	ID      string           // [tasks.Setup.ID]
	Weights tasks.Incoming
}

// Judge returns the results of those candidates for which all is known, nil for the others, and the trainings that they
// wait for. Of more than [evaluator.TrainedElsewhere] candidates it judges the first. The error is that of ctx, or one
// that ends the run.
func (r *Run) Judge(
	ctx context.Context, candidates []search.Candidate,
) (results []*search.Result, open []tasks.Task, err error) {
	by, err := r.Setup.TrainedBy()
	if err != nil {
		return nil, nil, err
	}
	candidates = candidates[:min(len(candidates), evaluator.TrainedElsewhere)]
	absent := &absentTrainer{Run: r, by: by}
	if err := r.Setup.StartTraining(ctx, r.Store, true, absent); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Setup.StopTraining()) }()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results = make([]*search.Result, len(candidates))
	var finished atomic.Int64
	var judges sync.WaitGroup
	for i := range candidates {
		judges.Go(func() {
			defer finished.Add(1)
			c := candidates[i]
			c.Describe()
			result, err := search.Judge(inner, r.Setup.Evaluator, c, r.Setup.Objectives, 0)
			if err == nil {
				results[i] = &result
			} else if inner.Err() == nil {
				cancel(err) // it ends the run
			}
		})
	}
	for inner.Err() == nil {
		// In this order: those that finished or wait for an outcome do so for good.
		still := int(finished.Load()) + absent.waiting()
		if still+r.Setup.TrainingWaits() == len(candidates) {
			break
		}
		select {
		case <-inner.Done():
		case <-time.After(time.Millisecond):
		}
	}
	cancel(errNoOutcome)
	judges.Wait()
	if why := context.Cause(inner); !errors.Is(why, errNoOutcome) {
		return nil, nil, why
	}
	return results, absent.tasks(candidates), nil
}

var errNoOutcome = errors.New("its training has no outcome yet")

// absentTrainer knows the outcomes in the journal, and notes what it is asked beyond them.
type absentTrainer struct {
	*Run
	by evaluator.TrainedBy

	mu    sync.Mutex
	asked []tasks.Task
}

// Train implements [training.Trainer].
func (a *absentTrainer) Train(ctx context.Context, j training.Job) (training.Outcome, error) {
	t := tasks.Task{
		Format: tasks.Format, Run: a.ID, Kind: tasks.Train, ArchID: j.ArchID, Arch: j.Arch, Rung: j.Rung, Seed: j.Seed,
		Recipe: a.by.Recipe, Data: a.by.Data,
	}
	o, ok := a.Journal.Get(t.Key())
	switch {
	case ok && o.Failed != "":
		return training.Outcome{}, errors.New(o.Failed)
	case ok:
		if why := a.Weights.Place(&o, j.Dir); why != "" {
			a.Setup.Sayf("the weights of network %s, trained by %s, are not here: %s", j.ArchID, o.Worker, why)
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
func (a *absentTrainer) tasks(candidates []search.Candidate) []tasks.Task {
	trial := map[string]int{}
	for i := range candidates {
		trial[candidates[i].ArchID] = candidates[i].ID
	}
	for i := range a.asked {
		a.asked[i].Trial = trial[a.asked[i].ArchID]
	}
	slices.SortFunc(a.asked, func(s, t tasks.Task) int { return cmp.Compare(s.Trial, t.Trial) })
	return a.asked
}
