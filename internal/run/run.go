package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"nas/accuracy"
	"nas/blocks"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// ScaleFile holds the reference values of the accuracy score, so that resuming
// need not score the reference sample again. ReferencesFile holds the networks of
// the literature, scored by the run's own models.
const (
	ScaleFile      = "scale.json"
	ReferencesFile = "references.json"
)

// UsageError is a mistake of the user's, as against a failure of the program or
// of the machine.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Options are what the command line adds to a config.
type Options struct {
	Config *config.Config
	// Resume continues the run in the directory, or starts one if there is none.
	// A finished run is only drawn again.
	Resume bool
	// Workers is how many candidates are evaluated at once; it never changes the
	// result. 0 means one for each processor.
	Workers int
	// WarmStart are directories of earlier runs whose fronts seed the population.
	// Their accuracy must be on this run's scale.
	WarmStart []string
	// Say is called with one line of text at each step. Progress is called from
	// time to time within a step. Both may be nil and are called from one
	// goroutine at a time.
	Say      func(string)
	Progress func(Progress)
	// Live, if not nil, shows the run from its first trial on.
	Live *Live
}

// Progress is how far a step has come.
type Progress struct {
	Step  string // "calibrate", "scale", "search", "measure"
	Done  int
	Total int // 0 if unknown
	// Seconds tells that Done and Total are seconds.
	Seconds bool
	Search  *search.Progress
}

// Outcome is a run as it ended.
type Outcome struct {
	Dir       string
	Status    search.Status
	Reason    string
	Trials    int
	Evaluated int
	Front     []Member // by the first objective
	Device    string   // whose latency, for people
	Score     string   // what the accuracy axis is, for people
	Measured  *Measured
	Exported  []string // files
	NoFront   string   // why nothing is on the front, and what would help; empty if something is
	Elapsed   time.Duration
}

// Member is a trial on the front.
type Member struct {
	search.Trial
	Latency, Low, High float64 // predicted, ms, of the first device
	Accuracy           float64
	OnFront            float64 // probability that no other network tried is better, by the intervals of both axes
}

// pipeline is a run under way.
type pipeline struct {
	Options
	cfg        *config.Config
	space      *space.Space
	objectives []search.Objective
	eval       evaluator
	sample     []*blocks.Network // the reference sample
	worst      []float64         // reference point of the hypervolume
	store      *runstore.Run
	resumed    bool
	earlier    []*Stored // of a warm start
	started    time.Time
	summary    *search.Summary
	rivals     []rival // for the probability of being on the true front
	front      []Member
	measured   *Measured
	exported   []string
	stored     *Stored // what was drawn
}

// Run carries out a config. A cancelled context ends the search cleanly: what was
// found so far is kept, drawn and can be resumed, and the outcome's status is
// interrupted.
func Run(ctx context.Context, o Options) (*Outcome, error) {
	p := newPipeline(o)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	if p.Live != nil {
		p.Live.end(p.store.Path(reportFile))
	}
	return p.outcome(), nil
}

func newPipeline(o Options) *pipeline {
	p := &pipeline{Options: o, cfg: o.Config, started: time.Now()}
	p.eval.lowerer = &space.Lowerer{Analyze: p.eval.study}
	if p.Workers <= 0 {
		p.Workers = runtime.GOMAXPROCS(0)
	}
	return p
}

// run takes all steps. The models can be used when it has returned; the directory
// is released.
func (p *pipeline) run(ctx context.Context) error {
	defer func() {
		if p.store != nil {
			p.store.Close()
		}
	}()
	return p.take(ctx, p.prepare, p.warm, p.open, p.profiles, p.scale, p.sameScale, p.recall, p.constrain, p.warnBlind, p.record, p.watch,
		p.search, p.rank, p.measure, p.export, p.draw, p.finish, p.page)
}

func (p *pipeline) take(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipeline) say(format string, a ...any) {
	if p.Say != nil {
		p.Say(fmt.Sprintf(format, a...))
	}
}

func (p *pipeline) progress(x Progress) {
	if p.Live != nil {
		p.Live.progress(x)
	}
	if p.Progress != nil {
		p.Progress(x)
	}
}

// prepare checks everything that can be checked before time is spent.
func (p *pipeline) prepare(context.Context) (err error) {
	if p.space, err = space.New(p.cfg.Space); err != nil {
		return &UsageError{err}
	}
	if err := accuracy.CheckSpec(p.cfg.Accuracy.Proxy); err != nil {
		return &UsageError{fmt.Errorf("accuracy.proxy = %q: %w", p.cfg.Accuracy.Proxy, err)}
	}
	if p.objectives, err = objectives(p.cfg); err != nil {
		return &UsageError{err}
	}
	return nil
}

// open opens the run in the directory, if there is one to be resumed.
func (p *pipeline) open(context.Context) (err error) {
	dir := p.cfg.Output.Dir
	if !runstore.Holds(dir) {
		choose(&p.cfg.Search, nil)
		return writable(dir)
	}
	if !p.Resume {
		return &UsageError{&runstore.ExistsError{Dir: dir}}
	}
	if p.store, err = runstore.Resume(dir); err != nil {
		return err
	}
	p.resumed = true
	return p.sameConfig()
}

// writable tells before the minutes of a calibration whether the directory can be
// made, and leaves nothing behind.
func writable(dir string) error {
	there := filepath.Clean(dir)
	for {
		info, err := os.Stat(there)
		switch up := filepath.Dir(there); {
		case err == nil && !info.IsDir():
			return &UsageError{fmt.Errorf("run: %s is a file: want a directory for the run", there)}
		case err != nil && up != there: // not made yet, or behind a file
			there = up
			continue
		}
		f, err := os.CreateTemp(there, ".nas-*")
		if err != nil {
			return &UsageError{fmt.Errorf("run: %s cannot be written: give another directory with --out (%w)", there, err)}
		}
		f.Close()
		return os.Remove(f.Name())
	}
}

// sameConfig refuses to resume a run under another config. What only says when
// to stop, and what happens afterwards, may change.
func (p *pipeline) sameConfig() error {
	path := p.store.Path(runstore.ConfigFile)
	then, err := config.Load(path)
	if err != nil {
		return err
	}
	choose(&p.cfg.Search, &then.Search)
	neutral := func(c config.Config) ([]byte, error) {
		c.Search.Evaluations, c.Search.Trials, c.Search.Time, c.Search.Plateau = 0, 0, 0, 0
		c.Output, c.Latency.Budget, c.Latency.Profile = config.Output{}, 0, nil
		return c.Encode()
	}
	a, err := neutral(*then)
	if err != nil {
		return err
	}
	b, err := neutral(*p.cfg)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return &UsageError{fmt.Errorf("run: the config differs from %s (%s): give another directory with --out, or resume with nas run %s --resume",
			path, firstDifference(a, b), path)}
	}
	return nil
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("was %q, is %q", x[i], y[i])
		}
	}
	return "one of them is longer"
}

// objectives translates the config's names.
func objectives(c *config.Config) ([]search.Objective, error) {
	table := map[string]search.Objective{
		"accuracy":         {Name: keyAccuracy, Direction: search.Maximize},
		"params":           {Name: keyParams},
		"macs":             {Name: keyMACs},
		"activation_bytes": {Name: keyActivations, Unit: "bytes"},
		"weight_bytes":     {Name: keyWeights, Unit: "bytes"},
	}
	var out []search.Objective
	for _, name := range c.Search.Objectives {
		if o, ok := table[name]; ok {
			out = append(out, o)
			continue
		}
		d := device{}
		if i := len("latency@"); len(name) > i {
			d.name = name[i:]
		} else if len(c.Latency.Profile) > 1 {
			return nil, errors.New("search.objectives: several profiles are given, say whose latency is meant, such as latency@" + c.Latency.Profile.Names()[0])
		}
		out = append(out, search.Objective{Name: d.key(), Unit: "ms"})
	}
	return out, nil
}

// constrain resolves the constraints, now that the models are there.
func (p *pipeline) constrain(ctx context.Context) error {
	return p.eval.resolve(ctx, p.cfg.Constraints)
}

func (p *pipeline) outcome() *Outcome {
	info := p.eval.accuracy.Info()
	o := &Outcome{
		Dir: p.cfg.Output.Dir, Status: p.summary.Status, Trials: p.summary.Trials, Evaluated: p.summary.Evaluations,
		Front: p.front, Device: p.eval.devices[0].profile.Device.String(), Score: info.Label, Measured: p.measured, Exported: p.exported,
		Elapsed: time.Since(p.started),
	}
	if len(p.front) == 0 {
		o.NoFront = p.eval.limits.noFront(p.summary)
	}
	return o
}
