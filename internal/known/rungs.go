// Package known judges the candidates of a run that trains them by the rungs that were trained elsewhere, by job
// folders.
package known

import (
	"errors"

	"nas/accuracy/training"
	"nas/internal/evaluator"
	"nas/internal/journal"
	"nas/internal/runstore"
	"nas/internal/tasks"
)

// Rungs are trainings of a run whose outcomes were told.
type Rungs struct {
	setup   *evaluator.Setup
	journal *journal.Journal
	run     string // [tasks.Setup.ID]
	by      evaluator.TrainedBy
	weights tasks.Incoming
}

// Of are those in the journal of a run with that id.
func Of(s *evaluator.Setup, store *runstore.Run, j *journal.Journal, run string) (*Rungs, error) {
	by, err := s.TrainedBy()
	if err != nil {
		return nil, err
	}
	return &Rungs{s, j, run, by, tasks.IncomingOf(store.Path(runstore.TrainingDir), by.Weights)}, nil
}

// Incoming is where weights wait for the outcome that they belong to.
func (r *Rungs) Incoming() *tasks.Incoming { return &r.weights }

func (r *Rungs) task(j *training.Job) tasks.Task {
	return tasks.Task{
		Format: tasks.Format, Run: r.run, Kind: tasks.Train, ArchID: j.ArchID, Arch: j.Arch, Rung: j.Rung, Seed: j.Seed,
		Recipe: r.by.Recipe, Data: r.by.Data,
	}
}

// Outcome returns what was told of a training; ok is false for one of which nothing was. The error is why it failed.
func (r *Rungs) Outcome(j training.Job) (x training.Outcome, ok bool, err error) {
	t := r.task(&j)
	o, ok := r.journal.Get(t.Key())
	switch {
	case !ok:
		return x, false, nil
	case o.Failed != "":
		return x, true, errors.New(o.Failed)
	}
	if why := r.weights.Place(&o, j.Dir); why != "" {
		r.setup.Sayf("the weights of network %s, trained by %s, are not here: %s", j.ArchID, o.Worker, why)
	}
	x, err = o.Training()
	return x, true, err
}
