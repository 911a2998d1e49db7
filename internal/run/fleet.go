package run

import (
	"context"
	"time"

	"nas/internal/evaluator"
	"nas/internal/fleet"
	"nas/internal/journal"
	"nas/internal/plural"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/internal/tasks"
	"nas/search"
)

// FleetOptions say where the candidates of a run are evaluated: by the workers of a NATS service.
type FleetOptions struct {
	fleet.Access
	Embedded bool          // the service is in this process
	Listen   string        // HOST:PORT of that; "" for the default port of this machine alone
	Patience time.Duration // how long a worker may be silent before its task goes to another; 0 means 15 seconds
}

// elsewhere is a run's fleet; the zero value is none.
type elsewhere struct {
	server     *fleet.Server
	dispatcher *fleet.Dispatcher
}

// openFleet connects a run to its fleet, if it has one, and begins its training, if it trains.
func openFleet(
	ctx context.Context, s *evaluator.Setup, store *runstore.Run, resumed bool, o *FleetOptions,
) (x *elsewhere, err error) {
	x = new(elsewhere)
	if o == nil {
		return x, s.StartTraining(ctx, store, resumed, nil)
	}
	defer func() {
		if err != nil {
			x.close(false)
		}
	}()
	access := o.Access
	if o.Embedded {
		if x.server, err = fleet.Serve(store.Dir(), o.Listen, access, s.Sayf); err != nil {
			return x, err
		}
		access = x.server.Access()
		s.Sayf("workers join with nas worker --fleet %s", x.server.URL())
	}
	by, err := s.TrainedBy()
	if err != nil {
		return x, err
	}
	x.dispatcher, err = fleet.Open(ctx, fleet.Options{
		Access: access, Dir: store.Dir(), Name: s.Config.Name, Patience: o.Patience, Recipe: by.Recipe, Data: by.Data,
		Weights: tasks.IncomingOf(store.Path(runstore.TrainingDir), by.Weights), Say: s.Sayf,
	})
	if err != nil {
		return x, err
	}
	if by.Recipe == "" {
		return x, nil
	}
	return x, s.StartTraining(ctx, store, resumed, x.dispatcher)
}

// search carries out the search: by the fleet, or here, where outcomes of jobs that were told early are used.
func (x *elsewhere) search(
	ctx context.Context, searcher search.Searcher, s *evaluator.Setup, store *runstore.Run, o search.Options,
) (*search.Summary, error) {
	if x.dispatcher != nil && !s.Trains() {
		return search.Run(ctx, searcher, x.dispatcher.Queue(), x.dispatcher.Sink(store), s.Objectives, o)
	}
	var early *journal.Journal
	var err error
	if !s.Trains() {
		early, err = earlyOutcomes(store)
	}
	if err != nil {
		return nil, err
	}
	if early == nil {
		return search.Run(ctx, searcher, s.Evaluator, store, s.Objectives, o)
	}
	defer early.Close()
	summary, err := search.Run(ctx, searcher, withOutcomes(s.Evaluator, early, s.Objectives), store, s.Objectives, o)
	if err != nil {
		return nil, err
	}
	return summary, early.DropTold(summary.Trials)
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

// close ends the run's part in the fleet. If the run is over, its queue goes.
func (x *elsewhere) close(over bool) (err error) {
	if x.dispatcher != nil {
		err = x.dispatcher.Close(over)
	}
	if x.server != nil {
		x.server.Close(over)
	}
	return err
}
