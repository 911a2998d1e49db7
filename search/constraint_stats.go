package search

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// ConstraintStats counts which constraints the trials of a run break, to explain
// a run that finds nothing feasible. The zero value is ready for use.
type ConstraintStats struct {
	trials, feasible, failed int
	timedOut                 int // of those that failed
	whole                    int // infeasible trials of which every constraint was judged
	broken                   map[string]*brokenConstraint
	// nearest is the infeasible trial with the smallest violation, among those of which every constraint was
	// judged if there is one: what the others break besides is not known.
	nearest Trial
	failure string
}

type brokenConstraint struct {
	trials      int     // that break it
	leastExcess float64 // the smallest relative excess among them
}

// timedOut begins the reason of a trial that took longer than it might.
const timedOut = "timed out after"

// Add counts a trial.
func (s *ConstraintStats) Add(t Trial) {
	s.trials++
	switch {
	case t.Failed != "":
		if s.failed++; s.failed == 1 {
			s.failure = t.Failed
		}
		if strings.HasPrefix(t.Failed, timedOut) {
			s.timedOut++
		}
		return
	case t.Violation == 0:
		s.feasible++
		return
	}
	if s.broken == nil {
		s.broken = map[string]*brokenConstraint{}
	}
	if !t.Screened {
		s.whole++
	}
	known, better := s.nearest.Screened && !t.Screened, t.Violation < s.nearest.Violation
	if s.nearest.Violation == 0 || known || better && s.nearest.Screened == t.Screened {
		s.nearest = t
	}
	for name, excess := range t.Violations {
		c := s.broken[name]
		if c == nil {
			c = &brokenConstraint{leastExcess: math.Inf(1)}
			s.broken[name] = c
		}
		c.trials++
		c.leastExcess = min(c.leastExcess, excess)
	}
}

// TimedOut returns how many of how many trials took longer than they might.
func (s *ConstraintStats) TimedOut() (n, trials int) { return s.timedOut, s.trials }

// Nearest returns the infeasible trial with the smallest violation, of those whose accuracy was judged if there
// is one; false if there is none.
func (s *ConstraintStats) Nearest() (Trial, bool) { return s.nearest, s.nearest.Violation > 0 }

// Binding returns the name of the binding constraint and by how much the nearest
// trial exceeds it, relative to the limit. If some constraints are broken by
// every trial, the binding one is that with the largest minimal excess over the
// trials. Otherwise the constraints exclude each other, and the binding one is
// that which the nearest trial exceeds most. The name is "" if a trial was
// feasible or if no trial names its violations.
func (s *ConstraintStats) Binding() (name string, excess float64) {
	if s.feasible > 0 {
		return "", 0
	}
	worst := 0.0
	for _, n := range s.names() {
		if c := s.broken[n]; c.trials == s.trials-s.failed && c.leastExcess > worst {
			name, worst = n, c.leastExcess
		}
	}
	if name == "" {
		for _, n := range s.names() {
			if v := s.nearest.Violations[n]; v > worst {
				name, worst = n, v
			}
		}
	}
	return name, s.nearest.Violations[name]
}

func (s *ConstraintStats) names() []string { return slices.Sorted(maps.Keys(s.broken)) }

// String explains in one or two sentences why no trial is feasible. It is "" if
// a trial is feasible or if there is none at all.
func (s *ConstraintStats) String() string {
	if s.feasible > 0 || s.trials == 0 {
		return ""
	}
	if s.failed == s.trials {
		return fmt.Sprintf("all %d evaluations failed, the first because: %s", s.trials, s.failure)
	}
	var b strings.Builder
	name, excess := s.Binding()
	fmt.Fprintf(&b, "none of %d candidates satisfies every constraint", s.trials-s.failed)
	if name == "" {
		fmt.Fprintf(&b, "; the nearest, trial %d, has a violation of %.3g", s.nearest.ID, s.nearest.Violation)
		return b.String()
	}
	c := s.broken[name]
	share := "which every one of them breaks"
	if n := s.trials - s.failed; c.trials == s.whole && s.whole < n {
		share = fmt.Sprintf("which every one of the %d breaks that the other constraints leave", s.whole)
	} else if c.trials < n {
		share = fmt.Sprintf("which %d of them break", c.trials)
	}
	fmt.Fprintf(&b, "; the binding constraint is %s, %s: the nearest candidate, trial %d, breaks it by %s",
		name, share, s.nearest.ID, percent(excess))
	for _, n := range s.names() {
		if v := s.nearest.Violations[n]; n != name && v > 0 {
			fmt.Fprintf(&b, " and %s by %s", n, percent(v))
		}
	}
	return b.String()
}

// percent is an excess over a limit, relative to it, in words.
func percent(excess float64) string {
	if excess >= 10 {
		return fmt.Sprintf("%.3g times the limit", excess)
	}
	return fmt.Sprintf("%.3g %%", 100*excess)
}
