package results

import (
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"nas/accuracy"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/runstore"
	"nas/search"
)

// Stored is a run as its directory holds it, finished or not. Of trials that are not on the front
// it holds what a page shows; [runstore.ReadTrials] and [runstore.TrialViews] have the rest.
type Stored struct {
	Dir        string
	Manifest   runstore.Manifest
	Config     *config.Config
	Trials     int         // stored
	Screened   int         // of them, those that broke a constraint before they were scored
	Shown      html.Trials // those with a value on both axes
	Front      *search.Front
	References []runstore.Reference
	Measured   []runstore.MeasuredRow
	Told       *Told // nil: by the run's own score
	Expected   Expectation
	// Volumes is the hypervolume (Y) after a number of scored trials (X), wherever it grew.
	Volumes []report.XY
}

// Load reads a run directory without locking it.
func Load(dir string) (*Stored, error) {
	s := &Stored{Dir: dir}
	var err error
	if s.Manifest, err = runstore.ReadManifest(dir); err != nil {
		return nil, err
	}
	if s.Config, err = config.Load(filepath.Join(dir, runstore.ConfigFile)); err != nil {
		return nil, err
	}
	if s.Expected, err = ExpectationOf(s.Config); err != nil {
		return nil, err
	}
	if s.Front, err = search.NewFront(s.Manifest.Objectives, s.Manifest.Reference); err != nil {
		return nil, fault.Errorf("results: %s: %w: restore the file", filepath.Join(dir, runstore.ManifestFile), err)
	}
	if err := s.readTrials(); err != nil {
		return nil, err
	}
	if m := s.Manifest; m.Status != search.StatusRunning.String() && s.Trials < m.Trials {
		return nil, fault.Errorf("results: %s holds %d of the %d trials that %s counts: it was cut off: restore it, "+
			"or search the rest again with nas run %s --resume --out %s", filepath.Join(dir, runstore.TrialsFile),
			s.Trials, m.Trials, runstore.ManifestFile, filepath.Join(dir, runstore.ConfigFile), dir)
	}
	if n := len(s.Volumes); n > 0 {
		s.Volumes = append(s.Volumes, report.XY{X: float64(s.Trials - s.Screened), Y: s.Volumes[n-1].Y})
	}
	if s.References, err = runstore.ReadReferences(dir); err != nil {
		return nil, err
	}
	s.Measured, err = runstore.ReadMeasured(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return s, nil
}

// readTrials goes through the trials, once.
func (s *Stored) readTrials() error {
	var keys []string
	for _, o := range s.Manifest.Objectives {
		keys = append(keys, o.Name)
	}
	column := func(key string) int { // of a key among those that are read
		i := slices.Index(keys, key)
		if i < 0 {
			i, keys = len(keys), append(keys, key)
		}
		return i
	}
	a, b := s.Axes()
	x, y := column(a.Name), column(b.Name)
	scored, valued := 0, make([]int, len(s.Manifest.Objectives)) // trials, and those that have each objective
	params, macs := column(runstore.KeyParams), column(runstore.KeyMACs)
	for t, err := range runstore.TrialViews(s.Dir, keys...) {
		if err != nil {
			return err
		}
		s.Trials++
		if t.Screened {
			s.Screened++
		}
		v := t.Values
		if !t.Failed && !t.Screened {
			scored++
			for i := range valued {
				if !math.IsNaN(v[i]) {
					valued[i]++
				}
			}
		}
		if a == OverTrials {
			v[x] = float64(t.ID)
		}
		if !t.Failed && !math.IsNaN(v[x]) && !math.IsNaN(v[y]) {
			s.Shown.Add(t.ID, t.ArchID, t.Arch, report.XY{X: v[x], Y: v[y]}, int64(v[params]), int64(v[macs]), t.Feasible())
		}
		if !t.Feasible() || !s.Front.Admits(v) {
			continue
		}
		trial, err := t.Trial()
		if err != nil {
			return err
		}
		if s.Front.Add(trial) {
			s.Volumes = append(s.Volumes, report.XY{X: float64(s.Trials - s.Screened), Y: s.Front.Hypervolume()})
		}
	}
	if i := slices.Index(valued, 0); i >= 0 && scored > 0 {
		return fault.Errorf("results: %s names the objective %.80q, which no trial has: restore it",
			filepath.Join(s.Dir, runstore.ManifestFile), s.Manifest.Objectives[i].Name)
	}
	return nil
}

// OverTrials is the axis that the only objective of a run is drawn against: the number of the trial. What it and the
// objective make a front of are the trials that were the best so far.
var OverTrials = search.Objective{Name: "trial", Direction: search.Minimize}

// Axes returns the two objectives that a plot shows: the first latency (or else the first
// objective), and accuracy (or else the second); of one objective, the trials and that.
func (s *Stored) Axes() (x, y search.Objective) {
	os := s.Manifest.Objectives
	if len(os) == 1 {
		return OverTrials, os[0]
	}
	x, y = os[0], os[1]
	for _, o := range os {
		if o.Name == runstore.KeyAccuracy {
			y = o
		}
	}
	if x == y {
		x = os[1]
	}
	for i := len(os) - 1; i >= 0; i-- {
		if runstore.IsLatency(os[i].Name) && os[i] != y {
			x = os[i]
		}
	}
	return x, y
}

// valueOf is the value of a trial on an axis; NaN where it has none.
func valueOf(t *search.Trial, axis search.Objective) float64 {
	if axis == OverTrials {
		return float64(t.ID)
	}
	return runstore.Number(&t.Result, axis.Name)
}

// ShownTrial is a trial as a page shows it; false if it failed or was not scored.
func ShownTrial(t *search.Trial, x, y search.Objective) (html.Trial, bool) {
	number := func(key string) float64 { return runstore.Number(&t.Result, key) }
	q := html.Trial{
		ID: t.ID, ArchID: t.ArchID, Arch: t.Arch, X: valueOf(t, x), Y: valueOf(t, y),
		Params: int64(number(runstore.KeyParams)), MACs: int64(number(runstore.KeyMACs)), Feasible: t.Feasible(),
	}
	return q, t.Failed == "" && !math.IsNaN(q.X) && !math.IsNaN(q.Y)
}

// DeviceOf names the device of a latency objective; "" for any other.
func (s *Stored) DeviceOf(o search.Objective) string {
	if !runstore.IsLatency(o.Name) {
		return ""
	}
	if _, name, ok := strings.Cut(o.Name, "@"); ok {
		return s.Manifest.Devices[name]
	}
	return s.Manifest.Device
}

// HasObjective reports whether the value with that key was an objective of the run.
func (s *Stored) HasObjective(key string) bool {
	return slices.ContainsFunc(s.Manifest.Objectives, func(o search.Objective) bool { return o.Name == key })
}

// TakesAccuracies returns an error for a run in which less of the accuracy is better: a table of trained networks holds
// accuracies.
func (s *Stored) TakesAccuracies() error {
	for _, o := range s.Manifest.Objectives {
		if o.Name == runstore.KeyAccuracy && o.Direction != search.Maximize {
			return config.Usagef("%s trained its networks for %s: a table of trained networks holds accuracies, of which more "+
				"is better", s.Dir, s.Manifest.Score.Label)
		}
	}
	return nil
}

// ScaleName names what accuracy was scored with, for people. Ranks are among the networks of one space.
func (s *Stored) ScaleName() string {
	name := s.Manifest.Score.Label
	if s.Manifest.ScaleID != "" {
		name += " in the space of " + s.Config.Name + ".toml"
	}
	return name
}

// SameScale reports whether the scores of two runs can stand beside each other.
func SameScale(a, b *runstore.Manifest) bool {
	return a.ScaleID == b.ScaleID && a.Score.Spec == b.Score.Spec
}

// Expectation returns what to expect of the accuracy of a network that was selected for its score,
// in per cent; NaN where nothing is known.
type Expectation func(*search.Result) float64

// Of is e of a result; NaN if e is nil.
func (e Expectation) Of(r *search.Result) float64 {
	if e == nil {
		return math.NaN()
	}
	return e(r)
}

// ExpectationOf is that of the scores of a config.
func ExpectationOf(c *config.Config) (Expectation, error) {
	if c.Accuracy.Proxy != "imagenet" {
		return func(*search.Result) float64 { return math.NaN() }, nil
	}
	e, err := accuracy.NewImageNet(c.Accuracy.Recipe)
	if err != nil {
		return nil, err
	}
	return func(r *search.Result) float64 {
		v := runstore.FieldOf(runstore.KeyAccuracy).Of(r)
		return e.Expected(v.Mid, v.Low, v.High, runstore.Number(r, runstore.KeyMACs))
	}, nil
}
