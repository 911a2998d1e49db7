package rungs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"nas/accuracy/training"
	"nas/blocks"
	"nas/internal/atomicfile"
	"nas/internal/fault"
	"nas/search"
)

// Options say how a run trains.
type Options struct {
	Recipe  *training.Recipe
	Trainer training.Trainer // what carries the recipe out; nil: the recipe itself, on this machine
	Slots   []string         // places for trainings at once; nil: those of the recipe
	Data    string           // the folder of the data set; "" for none
	Seed    uint64
	Dir     string // the run's folder for trials, each of which gets one by its arch id; made if it is missing
	Log     string // the path of the run's log
	Shared  string // the path of a log that all runs share; "" for none
	// Weights returns the path at which the weights of a finished trial are kept.
	Weights func(archID string) string
	// Objectives are those of the run, and Trained the name of the one that is trained.
	Objectives []search.Objective
	Trained    string
	// Most is the number of candidates that the run trains at most; 0: any number.
	Most int
	Say  func(format string, a ...any)
	// Known, if not nil, looks for the outcome of a training that somebody else has done, or says why that failed.
	Known func(training.Job) (o training.Outcome, ok bool, err error)
	// Report, if not nil, is called with the accuracies of a network on the way, in rising order of the epochs.
	// It may be called with one that it was called with before.
	Report func(archID string, r training.Report)
}

// Training trains the candidates of a run, and decides how far. Its methods may be called at the same time.
type Training struct {
	o       Options
	rungs   []int
	ladder  *Ladder
	slots   *Slots
	log     *Log
	key     string
	mu      sync.Mutex
	good    bool            // a training has ended well
	bad     int             // trainings that failed before any ended well
	decided chan struct{}   // closed when good is set, or so many failed that the run ends
	verdict error           // why the run ends
	active  int             // trainings at work
	idle    int             // calls of Score that wait for their context
	unsure  int             // calls of Score whose training failed before any ended well
	stopped map[string]bool // arch ids of networks that were stopped
}

// New opens the training of a run.
func New(o Options) (*Training, error) {
	data, err := DataID(o.Data)
	if err != nil {
		return nil, fault.Errorf("rungs: accuracy.data: %w", err)
	}
	if o.Data != "" {
		if o.Data, err = filepath.Abs(o.Data); err != nil {
			return nil, fault.Errorf("rungs: accuracy.data: %w", err)
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fault.Errorf("rungs: %w", err)
	}
	spec := o.Recipe.Spec()
	slots := o.Slots
	if slots == nil {
		slots = spec.Slots
	}
	t := &Training{
		o: o, rungs: spec.Rungs, ladder: NewLadder(len(spec.Rungs), spec.Eta), slots: NewSlots(slots),
		key: o.Recipe.Hash() + data, decided: make(chan struct{}),
		stopped: map[string]bool{},
	}
	if o.Trainer == nil {
		t.o.Trainer = o.Recipe
	}
	if t.log, err = OpenLog(o.Log, o.Shared); err != nil {
		return nil, err
	}
	return t, nil
}

// Close closes the log.
func (t *Training) Close() error { return t.log.Close() }

// Candidate is a network to be trained.
type Candidate struct {
	ID           int // of the trial
	Continues    int // the rungs that an earlier trial came to with the network
	Until        int // the rungs that it is trained to; 0: the ladder decides
	ArchID, Arch string
	Network      *blocks.Network
}

// Score trains a candidate and completes its result: the value of the trained objective, its rungs, and whether it was
// stopped. The other objectives must be there. The folder of a finished trial goes, if the recipe does not keep
// it; [Training.Tidy] removes those of stopped ones. An error that [search.Abort] made ends the run.
func (t *Training) Score(ctx context.Context, c Candidate, r *search.Result) error {
	before, err := t.ladder.Enter(ctx, c.ID)
	if err != nil {
		return err
	}
	if t.o.Most > 0 && before >= t.o.Most { // asked for, and not needed: the run ends when those before it have
		t.mu.Lock()
		t.idle++
		t.mu.Unlock()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for {
		i := len(r.Rungs)
		out, err := t.rung(ctx, c, i)
		if err != nil {
			return err
		}
		r.Rungs = append(r.Rungs, out.Accuracy)
		if c.Until > 0 {
			if t.pass(c.ID, c.Continues, r); len(r.Rungs) >= c.Until || len(r.Rungs) == len(t.rungs) {
				break
			}
			continue
		}
		goOn, err := t.ladder.Reach(ctx, c.ID, out.Accuracy, t.costs(r, out.Accuracy))
		if err != nil {
			return err
		}
		if !goOn {
			break
		}
	}
	value := r.Rungs[len(r.Rungs)-1]
	if len(r.Rungs) < len(t.rungs) {
		finished, err := t.ladder.Finished(ctx, c.ID)
		if err != nil {
			return err
		}
		value, r.Stopped = search.EstimateFinal(r.Rungs, finished), true
	}
	r.Objectives[t.o.Trained] = value
	if !r.Stopped {
		if err := t.keepWeights(c); err != nil {
			return err
		}
	}
	if t.o.Recipe.Spec().Keep == training.KeepNone && !r.Stopped {
		t.remove(c.ArchID)
	}
	t.stop(c.ArchID, r.Stopped)
	return nil
}

// stop notes whether the last trial of a network was stopped.
func (t *Training) stop(archID string, stopped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped[archID] = true; !stopped {
		delete(t.stopped, archID)
	}
}

// remove removes the folder of a trial. It costs space and nothing else if it stays.
func (t *Training) remove(archID string) { os.RemoveAll(t.folder(archID)) }

// Tidy removes the folders of networks that were stopped, unless the recipe keeps all. Until the end of a run they
// stay: a later trial may go on from them.
func (t *Training) Tidy() {
	if t.o.Recipe.Spec().Keep == training.KeepAll {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for archID := range t.stopped {
		t.remove(archID)
	}
}

// pass records the last rung of a trial that continues another.
func (t *Training) pass(id, continues int, r *search.Result) {
	v := r.Rungs[len(r.Rungs)-1]
	var costs []float64
	if len(r.Rungs) > continues {
		costs = t.costs(r, v)
	}
	t.ladder.Pass(id, v, costs)
}

// keepWeights copies the weights out of the folder of a finished trial. One that was trained for another run has no
// folder.
func (t *Training) keepWeights(c Candidate) error {
	name := t.o.Recipe.Spec().Weights
	if name == "" {
		return nil
	}
	if _, err := os.Stat(t.folder(c.ArchID)); errors.Is(err, fs.ErrNotExist) {
		t.o.Say("trial %d: no weights of network %s are kept: it was trained for another run, or on another machine",
			c.ID, c.ArchID)
		return nil
	}
	data, err := t.o.Recipe.Weights(t.folder(c.ArchID), c.Network)
	if err != nil {
		return fmt.Errorf("weights = %q: %w", name, err)
	}
	path := t.o.Weights(c.ArchID)
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = atomicfile.WriteFile(path, data)
	}
	if err != nil {
		return search.Abort(err)
	}
	return nil
}

// End must be called when the judging of a trial is over, trained or not.
func (t *Training) End(id int, r *search.Result) { t.ladder.End(id, len(r.Rungs) == len(t.rungs)) }

// folder is the folder of a trial.
func (t *Training) folder(archID string) string { return filepath.Join(t.o.Dir, archID) }

// Replay takes a trial of a run that is resumed.
func (t *Training) Replay(x *search.Trial) {
	costs := make([][]float64, len(x.Rungs))
	for i, v := range x.Rungs {
		if i >= x.Continues {
			costs[i] = t.costs(&x.Result, v)
		}
	}
	t.ladder.Replay(x.ID, !x.Screened, x.Rungs, costs, len(x.Rungs) == len(t.rungs))
	if len(x.Rungs) > 0 {
		t.stop(x.ArchID, x.Stopped)
		t.succeeded()
	}
}

// costs are the objectives of a result with a value of the trained one, to be minimised.
func (t *Training) costs(r *search.Result, trained float64) []float64 {
	costs := make([]float64, len(t.o.Objectives))
	for i, o := range t.o.Objectives {
		v := r.Objectives[o.Name]
		if o.Name == t.o.Trained {
			v = trained
		}
		if o.Direction == search.Maximize {
			v = -v
		}
		costs[i] = v
	}
	return costs
}

// rung returns the outcome of a rung, which is trained unless it is known.
func (t *Training) rung(ctx context.Context, c Candidate, i int) (training.Outcome, error) {
	e := Entry{ArchID: c.ArchID, Arch: c.Arch, Rung: i, Epochs: t.rungs[i], Seed: t.o.Seed, Key: t.key}
	switch out, ok, err := t.log.Known(e); {
	case err != nil:
		return out, search.Abort(err)
	case ok:
		t.succeeded()
		t.report(e, out)
		return out, nil
	}
	out, err := t.train(ctx, c, i)
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		return out, t.failed(ctx, c, err)
	}
	t.succeeded()
	t.report(e, out)
	e.Outcome = out
	if err := t.log.Add(e); err != nil {
		return out, search.Abort(err)
	}
	t.o.Say("trial %d after %d of %d epochs: %.5g, in %v", c.ID, e.Epochs, t.rungs[len(t.rungs)-1], out.Accuracy,
		time.Duration(out.Seconds*float64(time.Second)).Round(100*time.Millisecond))
	return out, nil
}

// train trains a candidate to a rung, unless somebody else has.
func (t *Training) train(ctx context.Context, c Candidate, i int) (training.Outcome, error) {
	j := training.Job{
		Network: c.Network, ArchID: c.ArchID, Arch: c.Arch, Rung: i, Seed: t.o.Seed, Dir: t.folder(c.ArchID), Data: t.o.Data,
	}
	if t.o.Known != nil {
		if out, ok, err := t.o.Known(j); ok || err != nil {
			return out, err
		}
	}
	if t.o.Report != nil {
		j.Report = func(r training.Report) { t.o.Report(c.ArchID, r) }
	}
	slot, err := t.slots.Take(ctx, c.ID)
	if err != nil {
		return training.Outcome{}, err
	}
	defer t.slots.Free(slot)
	j.Slot = slot
	t.work(1)
	defer t.work(-1)
	return t.o.Trainer.Train(ctx, j)
}

// report tells what came of a rung.
func (t *Training) report(e Entry, out training.Outcome) {
	if t.o.Report == nil {
		return
	}
	for _, r := range out.Curve {
		t.o.Report(e.ArchID, r)
	}
	t.o.Report(e.ArchID, training.Report{Epoch: float64(e.Epochs), Accuracy: out.Accuracy})
}

// Waiting returns how many calls of Score wait for other candidates, and will go on waiting unless a training ends; -1
// if that just changes. Those that wait in the trainer are not counted.
func (t *Training) Waiting() int {
	type state struct {
		idle, unsure, active int
		decided              bool
	}
	now := func() state {
		t.mu.Lock()
		defer t.mu.Unlock()
		return state{t.idle, t.unsure, t.active, t.good || t.verdict != nil}
	}
	before := now()
	n := t.ladder.Waiting()
	if now() != before {
		return -1
	}
	if n += before.idle; before.active > 0 {
		n += before.unsure // else it is decided soon
	}
	return n
}

// firstFailures is the number of trainings that must fail, before any ended well, for the run to end.
const firstFailures = 3

// patience is how long a failed training waits for others to fail or to end well, where none is at work.
const patience = 2 * time.Second

func (t *Training) work(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active += n
}

func (t *Training) succeeded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.good && t.verdict == nil {
		t.good, t.unsure = true, 0
		close(t.decided)
	}
}

// failed returns the error of a candidate whose training failed. Before any training ended well it waits: if the first
// all fail, what is wrong is the command, and none of them is recorded.
func (t *Training) failed(ctx context.Context, c Candidate, err error) error {
	t.mu.Lock()
	if t.bad++; !t.good && t.verdict == nil && t.bad >= firstFailures {
		t.end(fmt.Errorf("the first %d trainings all failed; trial %d, %s: %w", t.bad, c.ID, t.where(c), err))
	}
	if !t.good && t.verdict == nil {
		t.unsure++
	}
	t.mu.Unlock()
	for {
		select {
		case <-t.decided:
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.verdict != nil {
				return search.Abort(t.verdict)
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(patience):
			t.mu.Lock()
			if t.active == 0 && !t.good && t.verdict == nil {
				t.end(fmt.Errorf("every training failed; trial %d, %s: %w", c.ID, t.where(c), err))
			}
			t.mu.Unlock()
		}
	}
}

// where says what trained a candidate, and in which folder if that is here: a person can start it there.
func (t *Training) where(c Candidate) string {
	name, folder := "recipe "+strconv.Quote(t.o.Recipe.Spec().Name), t.folder(c.ArchID)
	if _, err := os.Stat(folder); err != nil {
		return name
	}
	return name + " in " + folder
}

// end decides that the run ends.
func (t *Training) end(err error) {
	t.verdict, t.unsure = fault.Errorf("rungs: %w", err), 0
	close(t.decided)
}
