package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
	"nas/search/pareto"
)

// A Picked is a member of a stored front and why it was chosen.
type Picked struct {
	search.Trial
	Why string
	// Expected is the accuracy to expect of a network that was selected, per cent; NaN if unknown.
	Expected float64
}

// A PickRule chooses members of a front.
type PickRule interface {
	pick(f *frontView) ([]Picked, error)
}

// The rules.
type (
	// WithinBudget is the best by the second axis of the plot (accuracy, where it
	// is an objective) among the members whose latency is at most Ms. With Sure the
	// upper end of the latency's interval must be within the budget too.
	WithinBudget struct {
		Ms   float64
		Sure bool
	}
	// AtKnee is the member where the front bends most: see [search.Knee].
	AtKnee struct{}
	// ByHypervolume are the N members that together dominate most: the choice that
	// loses least when a front has to be shown by N networks.
	ByHypervolume struct{ N int }
	// ByWeights is the smallest weighted sum of objectives, each scaled to 0..1 over
	// the front with 0 the best. Keys are names of objectives as a config has them.
	// Such a sum can only reach members on the convex hull of the front.
	ByWeights map[string]float64
)

// Pick applies a rule to the front of a run.
func (s *Stored) Pick(rule PickRule) ([]Picked, error) {
	f := &frontView{run: s, objectives: s.Manifest.Objectives, members: s.Front.Trials()}
	if len(f.members) == 0 {
		return nil, config.Usagef("the front of %s is empty: there is nothing to pick", s.Dir)
	}
	for i := range f.members {
		p := make([]float64, len(f.objectives))
		for k, o := range f.objectives {
			if p[k] = f.members[i].Objectives[o.Name]; o.Direction == search.Maximize {
				p[k] = -p[k]
			}
		}
		f.costs = append(f.costs, p)
	}
	return rule.pick(f)
}

// frontView is a front as the rules see it.
type frontView struct {
	run        *Stored
	objectives []search.Objective
	members    []search.Trial
	costs      [][]float64 // to be minimised
}

// figure writes a member's value of an objective with its unit.
func (f *frontView) figure(m int, o search.Objective) string {
	v := f.members[m].Objectives[o.Name]
	switch {
	case runstore.IsLatency(o.Name):
		return fmt.Sprintf("%.4g ms", v)
	case o.Name == runstore.KeyAccuracy:
		source := f.run.Told.source(f.members[m].ID, f.members[m].ArchID)
		if c := f.run.Config; c != nil && c.Accuracy.Evaluator != "" {
			figure := fmt.Sprintf("%.4g", v)
			if f.run.Manifest.Score.Percent() {
				figure = fmt.Sprintf("%.2f", v)
			}
			return fmt.Sprintf("%s (%s, trained%s)", figure, f.run.Manifest.Score.Label, f.certainty(m))
		}
		if f.run.Manifest.Score.Percent() {
			return fmt.Sprintf("top-1 %.2f %% (%s%s)", v, cmp.Or(source, "estimated"), f.certainty(m))
		}
		if source != "" {
			source = " (" + source + ")"
		}
		return fmt.Sprintf("score %.4g%s", v, source)
	}
	return fmt.Sprintf("%s %.4g", strings.ReplaceAll(o.Name, "_", " "), v)
}

// certainty is what else is known of a member's accuracy: its interval, and what to expect after
// selection.
func (f *frontView) certainty(m int) (text string) {
	r := &f.members[m].Result
	if v := runstore.FieldOf(runstore.KeyAccuracy).Of(r); v.HasInterval() {
		form := ", 90 %% interval %.4g to %.4g"
		if f.run.Manifest.Score.Percent() {
			form = ", 90 %% interval %.1f to %.1f"
		}
		text = fmt.Sprintf(form, v.Low, v.High)
	}
	if v := f.run.Expected.Of(r); !math.IsNaN(v) {
		text += fmt.Sprintf(", %.1f expected after selection", v)
	}
	return text
}

func (f *frontView) figures(m int) string {
	figures := make([]string, len(f.objectives))
	for k, o := range f.objectives {
		figures[k] = f.figure(m, o)
	}
	return strings.Join(figures, ", ")
}

// choose returns the member with that index as picked.
func (f *frontView) choose(m int, why string) Picked {
	t := f.members[m]
	for _, w := range runstore.AccuracyWarning.Warnings(t.Warnings) {
		why += "; accuracy: " + w
	}
	return Picked{t, why, f.run.Expected.Of(&t.Result)}
}

func (r WithinBudget) pick(f *frontView) ([]Picked, error) {
	x, y := f.run.Axes()
	if x == OverTrials { // of one objective: of the best
		x = search.Objective{Name: runstore.LatencyKey(f.run.Config.Latency.Profile.Names()[0])}
	}
	if !runstore.IsLatency(x.Name) {
		return nil, config.Usagef("latency is no objective of %s: a budget for it has nothing to choose by",
			f.run.Dir)
	}
	if !(r.Ms > 0) {
		return nil, config.Usagef("a latency budget of %v ms: want more than 0", r.Ms)
	}
	latency := make([]runstore.Value, len(f.members))
	needs := make([]float64, len(f.members)) // what is held against the budget, ms
	for i := range f.members {
		latency[i] = runstore.FieldOf(x.Name).Of(&f.members[i].Result)
		if needs[i] = latency[i].Mid; r.Sure && !math.IsNaN(latency[i].High) {
			needs[i] = latency[i].High
		}
	}
	isBetter := func(a, b int) bool {
		return Better(y, f.members[a].Objectives[y.Name], f.members[b].Objectives[y.Name])
	}
	best, next, within := -1, -1, 0 // next: the fastest of those beyond the budget
	for i := range f.members {
		if needs[i] > r.Ms {
			if next < 0 || needs[i] < needs[next] {
				next = i
			}
			continue
		}
		within++
		if best < 0 || isBetter(i, best) {
			best = i
		}
	}
	if best < 0 {
		return nil, config.Usagef("no member of the front of %s is within %.4g ms: "+
			"the fastest, trial %d, needs %.4g ms", f.run.Dir, r.Ms, f.members[next].ID, needs[next])
	}
	meant := "by their predicted latency"
	if r.Sure {
		meant = "by the upper end of their 90 % interval"
	}
	why := fmt.Sprintf("of %d members of the front, %d are within %.4g ms %s; of these it is the best: %s",
		len(f.members), within, r.Ms, meant, f.figures(best))
	if next >= 0 && isBetter(next, best) {
		why += fmt.Sprintf("; trial %d, just beyond the budget, would give %s", f.members[next].ID, f.figure(next, y))
	}
	if high := latency[best].High; high > r.Ms {
		why += fmt.Sprintf("; its interval reaches %.4g ms, beyond the budget", high)
	}
	for _, m := range f.run.Measured {
		if m.ID == f.members[best].ID {
			why += fmt.Sprintf("; it was measured at %.4g ms", m.MeasuredMs)
		}
	}
	return []Picked{f.choose(best, why)}, nil
}

func (AtKnee) pick(f *frontView) ([]Picked, error) {
	if len(f.objectives) == 1 {
		best, _ := f.leastSum([]float64{1}, 1)
		return []Picked{f.choose(best, fmt.Sprintf("the run has one objective: the best of %d trials; %s",
			f.run.Trials, f.figures(best)))}, nil
	}
	k := search.Knee(f.costs)
	far := "farthest from the line through the best of each"
	if len(f.objectives) > 2 {
		far = "nearest to the best of all"
	}
	return []Picked{f.choose(k, fmt.Sprintf("the front of %d bends most here: with every objective scaled to 0..1 "+
		"over the front, it is %s; %s", len(f.members), far, f.figures(k)))}, nil
}

func (r ByHypervolume) pick(f *frontView) ([]Picked, error) {
	if r.N < 1 {
		return nil, config.Usagef("%d members by hypervolume: want 1 or more", r.N)
	}
	ref := make([]float64, len(f.objectives))
	for k, o := range f.objectives {
		if ref[k] = f.run.Manifest.Reference[k]; o.Direction == search.Maximize {
			ref[k] = -ref[k]
		}
	}
	all := search.Hypervolume(slices.Clone(f.costs), ref)
	if all == 0 {
		return nil, config.Usagef("no member of the front of %s is better than the worst of the reference sample "+
			"in every objective: choose by --knee or --weights", f.run.Dir)
	}
	chosen := pareto.Subset(f.costs, ref, min(r.N, len(f.members)))
	var points [][]float64
	for _, m := range chosen {
		points = append(points, f.costs[m])
	}
	sum := search.Hypervolume(slices.Clone(points), ref)
	without := search.Contributions(points, ref)
	var out []Picked
	for i, m := range chosen {
		out = append(out, f.choose(m, fmt.Sprintf("one of %d that together hold %.1f %% of the front's hypervolume; "+
			"%.1f %% would be lost without it; %s", len(chosen), 100*sum/all, 100*without[i]/all, f.figures(m))))
	}
	return out, nil
}

func (w ByWeights) pick(f *frontView) ([]Picked, error) {
	weights := make([]float64, len(f.objectives))
	var names []string
	total := 0.0
	for k, o := range f.objectives {
		name := configName(o.Name)
		names = append(names, name)
		weights[k] = w[name]
		total += weights[k]
	}
	for name, v := range w {
		if !slices.Contains(names, name) {
			return nil, config.Usagef("weight of %q: want an objective of the run: %s", name, strings.Join(names, ", "))
		}
		if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, config.Usagef("weight %s = %v: want 0 or more", name, v)
		}
	}
	if total == 0 {
		return nil, config.Usagef("every weight is 0: want one above 0, of %s", strings.Join(names, ", "))
	}
	best, least := f.leastSum(weights, total)
	var terms []string
	for k, name := range names {
		if weights[k] > 0 {
			terms = append(terms, fmt.Sprintf("%.3g x %s", weights[k]/total, name))
		}
	}
	return []Picked{f.choose(best, fmt.Sprintf("of %d members, the least %s (each scaled to 0..1 over the front, "+
		"0 the best): %.3f; %s", len(f.members), strings.Join(terms, " + "), least, f.figures(best)))}, nil
}

// leastSum finds the member with the least sum of its costs, each scaled to 0..1 over the front and weighted.
func (f *frontView) leastSum(weights []float64, total float64) (best int, least float64) {
	least = math.Inf(1)
	for i, p := range f.costs {
		sum := 0.0
		for k, w := range weights {
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, q := range f.costs {
				lo, hi = min(lo, q[k]), max(hi, q[k])
			}
			if hi > lo {
				sum += w / total * (p[k] - lo) / (hi - lo)
			}
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return best, least
}

// configName is an objective's name in search.objectives.
func configName(key string) string {
	switch key {
	case runstore.KeyActivations:
		return "activation_bytes"
	}
	if rest, ok := strings.CutPrefix(key, runstore.KeyLatency); ok {
		return "latency" + rest
	}
	return key
}

// NamedPick is a member of a front that every run exports.
type NamedPick struct {
	Name   string
	Member int // index into the front
}

// NamedPicks chooses from a front of (latency, accuracy): the fastest, the knee and the most
// accurate. y is the accuracy; where less of it is better, the last is called best. On a small front they may be
// the same.
func NamedPicks(front [][2]float64, y search.Objective) []NamedPick {
	if len(front) == 0 {
		return nil
	}
	fastest, best := 0, 0
	points := make([][]float64, len(front))
	for i, m := range front {
		points[i] = []float64{m[0], m[1]}
		if y.Direction == search.Maximize {
			points[i][1] = -m[1]
		}
		if m[0] < front[fastest][0] {
			fastest = i
		}
		if Better(y, m[1], front[best][1]) {
			best = i
		}
	}
	name := "most_accurate"
	if y.Direction != search.Maximize {
		name = "best"
	}
	return []NamedPick{{"fastest", fastest}, {"knee", search.Knee(points)}, {name, best}}
}

// Better reports whether a is the better value of an objective.
func Better(o search.Objective, a, b float64) bool {
	if o.Direction == search.Maximize {
		return a > b
	}
	return a < b
}
