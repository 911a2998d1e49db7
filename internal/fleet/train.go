package fleet

import (
	"context"
	"errors"
	"strings"

	"nas/accuracy/training"
	"nas/internal/tasks"
)

// Train implements [training.Trainer]: it has a worker with the run's recipe and data train a network. The worker that
// trained it before goes on with it, if it is still here: it has what the training left.
func (d *Dispatcher) Train(ctx context.Context, j training.Job) (training.Outcome, error) {
	t := tasks.Task{
		Format: tasks.Format, Run: d.run, Kind: tasks.Train, ArchID: j.ArchID, Arch: j.Arch, Rung: j.Rung, Seed: j.Seed,
		Recipe: d.o.Recipe, Data: d.o.Data,
	}
	type answered struct {
		tasks.Outcome
		error
	}
	got := make(chan answered, 1)
	d.submit(d.trainLaneOf(&t), t, func(o tasks.Outcome, err error) { got <- answered{o, err} })
	select {
	case <-ctx.Done():
		return training.Outcome{}, context.Cause(ctx)
	case a := <-got:
		switch {
		case a.error != nil:
			return training.Outcome{}, a.error
		case a.Failed != "":
			return training.Outcome{}, errors.New(a.Failed)
		}
		if why := d.o.Weights.Place(&a.Outcome, j.Dir); why != "" {
			d.o.Say("the weights of network %s, trained by worker %s, are not here: %s", j.ArchID, a.Worker, why)
		}
		return a.Training()
	}
}

// trainLaneOf is the lane for a training: that of the worker that had the rung before, or that of all.
func (d *Dispatcher) trainLaneOf(t *tasks.Task) string {
	lane := trainLane(t.Recipe, t.Data)
	if t.Rung == 0 {
		return lane
	}
	before := *t
	before.Rung--
	o, ok := d.journal.Get(before.Key())
	d.mu.Lock()
	defer d.mu.Unlock()
	if ok && d.here(o.Worker) {
		return atLane(lane, o.Worker)
	}
	return lane
}

// here reports whether a worker was heard lately. The caller holds mu.
func (d *Dispatcher) here(worker string) bool {
	w := d.workers[worker]
	return w != nil && w.here()
}

// release gives trainings that wait for a worker that is gone to all.
func (d *Dispatcher) release(ctx context.Context) {
	var lanes []string
	d.mu.Lock()
	for _, lane := range d.schedule.lanes() {
		general, worker, ok := strings.Cut(lane, "-at-")
		if !ok || !strings.HasPrefix(lane, trainPrefix) || d.here(worker) {
			continue
		}
		d.schedule.move(lane, general)
		lanes = append(lanes, lane)
	}
	d.mu.Unlock()
	for _, lane := range lanes {
		d.service.purge(ctx, lane)
	}
}
