package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"nas/internal/atomicfile"
	"nas/internal/boundedfile"
	"nas/internal/fault"
	"nas/internal/tasks"
	"nas/internal/work"
	"nas/latency/timing"
)

// Worker does the tasks of folders.
type Worker struct {
	work.Options        // Workers is how many evaluations are done at once
	Name         string // for people, kept with each outcome
	// Device times networks; called once, by the first task that measures.
	Device func() (timing.Runtime, error)
	// Schools are the recipes and data that it trains with.
	Schools []*tasks.School
	// Again does tasks that have an outcome.
	Again bool

	rooms  map[string]*tasks.Room
	device timing.Runtime
}

// Done is what became of one folder.
type Done struct {
	Folder  string
	Skipped bool // it had an outcome
	Outcome tasks.Outcome
	Err     error // why there is no outcome
}

// Do does the tasks of folders and calls report with each, from one goroutine at a time, in any order. Each outcome is
// on the disk by then. It returns the error of ctx, and otherwise how many folders could not be done, as one error.
func (w *Worker) Do(ctx context.Context, folders []string, report func(Done)) error {
	failed := 0
	var mu sync.Mutex
	finish := func(d Done) {
		mu.Lock()
		defer mu.Unlock()
		if d.Err == nil && !d.Skipped {
			d.Err = writeOutcome(d.Folder, &d.Outcome)
		}
		if d.Err != nil && ctx.Err() == nil {
			failed++
		}
		report(d)
	}
	slots := make(chan struct{}, max(1, w.Workers))
	var open sync.WaitGroup
	defer open.Wait()
	for _, folder := range folders {
		if ctx.Err() != nil {
			break
		}
		t, err := readTask(folder)
		if err != nil {
			finish(Done{Folder: folder, Err: err})
			continue
		}
		if _, err := os.Lstat(filepath.Join(folder, outcomeFile)); err == nil && !w.Again {
			finish(Done{Folder: folder, Skipped: true})
			continue
		}
		do, alone, err := w.prepare(ctx, folder, &t)
		if err != nil {
			finish(Done{Folder: folder, Err: err})
			continue
		}
		if alone {
			open.Wait() // nothing else runs while something is timed
			o, err := do(ctx)
			finish(Done{Folder: folder, Outcome: o, Err: err})
			continue
		}
		slots <- struct{}{}
		open.Go(func() {
			defer func() { <-slots }()
			o, err := do(ctx)
			finish(Done{Folder: folder, Outcome: o, Err: err})
		})
	}
	open.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d jobs could not be done", failed, len(folders))
	}
	return nil
}

// prepare returns what does a task, and whether that must run alone.
func (w *Worker) prepare(
	ctx context.Context, folder string, t *tasks.Task,
) (do func(context.Context) (tasks.Outcome, error), alone bool, err error) {
	if t.Kind == tasks.Measure {
		if w.device == nil {
			if w.device, err = w.Device(); err != nil {
				return nil, true, err
			}
		}
		return func(ctx context.Context) (tasks.Outcome, error) {
			return tasks.MeasureOn(ctx, w.device, w.Name, t)
		}, true, nil
	}
	if t.Kind == tasks.Train {
		for _, s := range w.Schools {
			if s.Trains(t) {
				do = func(ctx context.Context) (tasks.Outcome, error) { return w.train(ctx, s, folder, t) }
				return do, false, nil
			}
		}
		return nil, false, fault.Errorf("jobs: %s is a training by a recipe or with data that are not here: give the ones "+
			"of the search with --trains and --data, file for file", filepath.Join(folder, taskFile))
	}
	room, err := w.room(ctx, folder, t.Run)
	if err != nil {
		return nil, false, err
	}
	return func(ctx context.Context) (tasks.Outcome, error) { return room.Evaluate(ctx, t) }, false, nil
}

// train does a training, and leaves the weights of a network that came to the last rung beside its outcome. A training
// that fails has an outcome that says why.
func (w *Worker) train(ctx context.Context, s *tasks.School, folder string, t *tasks.Task) (tasks.Outcome, error) {
	o, weights, err := s.Do(ctx, w.Name, t)
	if err != nil {
		if ctx.Err() != nil {
			return o, ctx.Err()
		}
		return tasks.Failed(t, w.Name, err.Error())
	}
	if weights != nil && o.Weights().Missing == "" {
		err = atomicfile.WriteFile(filepath.Join(folder, weightsFile), weights)
	}
	return o, err
}

// room returns the models of a run. Folders of one run share them.
func (w *Worker) room(ctx context.Context, folder, run string) (*tasks.Room, error) {
	if room := w.rooms[run]; room != nil {
		return room, nil
	}
	path := filepath.Join(folder, setupFile)
	data, err := boundedfile.Read(path, tasks.MaxSetup)
	if err != nil {
		return nil, fault.Errorf("jobs: %w", err)
	}
	s, err := tasks.Unpack(data)
	if err != nil {
		return nil, fault.Errorf("jobs: %s: %w", path, err)
	}
	if s.ID() != run {
		return nil, fault.Errorf("jobs: %s is not the setup of the run of its job: copy the folder again", path)
	}
	room, err := tasks.NewRoom(ctx, s, w.Name, w.Options)
	if err != nil {
		var class *tasks.ClassError
		if errors.As(err, &class) {
			return nil, err
		}
		return nil, fault.Errorf("jobs: %s: %w", path, err)
	}
	if w.rooms == nil {
		w.rooms = map[string]*tasks.Room{}
	}
	w.rooms[run] = room
	return room, nil
}
