package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fault"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/latency/timing"
	"nas/search"
	"nas/space"
)

// ClassError says that this program would compute other last digits than the run.
type ClassError struct{ Want, Have string }

func (e *ClassError) Error() string {
	return fmt.Sprintf("the run is of nas %s, this is nas %s: scores would differ in their last digits; start a worker "+
		"of the same version on a machine with these kernels (NAS_KERNELS chooses among those that a machine has)",
		e.Want, e.Have)
}

// Room is where the evaluations of a run are done. It is safe for concurrent use.
type Room struct {
	run        string
	worker     string
	config     *config.Config
	space      *space.Space
	objectives []search.Objective
	evaluator  search.Evaluator
}

// NewRoom makes the models of a setup, for a worker of that name. The error is a [*ClassError] if this program's scores
// would not be those of the run.
func NewRoom(ctx context.Context, s *Setup, worker string, o work.Options) (_ *Room, err error) {
	if have := evaluator.NumericClass(); s.Class != have {
		return nil, &ClassError{s.Class, have}
	}
	c, err := s.configOf()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nas-setup-*")
	if err != nil {
		return nil, fault.Errorf("tasks: %w", err)
	}
	defer os.RemoveAll(dir)
	for name, text := range s.Files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fault.Errorf("tasks: %w", err)
		}
	}
	store, err := runstore.Resume(dir)
	if err != nil {
		return nil, fault.Errorf("tasks: the setup is damaged: %w", err)
	}
	defer store.Close()
	models, err := evaluator.New(ctx, c, o, store)
	if err != nil {
		return nil, err
	}
	models = models.WithLimits(store.Manifest().Limits)
	return &Room{s.ID(), worker, c, models.Space, models.Objectives, models.Evaluator}, nil
}

// Evaluate does a task of kind [Evaluate]. The error is that of ctx, or says why the task is none of this run. What
// goes wrong in the evaluation is an outcome.
func (r *Room) Evaluate(ctx context.Context, t *Task) (Outcome, error) {
	if err := t.Check(); err != nil {
		return Outcome{}, err
	}
	if t.Run != r.run || t.Kind != Evaluate {
		return Outcome{}, fault.Errorf("tasks: a task of run %s and kind %s came to run %s", t.Run, t.Kind, r.run)
	}
	if err := r.space.Check(t.Genes); err != nil {
		return Outcome{}, fault.Errorf("tasks: trial %d: %w: the task was damaged; have it made again", t.Trial, err)
	}
	c := search.Candidate{ID: t.Trial, Genes: slices.Clone(t.Genes), Arch: r.space.Arch(t.Genes)}
	if _, c.ArchID = c.Arch.Describe(); c.ArchID != t.ArchID {
		return Outcome{}, fault.Errorf("tasks: trial %d: its genes are those of network %s, not %s: the task was damaged; "+
			"have it made again",
			t.Trial, c.ArchID, t.ArchID)
	}
	began := time.Now()
	result, err := search.Judge(ctx, r.evaluator, c, r.objectives, time.Duration(r.config.Search.Timeout))
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return Outcome{}, err
	}
	o := outcomeOf(t, r.worker, began)
	o.setTrial(t, result)
	return o, o.Seal()
}

func outcomeOf(t *Task, worker string, began time.Time) Outcome {
	return Outcome{
		Format: Format, Run: t.Run, Kind: t.Kind, Trial: t.Trial, ArchID: t.ArchID, On: t.On,
		Rung:   t.Rung,
		Worker: worker, Version: buildinfo.Version(), Seconds: time.Since(began).Seconds(),
	}
}

// MeasureOn does a task of kind [Measure] on a device.
func MeasureOn(ctx context.Context, rt timing.Runtime, worker string, t *Task) (Outcome, error) {
	if err := t.Check(); err != nil {
		return Outcome{}, err
	}
	net, err := networkOf(t)
	if err != nil {
		return Outcome{}, err
	}
	began := time.Now()
	timer, err := rt.Open(ctx, timing.Baseline{})
	if err != nil {
		return Outcome{}, err
	}
	defer timer.Close()
	times, _, err := timing.TimeAll(ctx, timer, []*blocks.Network{net}, nil)
	if err != nil {
		return Outcome{}, err
	}
	d, total := rt.Device(), times[0].EndToEnd
	o := outcomeOf(t, worker, began)
	if o.Result, err = json.Marshal(Measurement{
		d.String(), max(1, d.Threads), total.MedianMs, total.P10Ms, total.P90Ms, times[0].Runs,
	}); err != nil {
		return Outcome{}, err
	}
	return o, o.Seal()
}
