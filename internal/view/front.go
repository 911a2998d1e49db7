package view

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"nas/internal/config"
	"nas/internal/plural"
	"nas/internal/report"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Front draws the front of one run or several over each other. They must share objectives, and the
// scale of the accuracy score; the latency may be that of another device each.
func Front(runs ...*results.Stored) (report.Fronts, error) {
	first := runs[0]
	x, y := first.Axes()
	f := report.Fronts{Title: titleOf(runs), X: axisOf(first, x), Y: axisOf(first, y), Unfit: unfitOf(first)}
	oneDevice, err := comparable(runs)
	if err != nil {
		return f, err
	}
	if !oneDevice {
		f.X.Label = "predicted latency in ms, of the device that each run names"
	}
	names := seriesNames(runs)
	for i, s := range runs {
		x, y := s.Axes()
		q := seriesOf(s, x, y)
		if len(runs) > 1 {
			q.Name = names[i]
		}
		if !oneDevice {
			q.Name += ": " + s.DeviceOf(x)
		}
		f.Series = append(f.Series, q)
	}
	if len(runs) == 1 {
		switch {
		case x == results.OverTrials:
			f.Picks = bestOf(f.Series[0].Front, y)
		case runstore.IsLatency(x.Name) && y.Name == runstore.KeyAccuracy:
			f.Picks = namedMembers(f.Series[0].Front, y)
		}
		if first.Screened > 0 {
			f.Notes = append(f.Notes, fmt.Sprintf("Not shown: %s candidates that broke a constraint before they were scored.",
				report.Thousands(first.Screened)))
		}
	}
	f.Subtitle = subtitleOf(first, len(runs))
	if oneDevice {
		f.References = referencePoints(first.References, x, y)
		f.Constraints = constraintsOf(first, x.Name, y.Name)
		f.Notes = append(f.Notes, referenceNotes(&f, runs, names[0])...)
	} else {
		f.Notes = append(f.Notes,
			"Limits and the networks of the literature are left out: they stand elsewhere on each device.")
	}
	f.Notes = append(f.Notes, notesOf(first, x)...)
	return f, nil
}

// comparable returns an error if the runs cannot share a plot, and whether their latency is that of one device.
func comparable(runs []*results.Stored) (oneDevice bool, err error) {
	first := runs[0]
	x, y := first.Axes()
	device := first.DeviceOf(x)
	oneDevice = true
	for _, s := range runs[1:] {
		sx, sy := s.Axes()
		if (sx.Name != x.Name && (device == "" || s.DeviceOf(sx) == "")) || sy.Name != y.Name ||
			x == results.OverTrials && s.DeviceOf(sy) != first.DeviceOf(y) {
			return false, config.Usagef("%s shows %s against %s, %s shows %s against %s: they cannot share a plot",
				first.Dir, x.Name, y.Name, s.Dir, sx.Name, sy.Name)
		}
		oneDevice = oneDevice && s.DeviceOf(sx) == device
	}
	for _, s := range runs[1:] {
		if !results.SameScale(&s.Manifest, &first.Manifest) {
			return false, config.Usagef("accuracy is another thing in %s (%s) and in %s (%s): draw each for itself",
				first.Dir, first.ScaleName(), s.Dir, s.ScaleName())
		}
	}
	return oneDevice, nil
}

// seriesOf is the trials and the front of one run.
func seriesOf(s *results.Stored, x, y search.Objective) report.Series {
	q := report.Series{Name: "front"}
	for i := range s.Shown.Len() {
		if p, feasible := s.Shown.Point(i); feasible {
			q.Trials = append(q.Trials, p)
		} else {
			q.Infeasible = append(q.Infeasible, p)
		}
	}
	if x == results.OverTrials {
		q.Name, q.Front = "best so far", bestSoFar(s, y)
		return q
	}
	for _, t := range s.Front.Trials() {
		p := point(func(f runstore.Field) runstore.Value { return f.Of(&t.Result) }, x, y)
		q.Front = append(q.Front, p)
		if y.Name == runstore.KeyAccuracy {
			q.Expected = append(q.Expected, report.XY{X: p.X, Y: s.Expected.Of(&t.Result)})
		}
	}
	return q
}

// bestSoFar are the feasible trials that were better than all before, in their order.
func bestSoFar(s *results.Stored, y search.Objective) (best []report.Point) {
	for i := range s.Shown.Len() {
		p, feasible := s.Shown.Point(i)
		if feasible && (len(best) == 0 || results.Better(y, p.Y, best[len(best)-1].Y)) {
			best = append(best, report.Point{X: p.X, Y: p.Y})
		}
	}
	return best
}

// bestOf names the last of the trials that were the best so far.
func bestOf(best []report.Point, y search.Objective) []report.Reference {
	if len(best) == 0 {
		return nil
	}
	p := best[len(best)-1]
	return []report.Reference{{Label: fmt.Sprintf("trial %.0f: %.4g", p.X, p.Y), Point: p}}
}

// namedMembers are the members of a front that a run exports.
func namedMembers(front []report.Point, y search.Objective) (named []report.Reference) {
	order := slices.Clone(front)
	slices.SortStableFunc(order, func(a, b report.Point) int { return cmp.Compare(a.X, b.X) })
	points := make([][2]float64, len(order))
	for i, p := range order {
		points[i] = [2]float64{p.X, p.Y}
	}
	for _, k := range results.NamedPicks(points, y) {
		named = append(named, report.Reference{Label: strings.ReplaceAll(k.Name, "_", " "), Point: order[k.Member]})
	}
	return named
}

// unfitOf says what the trials of a run are that are on no front; "" where they only broke constraints.
func unfitOf(s *results.Stored) string {
	if s.Config.Accuracy.Evaluator == "" {
		return ""
	}
	return "not trained to the end"
}

// notesOf are what a reader of the front has to know.
func notesOf(s *results.Stored, x search.Objective) (notes []string) {
	if s.Told != nil {
		notes = append(notes, s.Told.Note())
	}
	if unfitOf(s) != "" {
		notes = append(notes, "Networks that were not trained to the end stand at what their last rung lets expect of it.")
	}
	if blind := s.Manifest.Score.Blind; len(blind) > 0 {
		notes = append(notes, "The score cannot see "+strings.Join(blind, ", ")+": there the search takes what is cheapest.")
	}
	if slices.ContainsFunc(s.References, func(r runstore.Reference) bool { return r.Family == runstore.PublishedFamily }) {
		notes = append(notes, "The networks with published accuracy stand at their predicted cost. A front is selected "+
			"for high estimates, and what is expected of it is therefore lower.")
	}
	if runstore.IsLatency(x.Name) {
		bars := "Thin bars: 90 % intervals of what is predicted."
		if len(s.References) > 0 {
			bars += " Numbers beside the networks of the literature: their width."
		}
		notes = append(notes, bars)
	}
	return notes
}

// referencePoints are the references that have a value on both axes.
// Of those that stand at their published accuracy only the frontier counts.
func referencePoints(rs []runstore.Reference, x, y search.Objective) (out []report.Reference) {
	front, err := search.NewFront([]search.Objective{x, y}, nil)
	if err != nil {
		return nil
	}
	for i := range rs {
		p := point(rs[i].Value, x, y)
		if math.IsNaN(p.X) || math.IsNaN(p.Y) {
			continue
		}
		if rs[i].Family == runstore.PublishedFamily {
			values := map[string]float64{x.Name: p.X, y.Name: p.Y}
			front.Add(search.Trial{ID: i, Result: search.Result{Objectives: values}})
			continue
		}
		out = append(out, report.Reference{Group: rs[i].Family, Label: rs[i].Label, Point: p})
	}
	for _, t := range front.Trials() {
		r := &rs[t.ID]
		out = append(out, report.Reference{
			Group: r.Family, Label: r.Label, Published: true, Point: point(r.Value, x, y),
		})
	}
	return out
}

// referenceNotes leaves references that lie too far out of the figure, and says so. named is the
// run whose references are shown.
func referenceNotes(f *report.Fronts, runs []*results.Stored, named string) (notes []string) {
	first := runs[0]
	if far := withoutFar(f); far > 0 {
		notes = append(notes, fmt.Sprintf("Not shown: networks of the literature at more than twice the %s of all that "+
			"was tried, and better than all of it (%d).", cmp.Or(f.X.Name, f.X.Label), far))
	}
	switch in, head := first.Config.Space.Input, first.Config.Space.Head.Kind; {
	case len(first.References) > 0:
	case head != space.Classifier.String():
		notes = append(notes, fmt.Sprintf("No reference networks: those of the literature are classifiers, these end in %s.",
			head))
	case in[2] != 3 || min(in[0], in[1]) < 16:
		notes = append(notes, fmt.Sprintf("No reference networks: those of the literature do not take inputs of %dx%dx%d.",
			in[0], in[1], in[2]))
	}
	differ := func(s *results.Stored) bool { return !reflect.DeepEqual(s.References, first.References) }
	if slices.ContainsFunc(runs, differ) {
		notes = append(notes, "The runs have profiles of their own; limits and the networks of the literature stand "+
			"where that of "+named+" has them.")
	}
	return notes
}

// withoutFar leaves out, and counts, the references that a small space has nothing to set against:
// drawn, they would squeeze its front into a corner.
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
func titleOf(runs []*results.Stored) string {
	var names []string
	for _, s := range runs {
		if !slices.Contains(names, s.Config.Name) {
			names = append(names, s.Config.Name)
		}
	}
	return strings.Join(names, ", ")
}

// seriesNames are the last parts of the runs' directories, or the whole paths where these are equal.
func seriesNames(runs []*results.Stored) []string {
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

func subtitleOf(s *results.Stored, runs int) string {
	if runs > 1 {
		return plural.Of(runs, "run")
	}
	in, found := s.Config.Space.Input, fmt.Sprintf("front of %d", s.Front.Len())
	if len(s.Manifest.Objectives) == 1 {
		found = "the best is marked"
	}
	return fmt.Sprintf("%s trials, %s; input up to %dx%d, %d classes, seed %d",
		report.Thousands(s.Trials), found, in[0], in[1], s.Config.Space.Classes, s.Manifest.Seed)
}

// constraintsOf are those on the axes. Their bounds are in the manifest, because a limit such as "1.2
// mobilenet_v2" needs the models to be turned into a number.
func constraintsOf(s *results.Stored, x, y string) (out []report.Constraint) {
	for _, l := range s.Manifest.Limits {
		if l.Key == x || l.Key == y {
			label := "limit: " + l.Text
			if factor, network, ok := strings.Cut(l.Text, " "); ok && runstore.IsLatency(l.Key) {
				label = fmt.Sprintf("limit: %s x %s = %.3g ms", factor, network, l.Bound)
			}
			out = append(out, report.Constraint{OnY: l.Key == y, Value: l.Bound, Label: label})
		}
	}
	return out
}

// axisOf describes an objective for people.
func axisOf(s *results.Stored, o search.Objective) report.Axis {
	a := report.Axis{Maximize: o.Direction == search.Maximize}
	switch {
	case o == results.OverTrials:
		a.Label, a.Name = "trial", "trial"
	case runstore.IsLatency(o.Name):
		a.Label = "predicted latency in ms: " + s.DeviceOf(o)
		a.Name, a.Unit, a.Log = "latency", "ms", true
	case o.Name == runstore.KeyAccuracy:
		a.Label, a.Name = s.Manifest.Score.Label, "score"
		if s.Manifest.Score.Percent() {
			a.Name, a.Unit = "top-1", "%"
		}
		if s.Config.Accuracy.Evaluator != "" { // top-1, a loss, a mean IoU: the recipe says what it is
			name, _, _ := strings.Cut(a.Label, "(")
			name, _, _ = strings.Cut(name, ", ") // not the comma in 6,000
			a.Name = cmp.Or(strings.TrimSpace(name), a.Label)
		}
	case o.Name == runstore.KeyMACs:
		a.Label, a.Log = "multiply-accumulates", true
	case o.Name == runstore.KeyParams:
		a.Label, a.Log = "parameters", true
	default:
		a.Label, a.Log = strings.ReplaceAll(o.Name, "_", " "), true
	}
	return a
}

// point is a network on the axes of a plot, with its intervals; of is its value of an objective.
func point(of func(runstore.Field) runstore.Value, x, y search.Objective) report.Point {
	a, b := of(runstore.FieldOf(x.Name)), of(runstore.FieldOf(y.Name))
	p := report.Point{X: a.Mid, Y: b.Mid}
	if a.HasInterval() {
		p.XLow, p.XHigh = a.Low, a.High
	}
	if b.HasInterval() {
		p.YLow, p.YHigh = b.Low, b.High
	}
	return p
}
