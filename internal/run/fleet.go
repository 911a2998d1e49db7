package run

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"nas/accuracy/training"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fleet"
	"nas/internal/journal"
	"nas/internal/known"
	"nas/internal/plural"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/internal/tasks"
	"nas/internal/work"
	"nas/latency/calibrate"
	"nas/search"
	"nas/space"
)

// FleetOptions say where the candidates of a run are evaluated: by the workers of a NATS service.
type FleetOptions struct {
	fleet.Access
	Embedded bool          // the service is in this process
	Listen   string        // HOST:PORT of that; "" for the default port of this machine alone
	Patience time.Duration // how long a worker may be silent before its task goes to another; 0 means 15 seconds
}

// elsewhere is what other machines do, or have done, for a run: its fleet, and the outcomes of job folders.
type elsewhere struct {
	options    *FleetOptions // nil: the run has none
	server     *fleet.Server // nil: the service is not in this process
	dispatcher *fleet.Dispatcher
	early      *journal.Journal // what was told before its turn; nil for nothing, and where there is a dispatcher
}

// joinFleet starts the service of a run's fleet if that is to be in this process.
func joinFleet(dir string, f *FleetOptions, o work.Options) (x *elsewhere, err error) {
	x = new(elsewhere)
	if f == nil {
		return x, nil
	}
	x.options = new(*f)
	if f.Embedded {
		if x.server, err = fleet.Serve(dir, f.Listen, f.Access, o.Sayf); err != nil {
			return x, err
		}
		x.options.Access = x.server.Access()
		o.Sayf("workers join with nas worker --fleet %s", x.server.URL())
	}
	return x, nil
}

// calibrate has the workers that a config names calibrate their devices for its space, one after the other.
func (x *elsewhere) calibrate(ctx context.Context, c *config.Config, o work.Options) error {
	workers := c.OfWorkers()
	if x.options == nil || len(workers) == 0 {
		return nil
	}
	sp, err := space.New(c.Space)
	if err != nil {
		return config.Usage(err)
	}
	for _, name := range slices.Sorted(maps.Keys(workers)) {
		step := "calibrate " + workers[name]
		text, err := fleet.Calibrate(ctx, x.options.Access, fleet.Calibration{
			Worker: workers[name], For: "the run " + c.Name, Space: sp, Seed: c.Accuracy.Seed,
			Budget: time.Duration(c.Latency.Budget), Say: o.Sayf,
			Progress: func(p calibrate.Progress) {
				o.Report(work.Progress{
					Step: step, Seconds: true, Done: int(p.Elapsed.Seconds()), Total: int(p.Budget.Seconds()),
				})
			},
		})
		o.Report(work.Progress{Step: step, Ended: true})
		if err != nil {
			return err
		}
		c.SetProfile(name, text)
	}
	return nil
}

// open connects a run to its fleet, if it has one, and begins its training, if it trains. report hears of what is
// trained.
func (x *elsewhere) open(
	ctx context.Context, s *evaluator.Setup, store *runstore.Run, resumed bool, report func(string, training.Report),
) error {
	with := evaluator.Trainers{Report: report}
	if x.options == nil {
		if err := x.openEarly(s, store, &with); err != nil {
			return err
		}
		return s.StartTraining(ctx, store, resumed, with)
	}
	by, err := s.TrainedBy()
	if err != nil {
		return err
	}
	x.dispatcher, err = fleet.Open(ctx, fleet.Options{
		Access: x.options.Access, Dir: store.Dir(), Name: s.Config.Name, Patience: x.options.Patience, Recipe: by.Recipe,
		Data: by.Data, Weights: tasks.IncomingOf(store.Path(runstore.TrainingDir), by.Weights), Say: s.Sayf,
	})
	if err != nil || by.Recipe == "" {
		return err
	}
	with.Elsewhere = x.dispatcher
	return s.StartTraining(ctx, store, resumed, with)
}

// openEarly looks for outcomes of jobs that the run was told before their turn: they are not computed again.
func (x *elsewhere) openEarly(s *evaluator.Setup, store *runstore.Run, with *evaluator.Trainers) error {
	if _, err := os.Stat(store.Path(journal.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	shared, err := tasks.SetupOf(store.Dir())
	if err != nil {
		return err
	}
	if x.early, err = journal.Open(store.Dir(), shared.ID()); err != nil || !s.Trains() {
		return err
	}
	told, err := known.Of(s, store, x.early, shared.ID())
	if err == nil {
		with.Known = told.Outcome
	}
	return err
}

// search carries out the search: by the fleet, or here, where outcomes of jobs that were told early are used.
func (x *elsewhere) search(
	ctx context.Context, searcher search.Searcher, s *evaluator.Setup, store *runstore.Run, o search.Options,
) (*search.Summary, error) {
	if x.dispatcher != nil && !s.Trains() {
		return search.Run(ctx, searcher, x.dispatcher.Queue(), x.dispatcher.Sink(store), s.Objectives, o)
	}
	if x.early == nil || s.Trains() {
		return search.Run(ctx, searcher, s.Evaluator, store, s.Objectives, o)
	}
	summary, err := search.Run(ctx, searcher, withOutcomes(s.Evaluator, x.early, s.Objectives), store, s.Objectives, o)
	if err != nil {
		return nil, err
	}
	return summary, x.early.DropTold(summary.Trials)
}

// note is a line on how the fleet stands, "" without one.
func (x *elsewhere) note() string {
	if x.dispatcher == nil {
		return ""
	}
	status := x.dispatcher.Status()
	return status.String()
}

// measure has the workers that measure time members of the front, and stores the times.
func (x *elsewhere) measure(ctx context.Context, s *evaluator.Setup, store *runstore.Run, front []search.Trial) error {
	n := min(s.Config.Output.Measure, len(front))
	if x.dispatcher == nil || n == 0 {
		return nil
	}
	var members []search.Trial
	for _, k := range stat.Evenly(len(front), n) {
		members = append(members, front[k])
	}
	measured := x.dispatcher.Measure(ctx, members)
	if len(measured) == 0 {
		return nil
	}
	rows := make([]runstore.ElsewhereRow, len(measured))
	for i, m := range measured {
		rows[i] = elsewhereRow(m.Trial, m.ArchID, m.Worker, &m.Measurement)
	}
	s.Sayf("workers made %s of the front: %s", plural.Of(len(rows), "measurement"), runstore.ElsewhereFile)
	return keepElsewhere(store.Dir(), rows)
}

// close ends the run's part in the fleet. If the run is over, its queue goes, and what was told beyond its end.
func (x *elsewhere) close(over bool) (err error) {
	if x.dispatcher != nil {
		err = x.dispatcher.Close(over)
	}
	if x.server != nil {
		x.server.Close(over)
	}
	switch {
	case x.early != nil && over:
		err = errors.Join(err, x.early.Remove())
	case x.early != nil:
		err = errors.Join(err, x.early.Close())
	}
	x.dispatcher, x.server, x.early = nil, nil, nil
	return err
}
