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
	"nas/internal/runstore"
	"nas/internal/tasks"
	"nas/search"
)

// Judge returns the results of those candidates for which all is known, nil for the others, and the trainings that they
// wait for. Of more than [evaluator.TrainedElsewhere] candidates it judges the first. The error is that of ctx, or one
// that ends the run.
func (r *Rungs) Judge(
	ctx context.Context, store *runstore.Run, candidates []search.Candidate,
) (results []*search.Result, open []tasks.Task, err error) {
	candidates = candidates[:min(len(candidates), evaluator.TrainedElsewhere)]
	absent := new(absentTrainer)
	by := evaluator.Trainers{Elsewhere: absent, Known: r.Outcome}
	if err := r.setup.StartTraining(ctx, store, true, by); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.setup.StopTraining()) }()
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
			result, err := search.Judge(inner, r.setup.Evaluator, c, r.setup.Objectives, 0)
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
		if still+r.setup.TrainingWaits() == len(candidates) {
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
	return results, absent.tasks(candidates, r), nil
}

var errNoOutcome = errors.New("its training has no outcome yet")

// absentTrainer trains nothing, and notes what it is asked for.
type absentTrainer struct {
	mu    sync.Mutex
	asked []training.Job
}

// Train implements [training.Trainer].
func (a *absentTrainer) Train(ctx context.Context, j training.Job) (training.Outcome, error) {
	a.mu.Lock()
	a.asked = append(a.asked, j)
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
func (a *absentTrainer) tasks(candidates []search.Candidate, of *Rungs) (list []tasks.Task) {
	trial := map[string]int{}
	for i := range candidates {
		trial[candidates[i].ArchID] = candidates[i].ID
	}
	for _, j := range a.asked {
		t := of.task(&j)
		t.Trial = trial[t.ArchID]
		list = append(list, t)
	}
	slices.SortFunc(list, func(s, t tasks.Task) int { return cmp.Compare(s.Trial, t.Trial) })
	return list
}
