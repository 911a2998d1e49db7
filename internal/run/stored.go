package run

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"nas/internal/config"
	"nas/internal/jsonfile"
	"nas/internal/report"
	"nas/internal/report/html"
	"nas/internal/runstore"
	"nas/search"
)

// Stored is a run as its directory holds it, finished or not: what plots and
// reports are made of. Of trials that are not on the front it holds what a page
// shows; [runstore.ReadTrials] and [runstore.Glances] have the rest.
type Stored struct {
	Dir        string
	Manifest   runstore.Manifest
	Config     *config.Config
	Trials     int         // stored
	Screened   int         // of them, those that broke a constraint before they were scored
	Shown      html.Trials // those with a place on the axes; none in a run of one objective
	Front      *search.Front
	References []Reference
	Measured   []runstore.MeasuredRow
	growth     []report.XY
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
	if err := s.read(); err != nil {
		return nil, err
	}
	if m := s.Manifest; m.Status != search.StatusRunning.String() && s.Trials < m.Trials {
		return nil, fmt.Errorf("run: %s holds %d of the %d trials that %s counts: it was cut off: restore it, or search the rest again with nas run %s --resume --out %s",
			filepath.Join(dir, runstore.TrialsFile), s.Trials, m.Trials, runstore.ManifestFile, filepath.Join(dir, runstore.ConfigFile), dir)
	}
	if n := len(s.growth); n > 0 {
		s.growth = append(s.growth, report.XY{X: float64(s.Trials - s.Screened), Y: s.growth[n-1].Y})
	}
	data, err := os.ReadFile(filepath.Join(dir, ReferencesFile))
	if err == nil {
		err = jsonfile.Decode(data, &s.References)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		path := filepath.Join(dir, ReferencesFile)
		return nil, fmt.Errorf("run: %s: %w: delete it, the run is then drawn without the reference networks", path, err)
	}
	s.Measured, err = runstore.ReadMeasured(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: delete the file, the run is then drawn without measurements", err)
	}
	return s, nil
}

// read goes through the trials, once.
func (s *Stored) read() error {
	var keys []string
	for _, o := range s.Manifest.Objectives {
		keys = append(keys, o.Name)
	}
	place := func(key string) int {
		i := slices.Index(keys, key)
		if i < 0 {
			i, keys = len(keys), append(keys, key)
		}
		return i
	}
	x, y := -1, -1
	if a, b, err := s.axes(); err == nil {
		x, y = place(a.Name), place(b.Name)
	}
	params, macs := place(keyParams), place(keyMACs)
	for g, err := range runstore.Glances(s.Dir, keys...) {
		if err != nil {
			return err
		}
		s.Trials++
		if g.Screened {
			s.Screened++
		}
		v := g.Values
		if x >= 0 && !g.Failed && !math.IsNaN(v[x]) && !math.IsNaN(v[y]) {
			s.Shown.Add(g.ID, g.ArchID, g.Arch, report.XY{X: v[x], Y: v[y]}, int64(v[params]), int64(v[macs]), g.Feasible())
		}
		if !g.Feasible() || !s.Front.Admits(v) {
			continue
		}
		t, err := g.Trial()
		if err != nil {
			return err
		}
		if s.Front.Add(t) {
			s.growth = append(s.growth, report.XY{X: float64(s.Trials - s.Screened), Y: s.Front.Hypervolume()})
		}
	}
	return nil
}

// axes returns the two objectives that a plot shows: the first latency (or else
// the first objective), and accuracy (or else the second).
func (s *Stored) axes() (x, y search.Objective, err error) {
	os := s.Manifest.Objectives
	if len(os) < 2 {
		return x, y, fmt.Errorf("run: %s has one objective: there is no front to draw", s.Dir)
	}
	x, y = os[0], os[1]
	for _, o := range os {
		if o.Name == keyAccuracy {
			y = o
		}
	}
	if x == y {
		x = os[1]
	}
	for i := len(os) - 1; i >= 0; i-- {
		if strings.HasPrefix(os[i].Name, keyLatency) && os[i] != y {
			x = os[i]
		}
	}
	return x, y, nil
}

// axis describes an objective for people.
func (s *Stored) axis(o search.Objective) report.Axis {
	a := report.Axis{Maximize: o.Direction == search.Maximize}
	switch {
	case strings.HasPrefix(o.Name, keyLatency):
		a.Label = "predicted latency in ms: " + s.deviceOf(o)
		a.Name, a.Unit, a.Log = "latency", "ms", true
	case o.Name == keyAccuracy:
		a.Label, a.Name = s.Manifest.Notes["score"], "score"
		if strings.Contains(a.Label, "top-1 (%)") {
			a.Name, a.Unit = "top-1", "%"
		}
	case o.Name == keyMACs:
		a.Label, a.Log = "multiply-accumulates", true
	case o.Name == keyParams:
		a.Label, a.Log = "parameters", true
	default:
		a.Label, a.Log = strings.ReplaceAll(o.Name, "_", " "), true
	}
	return a
}

// deviceOf names the device of a latency objective; "" for any other.
func (s *Stored) deviceOf(o search.Objective) string {
	if !strings.HasPrefix(o.Name, keyLatency) {
		return ""
	}
	if _, name, ok := strings.Cut(o.Name, "@"); ok {
		return s.Manifest.Notes["device@"+name]
	}
	return s.Manifest.Device
}

// Figure draws the front of one run or several over each other. They must share
// objectives, and the scale of the accuracy score; the latency may be that of
// another device each.
func Figure(runs ...*Stored) (report.Fronts, error) {
	first := runs[0]
	x, y, err := first.axes()
	if err != nil {
		return report.Fronts{}, err
	}
	device := first.deviceOf(x)
	f := report.Fronts{Title: titleOf(runs), X: first.axis(x), Y: first.axis(y)}
	one := true // device
	for _, s := range runs[1:] {
		sx, sy, err := s.axes()
		if err != nil {
			return f, err
		}
		if (sx.Name != x.Name && (device == "" || s.deviceOf(sx) == "")) || sy.Name != y.Name {
			return f, &UsageError{fmt.Errorf("run: %s shows %s against %s, %s shows %s against %s: they cannot share a plot",
				first.Dir, x.Name, y.Name, s.Dir, sx.Name, sy.Name)}
		}
		one = one && s.deviceOf(sx) == device
	}
	if !one {
		f.X.Label = "predicted latency in ms, of the device that each run names"
	}
	names := seriesNames(runs)
	for i, s := range runs {
		x, y, _ := s.axes()
		if s.Manifest.ScaleID != first.Manifest.ScaleID || s.Manifest.Notes["accuracy"] != first.Manifest.Notes["accuracy"] {
			return f, &UsageError{fmt.Errorf("run: accuracy is another thing in %s (%s) and in %s (%s): draw each for itself",
				first.Dir, first.scale(), s.Dir, s.scale())}
		}
		q := report.Series{Name: "front"}
		if len(runs) > 1 {
			q.Name = names[i]
		}
		if !one {
			q.Name += ": " + s.deviceOf(x)
		}
		for i := range s.Shown.Len() {
			if p, feasible := s.Shown.Point(i); feasible {
				q.Trials = append(q.Trials, p)
			} else {
				q.Infeasible = append(q.Infeasible, p)
			}
		}
		for _, t := range s.Front.Trials() {
			q.Front = append(q.Front, point(func(key string) float64 { return value(&t, key) }, x.Name, y.Name))
		}
		if len(runs) == 1 && strings.HasPrefix(x.Name, keyLatency) && y.Name == keyAccuracy {
			f.Picks = namedMembers(q.Front)
		}
		f.Series = append(f.Series, q)
		if s.Screened > 0 && len(runs) == 1 {
			f.Notes = append(f.Notes, fmt.Sprintf("Not shown: %s candidates that broke a constraint before they were scored.", report.Thousands(s.Screened)))
		}
	}
	f.Subtitle = first.subtitle(len(runs))
	if one {
		f.References = classicPoints(first.References, x, y)
		f.Constraints = first.constraints(x.Name, y.Name)
		if far := withoutFar(&f); far > 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("Not shown: networks of the literature at more than twice the %[2]s of all that was tried, and better than all of it (%[1]d).", far, cmp.Or(f.X.Name, f.X.Label)))
		}
		if in := first.Config.Space.Input; len(first.References) == 0 && (in[2] != 3 || min(in[0], in[1]) < 16) {
			f.Notes = append(f.Notes, fmt.Sprintf("No reference networks: those of the literature do not take inputs of %dx%dx%d.", in[0], in[1], in[2]))
		}
		if slices.ContainsFunc(runs, func(s *Stored) bool { return !reflect.DeepEqual(s.References, first.References) }) {
			f.Notes = append(f.Notes, "The runs have profiles of their own; limits and the networks of the literature stand where that of "+names[0]+" has them.")
		}
	} else {
		f.Notes = append(f.Notes, "Limits and the networks of the literature are left out: they stand elsewhere on each device.")
	}
	f.Notes = append(f.Notes, first.notes(x)...)
	return f, nil
}

// namedMembers are the members of a front that a run exports.
func namedMembers(front []report.Point) (named []report.Reference) {
	order := slices.Clone(front)
	slices.SortStableFunc(order, func(a, b report.Point) int { return cmp.Compare(a.X, b.X) })
	points := make([][2]float64, len(order))
	for i, p := range order {
		points[i] = [2]float64{p.X, p.Y}
	}
	for _, k := range picksOf(points) {
		named = append(named, report.Reference{Label: strings.ReplaceAll(k.name, "_", " "), Point: order[k.member]})
	}
	return named
}

// notes are what a reader of the front has to know.
func (s *Stored) notes(x search.Objective) (notes []string) {
	if b := s.Manifest.Notes["blind"]; b != "" {
		notes = append(notes, "The score cannot see "+b+": there the search takes what is cheapest.")
	}
	if strings.HasPrefix(x.Name, keyLatency) {
		bars := "Thin bars: 90 % intervals of what is predicted."
		if len(s.References) > 0 {
			bars += " Numbers beside the networks of the literature: their width."
		}
		notes = append(notes, bars)
	}
	return notes
}

// classicPoints are the references that have a place on the axes.
func classicPoints(rs []Reference, x, y search.Objective) (out []report.Reference) {
	for _, r := range rs {
		get := func(key string) float64 {
			if v, ok := r.Values[key]; ok {
				return v
			}
			return math.NaN()
		}
		if p := point(get, x.Name, y.Name); !math.IsNaN(p.X) && !math.IsNaN(p.Y) {
			out = append(out, report.Reference{Group: r.Family, Label: r.Label, Point: p})
		}
	}
	return out
}

// withoutFar leaves out, and counts, the references that a small space has
// nothing to set against: drawn, they would squeeze its front into a corner.
func withoutFar(f *report.Fronts) int {
	if f.X.Maximize || !f.Y.Maximize {
		return 0
	}
	xMost, yBest := math.Inf(-1), math.Inf(-1)
	for _, s := range f.Series {
		for _, t := range s.Trials {
			xMost, yBest = max(xMost, t.X), max(yBest, t.Y)
		}
	}
	all := len(f.References)
	f.References = slices.DeleteFunc(f.References, func(r report.Reference) bool {
		return r.X > 2*xMost && r.Y > yBest
	})
	return all - len(f.References)
}

// titleOf joins the names of the runs' configs.
func titleOf(runs []*Stored) string {
	var names []string
	for _, s := range runs {
		if !slices.Contains(names, s.Config.Name) {
			names = append(names, s.Config.Name)
		}
	}
	return strings.Join(names, ", ")
}

// seriesNames are the last parts of the runs' directories, or the whole paths
// where these are equal.
func seriesNames(runs []*Stored) []string {
	count := map[string]int{}
	for _, s := range runs {
		count[filepath.Base(s.Dir)]++
	}
	out := make([]string, len(runs))
	for i, s := range runs {
		if out[i] = filepath.Base(s.Dir); count[out[i]] > 1 {
			out[i] = s.Dir
		}
	}
	return out
}

func (s *Stored) subtitle(runs int) string {
	if runs > 1 {
		return fmt.Sprintf("%d runs", runs)
	}
	in := s.Config.Space.Input
	return fmt.Sprintf("%s trials, front of %d; input up to %dx%d, %d classes, seed %d", report.Thousands(s.Trials), s.Front.Len(), in[0], in[1],
		s.Config.Space.Classes, s.Manifest.Seed)
}

// constraints are those on the axes. Their bounds are in the manifest, because a
// limit such as "1.2 mobilenet_v2" needs the models to be turned into a number.
func (s *Stored) constraints(x, y string) (out []report.Constraint) {
	for _, l := range s.Manifest.Limits {
		if l.Key == x || l.Key == y {
			label := "limit: " + l.Text
			if factor, network, ok := strings.Cut(l.Text, " "); ok && strings.HasPrefix(l.Key, keyLatency) {
				label = fmt.Sprintf("limit: %s x %s = %.3g ms", factor, network, l.Bound)
			}
			out = append(out, report.Constraint{OnY: l.Key == y, Value: l.Bound, Label: label})
		}
	}
	return out
}

// value is a trial's objective or part; NaN if it has neither.
func value(t *search.Trial, key string) float64 {
	if v, ok := t.Objectives[key]; ok {
		return v
	}
	if v, ok := t.Parts[key]; ok {
		return v
	}
	return math.NaN()
}

func point(get func(string) float64, x, y string) report.Point {
	p := report.Point{X: get(x), Y: get(y)}
	if lo, hi := get(x+"_low"), get(x+"_high"); lo < hi {
		p.XLow, p.XHigh = lo, hi
	}
	if lo, hi := get(y+"_low"), get(y+"_high"); lo < hi {
		p.YLow, p.YHigh = lo, hi
	}
	return p
}

// scale names what accuracy was scored with, for people. Ranks are among the
// networks of one space.
func (s *Stored) scale() string {
	name := s.Manifest.Notes["score"]
	if s.Manifest.ScaleID != "" {
		name += " in the space of " + s.Config.Name + ".toml"
	}
	return name
}

// searcher is the algorithm with its settings; the objectives stand on the axes.
func (s *Stored) searcher() string {
	settings, _, cut := strings.Cut(s.Manifest.Algorithm, ", objectives=[")
	if cut {
		settings += ")"
	}
	return settings
}

// Growth draws the hypervolume over one run or several.
func Growth(runs ...*Stored) report.Growth {
	g := report.Growth{Title: titleOf(runs) + ": hypervolume", YLabel: runs[0].hypervolumeLabel(),
		Notes: []string{"Hypervolume: what the front dominates, from the worst of a random sample of the space on. More is better."}}
	if len(runs) == 1 {
		g.Subtitle = runs[0].searcher()
	}
	names := seriesNames(runs)
	for i, s := range runs {
		g.Series = append(g.Series, report.GrowthSeries{Name: names[i], Points: s.growth})
		if !slices.Equal(s.Manifest.Reference, runs[0].Manifest.Reference) && len(g.Notes) == 1 {
			g.Notes = append(g.Notes, "The runs have different reference points: compare shapes, not levels.")
		}
	}
	return g
}

// hypervolumeLabel names hypervolume with its unit, that of the objectives' product.
func (s *Stored) hypervolumeLabel() string {
	var units []string
	for _, o := range s.Manifest.Objectives {
		unit := o.Unit
		if o.Name == keyAccuracy {
			unit = "score"
			if a := s.axis(o); a.Unit != "" {
				unit = a.Unit
			}
		}
		units = append(units, cmp.Or(unit, o.Name))
	}
	return "hypervolume, " + strings.Join(units, " x ")
}

// Agreement draws predicted against measured latency of the front.
func (s *Stored) Agreement() report.Agreement {
	a := report.Agreement{Title: s.Config.Name + ": the front, predicted and measured", Quantity: "latency in ms (" + s.Manifest.Device + ")"}
	q := report.AgreementSeries{Name: "members of the front"}
	for _, r := range s.Measured {
		q.Points = append(q.Points, report.Prediction{Measured: r.MeasuredMs, Predicted: r.PredictedMs, Low: r.LowMs, High: r.HighMs})
	}
	a.Series = append(a.Series, q)
	return a
}
