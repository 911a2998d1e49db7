package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Walls watches which constraints a run breaks, to explain a run that found
// nothing feasible. The zero value is ready for use.
type Walls struct {
	trials, feasible, failed int
	broken                   map[string]*wall
	nearest                  Trial // with the least violation
	failure                  string
}

type wall struct {
	trials int
	least  float64 // smallest excess among the trials that break it
}

// Add takes note of a trial.
func (w *Walls) Add(t Trial) {
	w.trials++
	switch {
	case t.Failed != "":
		if w.failed++; w.failed == 1 {
			w.failure = t.Failed
		}
		return
	case t.Violation == 0:
		w.feasible++
		return
	}
	if w.broken == nil {
		w.broken = map[string]*wall{}
	}
	if w.nearest.Violation == 0 || t.Violation < w.nearest.Violation {
		w.nearest = t
	}
	for name, excess := range t.Violations {
		c := w.broken[name]
		if c == nil {
			c = &wall{least: math.Inf(1)}
			w.broken[name] = c
		}
		c.trials++
		c.least = min(c.least, excess)
	}
}

// Nearest returns the infeasible trial with the least violation; false if there
// is none.
func (w *Walls) Nearest() (Trial, bool) { return w.nearest, w.nearest.Violation > 0 }

// Wall returns the constraint that stands in the way: among those that every
// trial breaks, the one that even the best trial on it breaks by most; else,
// when the constraints only exclude each other, the one that the nearest trial
// breaks by most. excess is relative to the limit and belongs to the nearest
// trial in both cases, if that breaks it. "" means that a trial was feasible or
// that none has a named violation.
func (w *Walls) Wall() (name string, excess float64) {
	if w.feasible > 0 {
		return "", 0
	}
	worst := 0.0
	for _, n := range w.names() {
		if c := w.broken[n]; c.trials == w.trials-w.failed && c.least > worst {
			name, worst = n, c.least
		}
	}
	if name == "" {
		for _, n := range w.names() {
			if v := w.nearest.Violations[n]; v > worst {
				name, worst = n, v
			}
		}
	}
	return name, w.nearest.Violations[name]
}

func (w *Walls) names() []string {
	names := make([]string, 0, len(w.broken))
	for n := range w.broken {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// String says in one or two sentences why nothing is feasible, or "" if
// something is.
func (w *Walls) String() string {
	if w.feasible > 0 || w.trials == 0 {
		return ""
	}
	if w.failed == w.trials {
		return fmt.Sprintf("all %d evaluations failed, the first because: %s", w.trials, w.failure)
	}
	var b strings.Builder
	name, excess := w.Wall()
	fmt.Fprintf(&b, "none of %d candidates satisfies every constraint", w.trials-w.failed)
	if name == "" {
		fmt.Fprintf(&b, "; the nearest, trial %d, has a violation of %.3g", w.nearest.ID, w.nearest.Violation)
		return b.String()
	}
	c := w.broken[name]
	share := "which every one of them breaks"
	if n := w.trials - w.failed; c.trials < n {
		share = fmt.Sprintf("which %d of them break", c.trials)
	}
	fmt.Fprintf(&b, "; the wall is %s, %s: the nearest candidate, trial %d, breaks it by %.3g %%", name, share, w.nearest.ID, 100*excess)
	for _, n := range w.names() {
		if v := w.nearest.Violations[n]; n != name && v > 0 {
			fmt.Fprintf(&b, " and %s by %.3g %%", n, 100*v)
		}
	}
	return b.String()
}
