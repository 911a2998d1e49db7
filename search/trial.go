package search

import (
	"context"
	"fmt"
	"math"

	"nas/space"
)

// Candidate is a network that a searcher wants to have evaluated. Arch and ArchID
// are not set by the searcher, which needs neither, but by [Run], or by
// [Candidate.Describe].
type Candidate struct {
	ID         int         // 0, 1, 2 ... in ask order
	Genes      space.Genes // canonical; not to be changed
	Arch       space.Arch  // zero where the space has no methods Arch and Describe
	ArchID     string      // 12 hex digits; equal for equal networks
	Generation int         // 0 for the first; each searcher defines what it counts
	Parents    []int       // ids of the trials it was made from; nil if it was sampled
	// Continues is how many rungs the trial in Parents came to, which is one of the same network that was stopped: this
	// one goes on from there. 0 for a network that no trial has tried.
	Continues int
	// Until is the number of rungs that it is to come to, whatever is known then; 0 leaves that open. It is more than
	// Continues.
	Until int
	text  string    // Arch.String(), or "" if it has not been computed
	space archSpace // of Genes; nil if it has no archs
}

// Describe sets Arch and ArchID from Genes.
func (c *Candidate) Describe() {
	if c.space != nil {
		c.Arch = c.space.Arch(c.Genes)
		c.text, c.ArchID = c.Arch.Describe() // cheaper than Describe of the space, which lowers the genes again
		return
	}
	c.name()
}

// name sets ArchID and text, unless both are set.
func (c *Candidate) name() {
	switch {
	case c.ArchID != "" && c.text != "":
	case c.space != nil:
		c.text, c.ArchID = c.space.Describe(c.Genes)
	case c.Arch.Stages != nil:
		c.text, c.ArchID = c.Arch.Describe()
	case c.ArchID == "":
		c.ArchID = genesID(c.Genes)
	}
}

// Result is what an evaluation found. The zero Result is feasible and misses
// every objective, so the run loop records it as failed.
type Result struct {
	// Objectives holds a value for each objective, in its own unit and
	// direction. An infeasible result may lack those that were not computed.
	Objectives map[string]float64
	// Parts holds further figures worth keeping: counts, ends of intervals,
	// scores of the proxies that were combined.
	Parts map[string]float64
	// Violation is the sum of Violations: 0 is feasible, more is worse. It is
	// what constraint domination compares.
	Violation float64
	// Violations holds the relative excess of every broken constraint, by the
	// constraint's name. [Result.AtMost] and [Result.AtLeast] fill both.
	Violations map[string]float64
	// Screened says that the cheap constraints already decided and nothing
	// expensive was computed; such a trial does not count as an evaluation.
	Screened bool
	// Rungs holds the values of an expensive objective on the way, one after each rung that it was computed to; nil
	// where it is computed at once.
	Rungs []float64
	// Stopped says that the expensive objective was not computed to its last rung. Its value among Objectives estimates
	// what that would have given: searchers learn from it, and the trial is on no front.
	Stopped  bool
	Warnings []string
	// Failed is the reason why the evaluation has no result, or "".
	Failed string
}

// AtMost records how far value exceeds limit: (value-limit)/|limit|, or the
// plain difference where limit is 0. Nothing is recorded where it does not.
// It reports whether the constraint holds.
func (r *Result) AtMost(name string, value, limit float64) bool {
	return r.exceeds(name, value-limit, limit)
}

// AtLeast is [Result.AtMost] for a lower limit.
func (r *Result) AtLeast(name string, value, limit float64) bool {
	return r.exceeds(name, limit-value, limit)
}

func (r *Result) exceeds(name string, excess, limit float64) bool {
	if excess <= 0 {
		return true
	}
	if limit != 0 {
		excess /= math.Abs(limit)
	}
	if r.Violations == nil {
		r.Violations = map[string]float64{}
	}
	r.Violation += excess - r.Violations[name]
	r.Violations[name] = excess
	return false
}

// Feasible reports whether the evaluation succeeded, broke no constraint, and was not stopped on the way.
func (r *Result) Feasible() bool { return r.Failed == "" && r.Violation == 0 && !r.Stopped }

// check returns why a result cannot be used as it is, or "".
func (r *Result) check(objectives []Objective) string {
	if r.Failed != "" {
		return r.Failed
	}
	if !(r.Violation >= 0) || math.IsInf(r.Violation, 0) {
		return fmt.Sprintf("the constraint violation is %v", r.Violation)
	}
	for _, o := range objectives {
		v, ok := r.Objectives[o.Name]
		if !ok && r.Violation == 0 {
			return fmt.Sprintf("objective %s has no value", o.Name)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("objective %s is %v", o.Name, v)
		}
	}
	return ""
}

// An Evaluator judges one candidate. It must be safe for concurrent use and
// should return soon after ctx is done. Constraints that are cheap to compute
// come first: a candidate that breaks one is returned with a Violation and
// without the expensive rest.
//
// A returned error makes a failed trial and does not end the run, unless it is one of [Abort].
type Evaluator interface {
	Evaluate(ctx context.Context, c Candidate) (Result, error)
}

// Abort makes an error that ends the run. The candidate that was judged is not recorded: it is judged again when the
// run is resumed.
func Abort(err error) error { return &abortion{err} }

type abortion struct{ error }

// Unwrap returns the reason.
func (a *abortion) Unwrap() error { return a.error }

// A Queue is an [Evaluator] that takes a candidate at once and answers later. [Run] submits all that its searcher asks
// for, and Options.Workers and Options.Timeout do not matter.
type Queue interface {
	Evaluator
	// Submit calls done once, from any goroutine, with the result, or with an error if the result will not come because
	// ctx is done.
	Submit(ctx context.Context, c Candidate, done func(Result, error))
}

// EvaluatorFunc makes a function an [Evaluator].
type EvaluatorFunc func(ctx context.Context, c Candidate) (Result, error)

// Evaluate calls f.
func (f EvaluatorFunc) Evaluate(ctx context.Context, c Candidate) (Result, error) { return f(ctx, c) }

// Trial is the record of one evaluation: the candidate as text, and its result.
type Trial struct {
	ID         int
	ArchID     string
	Arch       string // [space.Arch.String]; "" where the space has none
	Genes      space.Genes
	Generation int
	Parents    []int
	Continues  int // as of its candidate
	Result
}

// NewTrial returns the record of a candidate, described or not, and its result.
func NewTrial(c Candidate, r Result) Trial {
	c.name()
	return Trial{
		ID: c.ID, ArchID: c.ArchID, Arch: c.text, Genes: c.Genes,
		Generation: c.Generation, Parents: c.Parents, Continues: c.Continues, Result: r,
	}
}
