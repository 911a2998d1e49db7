package run

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/jobs"
	"nas/internal/known"
	"nas/internal/plural"
	"nas/internal/results"
	"nas/internal/rungs"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/internal/tasks"
	"nas/search"
)

// AskedJobs is what [AskJobs] wrote.
type AskedJobs struct {
	Dir     string   `json:"dir"`     // of the run
	Jobs    string   `json:"jobs"`    // the directory of the folders
	Folders []string `json:"folders"` // names in it
	// Waiting is how many candidates were handed out and not told, those of Folders included.
	Waiting int `json:"waiting"`
	// Ended says how the search ended; it then has no more candidates.
	Ended string `json:"ended,omitempty"`
}

// String is for people.
func (a *AskedJobs) String() string {
	switch {
	case a.Ended != "":
		return fmt.Sprintf("the search has ended: %s; nas run %s --resume draws it", a.Ended,
			filepath.Join(a.Dir, runstore.ConfigFile))
	case len(a.Folders) == 0:
		return fmt.Sprintf("no candidate is left before results are told: %s handed out and not told; "+
			"--again writes those once more", plural.Of(a.Waiting, "job"))
	}
	return fmt.Sprintf("%s: %s to %s in %s; %d handed out and not told", plural.Of(len(a.Folders), "job"), a.Folders[0],
		a.Folders[len(a.Folders)-1], a.Jobs, a.Waiting)
}

// AskJobs writes a job folder for each of the next n candidates of a run into dir; fewer, if the searcher waits for
// results. It begins the run if there is none. Candidates that were handed out before are left out; with again they are
// the ones that are written.
func AskJobs(ctx context.Context, o Options, dir string, n int, again bool) (*AskedJobs, error) {
	if n < 1 {
		return nil, config.Usagef("%d jobs to ask for: want 1 or more", n)
	}
	x, err := openStepwise(ctx, o)
	if err != nil {
		return nil, err
	}
	defer x.close()
	open, err := x.advance(ctx)
	if err != nil {
		return nil, err
	}
	out := &AskedJobs{Dir: x.store.Dir(), Jobs: dir, Folders: []string{}, Ended: x.ended()}
	var list []tasks.Task
	var keys []string
	for _, t := range open {
		handed := x.journal.Handed(t.Key())
		if handed {
			out.Waiting++
		}
		if handed == again && len(list) < n {
			list, keys = append(list, t), append(keys, t.Key())
		}
	}
	if len(list) == 0 {
		return out, nil
	}
	if !again {
		out.Waiting += len(list)
	}
	if out.Folders, err = jobs.Write(dir, x.shared, list); err != nil {
		return nil, err
	}
	return out, x.journal.Hand(keys...)
}

// AskMeasurements writes job folders in which n members of the front of the run in dir are to be measured, taken evenly
// over it.
func AskMeasurements(dir, folders string, n int) (*AskedJobs, error) {
	s, err := results.Load(dir)
	if err != nil {
		return nil, config.Usage(err)
	}
	members := s.Front.Trials()
	if len(members) == 0 {
		return nil, config.Usagef("the front of %s has no member to be measured", dir)
	}
	shared, err := tasks.SetupOf(dir)
	if err != nil {
		return nil, err
	}
	var list []tasks.Task
	for _, k := range stat.Evenly(len(members), min(n, len(members))) {
		t := &members[k]
		list = append(list, tasks.Task{
			Format: tasks.Format, Run: shared.ID(), Kind: tasks.Measure, Trial: t.ID, ArchID: t.ArchID, Arch: t.Arch,
		})
	}
	names, err := jobs.Write(folders, shared, list)
	return &AskedJobs{Dir: dir, Jobs: folders, Folders: names, Waiting: len(names)}, err
}

// ToldJobs is what [TellJobs] made of the folders.
type ToldJobs struct {
	Dir        string    `json:"dir"`
	New        int       `json:"new"`        // outcomes that were not known
	Known      int       `json:"known"`      // outcomes that were
	Unfinished int       `json:"unfinished"` // folders without an outcome
	Refused    []Refused `json:"refused"`
	Trials     int       `json:"trials"`   // of the run, by now
	Early      int       `json:"early"`    // outcomes that are kept until their turn
	Measured   int       `json:"measured"` // outcomes that are measurements
	Ended      string    `json:"ended,omitempty"`
}

// Refused is a folder whose outcome does not count.
type Refused struct {
	Folder string `json:"folder"`
	Reason string `json:"reason"`
}

// String is for people.
func (r *ToldJobs) String() string {
	text := fmt.Sprintf("%s: %d new, %d known, %d not done, %d refused; the run has %s, %s", r.Dir, r.New, r.Known,
		r.Unfinished, len(r.Refused), plural.Of(r.Trials, "trial"), plural.Of(r.Early, "outcome")) +
		" waiting for an earlier one"
	if r.Measured > 0 {
		text += fmt.Sprintf("; %s in %s", plural.Of(r.Measured, "measurement"), runstore.ElsewhereFile)
	}
	if r.Ended != "" {
		text += fmt.Sprintf("; the search has ended: %s; nas run %s --resume draws it", r.Ended,
			filepath.Join(r.Dir, runstore.ConfigFile))
	}
	return text
}

// TellJobs takes the outcomes of job folders, in any order. What can be told is told; the others are kept with the run
// until their turn. Folders that are damaged or of another run are refused, and the rest counts.
func TellJobs(ctx context.Context, o Options, folders []string) (*ToldJobs, error) {
	x, err := openStepwise(ctx, o)
	if err != nil {
		return nil, err
	}
	defer x.close()
	out := &ToldJobs{Dir: x.store.Dir(), Refused: []Refused{}}
	var outcomes, measured []tasks.Outcome
	for _, folder := range folders {
		o, known, err := x.outcome(folder)
		switch {
		case err != nil:
			out.Refused = append(out.Refused, Refused{folder, fault.Text(err)})
		case known:
			out.Known++
		case o == nil:
			out.Unfinished++
		case o.Kind == tasks.Measure:
			measured = append(measured, *o)
		default:
			outcomes = append(outcomes, *o)
		}
	}
	before := x.journal.Len()
	if err := x.forgive(outcomes); err != nil {
		return nil, err
	}
	if err := x.journal.Add(outcomes...); err != nil {
		return nil, err
	}
	out.New = x.journal.Len() - before
	out.Known += len(outcomes) - out.New
	if _, err := x.advance(ctx); err != nil {
		return nil, err
	}
	if out.Measured, err = x.keepMeasured(measured); err != nil {
		return nil, err
	}
	out.New += out.Measured
	out.Trials, out.Early, out.Ended = x.steps.Progress().Trials, x.journal.Len(), x.ended()
	if out.Ended != "" {
		out.Early = 0 // what lies beyond the end is of no use
	}
	return out, nil
}

// outcome reads the outcome of a folder and checks that it is one of this run: of a candidate that waits for one, or
// known, of one that was told.
func (x *stepwise) outcome(folder string) (o *tasks.Outcome, known bool, err error) {
	if o, err = jobs.Outcome(folder); err != nil || o == nil {
		return nil, false, err
	}
	if o.Run != x.run {
		return nil, false, fmt.Errorf("it is of run %s, %s is run %s", o.Run, x.store.Dir(), x.run)
	}
	if o.Kind == tasks.Train {
		known, err = x.training(folder, o)
		return o, known, err
	}
	if o.Kind != tasks.Evaluate || o.Trial < x.steps.Progress().Trials || x.ended() != "" {
		return o, o.Kind == tasks.Evaluate, nil
	}
	pending := x.steps.Pending()
	i, ok := slices.BinarySearchFunc(pending, o.Trial, func(c search.Candidate, id int) int { return c.ID - id })
	if !ok {
		return nil, false, fmt.Errorf("trial %d has not been asked for", o.Trial)
	}
	_, err = resultOf(o, &pending[i], x.setup.Objectives)
	return o, false, err
}

// training checks that the outcome of a folder is one of a training that was asked for, and takes its weights. It is
// known if its rung is, or its trial.
func (x *stepwise) training(folder string, o *tasks.Outcome) (isKnown bool, err error) {
	if !x.setup.Trains() {
		return false, fmt.Errorf("it is a training, and %s trains nothing", x.store.Dir())
	}
	if had, ok := x.journal.Get(o.Key()); ok && (had.Failed == "" || o.Failed != "") {
		return true, nil
	}
	if !x.journal.Handed(o.Key()) {
		for e, err := range rungs.Entries(x.store.Path(runstore.TrainingFile)) {
			if err == nil && e.ArchID == o.ArchID && e.Rung == o.Rung {
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
	told, err := known.Of(x.setup, x.store, x.journal, x.run)
	if err != nil {
		return false, err
	}
	return false, jobs.Weights(folder, o, told.Incoming())
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

// keepMeasured writes measurements to the table of those that other machines made. A network that is measured again on
// a device has its last time there.
func (x *stepwise) keepMeasured(outcomes []tasks.Outcome) (n int, err error) {
	if len(outcomes) == 0 {
		return 0, nil
	}
	var rows []runstore.ElsewhereRow
	for i := range outcomes {
		o := &outcomes[i]
		m, err := o.Measurement()
		if err != nil {
			return n, fault.Errorf("run: trial %d: %w", o.Trial, err)
		}
		rows = append(rows, elsewhereRow(o.Trial, o.ArchID, o.Worker, &m))
		n++
	}
	return n, keepElsewhere(x.store.Dir(), rows)
}

func elsewhereRow(trial int, archID, worker string, m *tasks.Measurement) runstore.ElsewhereRow {
	return runstore.ElsewhereRow{
		ID: trial, ArchID: archID, Worker: worker, Device: m.Device, Threads: m.Threads,
		MedianMs: m.Median, P10Ms: m.P10, P90Ms: m.P90, Runs: m.Runs,
	}
}

// keepElsewhere adds rows to those of the run in dir. Of two of one network, worker and device the last counts.
func keepElsewhere(dir string, rows []runstore.ElsewhereRow) error {
	all, err := runstore.ReadElsewhere(dir)
	if err != nil {
		return err
	}
	for _, row := range rows {
		all = slices.DeleteFunc(all, func(r runstore.ElsewhereRow) bool {
			return r.ID == row.ID && r.Device == row.Device && r.Worker == row.Worker
		})
		all = append(all, row)
	}
	return runstore.WriteElsewhere(dir, all)
}
