package search

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Front is the Pareto front of the trials added so far: the feasible ones that
// no other dominates. Of trials with equal objectives the first stays. It keeps
// its hypervolume up to date. A Front is not safe for concurrent use.
type Front struct {
	objectives []Objective
	ref        []float64   // to be minimised; nil without a reference point
	points     [][]float64 // to be minimised, in lexicographic order
	trials     []*Trial    // of the points
	volume     float64
	scratch    []float64
}

// NewFront returns an empty front. reference is the point up to which
// hypervolume counts, in the units of the objectives; nil means that hypervolume
// is not wanted.
func NewFront(objectives []Objective, reference []float64) (*Front, error) {
	if err := checkObjectives(objectives); err != nil {
		return nil, err
	}
	f := &Front{objectives: slices.Clone(objectives), scratch: make([]float64, len(objectives))}
	if reference != nil {
		if len(reference) != len(objectives) {
			return nil, fmt.Errorf("search: the reference point has %d values for %d objectives", len(reference), len(objectives))
		}
		for _, v := range reference {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, errors.New("search: the reference point is not finite")
			}
		}
		f.ref = costs(reference, objectives)
	}
	return f, nil
}

// Len is the number of members.
func (f *Front) Len() int { return len(f.trials) }

// Objectives returns the objectives of the front.
func (f *Front) Objectives() []Objective { return slices.Clone(f.objectives) }

// Trials returns the members from the best to the worst first objective.
func (f *Front) Trials() []Trial {
	out := make([]Trial, len(f.trials))
	for i, t := range f.trials {
		out[i] = *t
	}
	return out
}

// Hypervolume returns the volume that the front dominates up to the reference
// point, in the product of the objectives' units; 0 without a reference point.
func (f *Front) Hypervolume() float64 { return f.volume }

// Points returns the members' objectives in their own units, in the order of
// Trials.
func (f *Front) Points() [][]float64 {
	out := make([][]float64, len(f.points))
	for i, p := range f.points {
		out[i] = costs(p, f.objectives)
	}
	return out
}

// Add offers a trial and reports whether it is now a member. It takes time
// linear in the front for two objectives (a binary search, and a move in memory
// if it joins), and for more (one comparison a member) as long as no
// hypervolume is kept.
func (f *Front) Add(t Trial) bool {
	if !t.Feasible() {
		return false
	}
	p, ok := costsTo(f.scratch, &t.Result, f.objectives)
	if !ok {
		return false
	}
	at := sort.Search(len(f.points), func(i int) bool { return slices.Compare(f.points[i], p) >= 0 })
	var from, to int // members that p dominates are in points[from:to]
	if len(f.objectives) <= 2 {
		last := len(p) - 1
		// Ordered by the first objective, a front falls in the second: the
		// member before p is the only one that can dominate it, and those that
		// it dominates follow it without a gap.
		if at > 0 && f.points[at-1][last] <= p[last] || at < len(f.points) && slices.Equal(f.points[at], p) {
			return false
		}
		from, to = at, at
		for to < len(f.points) && f.points[to][last] >= p[last] {
			to++
		}
	} else {
		for _, q := range f.points {
			if weaklyDominates(q, p) {
				return false
			}
		}
		from, to = at, len(f.points)
	}
	if f.ref != nil {
		f.volume += f.gain(p, at)
	}
	p = slices.Clone(p)
	member := t
	keep := at
	for i := from; i < to; i++ {
		if !weaklyDominates(p, f.points[i]) {
			f.points[keep], f.trials[keep] = f.points[i], f.trials[i]
			keep++
		}
	}
	f.points = slices.Insert(slices.Delete(f.points, keep, to), at, p)
	f.trials = slices.Insert(slices.Delete(f.trials, keep, to), at, &member)
	return true
}

// gain returns the hypervolume that p, which no member dominates, adds. at is
// where p belongs.
func (f *Front) gain(p []float64, at int) float64 {
	if len(f.objectives) != 2 {
		return exclusive(p, f.points, f.ref)
	}
	x, y := p[0], p[1]
	top := f.ref[1] // down to here the member before already dominates
	if at > 0 {
		top = min(top, f.points[at-1][1])
	}
	area := 0.0
	for i := at; x < f.ref[0] && top > y; i++ {
		right := f.ref[0]
		if i < len(f.points) {
			right = min(right, f.points[i][0])
		}
		area += (right - x) * (top - y)
		if i == len(f.points) {
			break
		}
		x, top = right, min(top, f.points[i][1])
	}
	return area
}
