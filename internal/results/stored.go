package results

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"

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
	Shown      html.Trials // those with a value on both axes; none in a run of one objective
	Front      *search.Front
	References []runstore.Reference
	Measured   []runstore.MeasuredRow
	Told       *Told // nil: by the run's own score
	volumes    []report.XY
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
	if s.Front, err = search.NewFront(s.Manifest.Objectives, s.Manifest.Reference); err != nil {
		return nil, err
	}
	if err := s.readTrials(); err != nil {
		return nil, err
	}
	if m := s.Manifest; m.Status != search.StatusRunning.String() && s.Trials < m.Trials {
		return nil, fault.Errorf("results: %s holds %d of the %d trials that %s counts: it was cut off: restore it, "+
			"or search the rest again with nas run %s --resume --out %s", filepath.Join(dir, runstore.TrialsFile),
			s.Trials, m.Trials, runstore.ManifestFile, filepath.Join(dir, runstore.ConfigFile), dir)
	}
	if n := len(s.volumes); n > 0 {
		s.volumes = append(s.volumes, report.XY{X: float64(s.Trials - s.Screened), Y: s.volumes[n-1].Y})
	}
	if s.References, err = runstore.ReadReferences(dir); err != nil {
		return nil, err
	}
	s.Measured, err = runstore.ReadMeasured(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: delete the file, the run is then drawn without measurements", err)
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
	x, y := -1, -1
	if a, b, err := s.axes(); err == nil {
		x, y = column(a.Name), column(b.Name)
	}
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
		if x >= 0 && !t.Failed && !math.IsNaN(v[x]) && !math.IsNaN(v[y]) {
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
			s.volumes = append(s.volumes, report.XY{X: float64(s.Trials - s.Screened), Y: s.Front.Hypervolume()})
		}
	}
	return nil
}

// axes returns the two objectives that a plot shows: the first latency (or else the first
// objective), and accuracy (or else the second).
func (s *Stored) axes() (x, y search.Objective, err error) {
	os := s.Manifest.Objectives
	if len(os) < 2 {
		return x, y, fault.Errorf("results: %s has one objective: there is no front to draw", s.Dir)
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
	return x, y, nil
}

// deviceOf names the device of a latency objective; "" for any other.
func (s *Stored) deviceOf(o search.Objective) string {
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

// scale names what accuracy was scored with, for people. Ranks are among the networks of one space.
func (s *Stored) scale() string {
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
