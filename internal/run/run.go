package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
	Walls     string   // why nothing is feasible, if nothing is
	Wall      time.Duration
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
	p.eval.lowerer = &space.Lowerer{Study: p.eval.study}
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

// scale makes the accuracy score, whose reference sample is drawn from the space
// and the accuracy seed alone, and finds the worst value of the sample in each
// objective: the reference point of the run's hypervolume.
func (p *pipeline) scale(ctx context.Context) error {
	if err := p.drawSample(); err != nil {
		return err
	}
	o := accuracy.Options{Seed: p.cfg.Accuracy.Seed, Workers: p.Workers}
	if p.resumed {
		o.Scale = p.storedScale()
	}
	if o.Scale == nil && accuracy.NeedsReference(p.cfg.Accuracy.Proxy) {
		p.say("scoring the reference sample of %d networks", len(p.sample))
		o.Reference = p.sample
	}
	est, err := accuracy.NewContext(ctx, p.cfg.Accuracy.Proxy, o)
	if err != nil {
		return err
	}
	p.eval.accuracy = est
	if p.resumed {
		p.worst = p.store.Manifest().Reference
		return nil
	}
	return p.findWorst(ctx)
}

// drawSample lowers the reference sample.
func (p *pipeline) drawSample() error {
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x7265666572656e63)) // "referenc"
	var first error
	for range 8 * accuracy.ReferenceSize {
		if len(p.sample) == accuracy.ReferenceSize {
			return nil
		}
		n, err := p.space.Arch(p.space.Sample(r)).Network()
		if err != nil {
			first = cmpError(first, err)
			continue
		}
		p.sample = append(p.sample, n)
	}
	if len(p.sample) == 0 {
		return &UsageError{fmt.Errorf("run: no network of the space can be built: %w", first)}
	}
	return nil
}

func cmpError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *pipeline) storedScale() *accuracy.Scale {
	data, err := os.ReadFile(p.store.Path(ScaleFile))
	if err != nil {
		return nil
	}
	s := new(accuracy.Scale)
	if json.Unmarshal(data, s) != nil {
		return nil // it is derived: score the sample again
	}
	return s
}

// findWorst judges the sample by all objectives.
func (p *pipeline) findWorst(ctx context.Context) error {
	scores, err := p.sampleScores(ctx)
	if err != nil {
		return err
	}
	p.worst = make([]float64, len(p.objectives))
	for i, o := range p.objectives {
		p.worst[i] = math.Inf(-1)
		if o.Direction == search.Maximize {
			p.worst[i] = math.Inf(1)
		}
	}
	for k, n := range p.sample {
		r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
		if err := p.eval.cheap(&r, whole{n}); err != nil {
			return err
		}
		for i, o := range p.objectives {
			v := p.eval.value(&r, o.Name)
			if o.Name == keyAccuracy {
				v = scores[k]
			}
			if o.Direction == search.Maximize {
				p.worst[i] = min(p.worst[i], v)
			} else {
				p.worst[i] = max(p.worst[i], v)
			}
		}
	}
	return nil
}

// sampleScores returns the accuracy score of each network of the sample; nil
// if accuracy is no objective.
func (p *pipeline) sampleScores(ctx context.Context) ([]float64, error) {
	if !slices.ContainsFunc(p.objectives, func(o search.Objective) bool { return o.Name == keyAccuracy }) {
		return nil, nil
	}
	if r, ok := p.eval.accuracy.(interface{ ReferenceValues() []float64 }); ok {
		if v := r.ReferenceValues(); len(v) == len(p.sample) {
			return v, nil
		}
	}
	return accuracy.ScoreAll(ctx, p.eval.accuracy, p.sample, p.Workers)
}

// constrain resolves the constraints, now that the models are there.
func (p *pipeline) constrain(ctx context.Context) error {
	return p.eval.resolve(ctx, p.cfg.Constraints)
}

// record creates the run directory, or checks that the one to be resumed was
// made in the same way.
func (p *pipeline) record(context.Context) error {
	searcher, err := p.searcher()
	if err != nil {
		return err
	}
	m := runstore.Manifest{
		Version: Version(), Name: p.cfg.Name, Seed: p.cfg.Seed,
		NumericClass: numericClass(), Device: p.eval.devices[0].profile.Device.String(), ScaleID: p.eval.accuracy.Info().ScaleID,
		Algorithm: searcher.String(), Objectives: p.objectives, Reference: p.worst,
		Limits: p.eval.limits.stored(), Notes: p.notes(),
		Status: search.StatusRunning.String(), Started: p.started.UTC(), Updated: time.Now().UTC(),
	}
	if p.resumed {
		then := p.store.Manifest()
		if err := then.Same(&m); err != nil {
			return &UsageError{err}
		}
		m.Started, m.WallS = then.Started, then.WallS
		return nil
	}
	text, err := p.cfg.Encode()
	if err != nil {
		return err
	}
	var first []byte
	for i, d := range p.eval.devices {
		var b bytes.Buffer
		if err := d.profile.Write(&b); err != nil {
			return err
		}
		data := b.Bytes()
		if i == 0 {
			first = data
			continue
		}
		if err := os.MkdirAll(p.cfg.Output.Dir, 0o755); err != nil {
			return err
		}
		if err := runstore.WriteFile(filepath.Join(p.cfg.Output.Dir, profileFile(d.name, i)), data); err != nil {
			return err
		}
	}
	if s, ok := p.eval.accuracy.(interface{ Scale() *accuracy.Scale }); ok {
		data, err := json.Marshal(s.Scale())
		if err != nil {
			return err
		}
		if err := os.MkdirAll(p.cfg.Output.Dir, 0o755); err != nil {
			return err
		}
		if err := runstore.WriteFile(filepath.Join(p.cfg.Output.Dir, ScaleFile), data); err != nil {
			return err
		}
	}
	p.store, err = runstore.Create(p.cfg.Output.Dir, m, text, first)
	return err
}

// notes are what plots say in words.
func (p *pipeline) notes() map[string]string {
	info := p.eval.accuracy.Info()
	blind := make([]string, len(info.Blind))
	for i, t := range info.Blind {
		blind[i] = string(t)
	}
	notes := map[string]string{
		"accuracy": p.eval.accuracy.String(), "score": info.Label, "blind": strings.Join(blind, ", "), "space": p.space.ID(),
	}
	for _, d := range p.eval.devices {
		if d.name != "" {
			notes["device@"+d.name] = d.profile.Device.String()
		}
	}
	return notes
}

// finish writes how the run ended.
func (p *pipeline) finish(context.Context) error {
	m := p.store.Manifest()
	m.Status, m.Trials = p.summary.Status.String(), p.summary.Trials
	if p.summary.Front.Len() == 0 {
		m.Reason = p.summary.Walls.String()
	}
	m.Updated = time.Now().UTC()
	m.WallS += time.Since(p.started).Seconds()
	return p.store.SetManifest(m)
}

func (p *pipeline) outcome() *Outcome {
	info := p.eval.accuracy.Info()
	o := &Outcome{
		Dir: p.cfg.Output.Dir, Status: p.summary.Status, Trials: p.summary.Trials, Evaluated: p.summary.Evaluations,
		Front: p.front, Device: p.eval.devices[0].profile.Device.String(), Score: info.Label, Measured: p.measured, Exported: p.exported,
		Wall: time.Since(p.started),
	}
	if len(p.front) == 0 {
		o.Walls = p.summary.Walls.String()
	}
	return o
}
