package search

import (
	"math"
	"slices"
	"sort"

	"nas/internal/fault"
	"nas/search/pareto"
)

// Front is the Pareto front of the trials added so far: the feasible ones that
// no other dominates. Of trials with equal objectives the first stays. It keeps
// its hypervolume up to date. A Front is not safe for concurrent use.
type Front struct {
	objectives []Objective
	ref        []float64 // to be minimised; nil without a reference point
	members    []member  // in no order, with unused elements
	order      []int32   // indices of members by cost; they are cheaper to move than members
	free       []int32   // indices of unused elements
	volume     float64
	scratch    []float64
}

type member struct {
	cost  []float64 // to be minimised
	trial Trial
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
			return nil, fault.Errorf("search: the reference point has %d values for %d objectives",
				len(reference), len(objectives))
		}
		for _, v := range reference {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fault.New("search: the reference point is not finite")
			}
		}
		f.ref = costs(reference, objectives)
	}
	return f, nil
}

// Len is the number of members.
func (f *Front) Len() int { return len(f.order) }

// Trials returns the members from the best to the worst first objective.
func (f *Front) Trials() []Trial {
	out := make([]Trial, len(f.order))
	for i := range out {
		out[i] = f.at(i).trial
	}
	return out
}

func (f *Front) at(i int) *member { return &f.members[f.order[i]] }

// costs returns the members' objectives, to be minimised, in order.
func (f *Front) costs() [][]float64 {
	out := make([][]float64, len(f.order))
	for i := range out {
		out[i] = f.at(i).cost
	}
	return out
}

// Hypervolume returns the volume that the front dominates up to the reference
// point, in the product of the objectives' units; 0 without a reference point.
func (f *Front) Hypervolume() float64 { return f.volume }

// Points returns the members' objectives in their own units, in the order of
// Trials.
func (f *Front) Points() [][]float64 {
	out := f.costs()
	for i, p := range out {
		out[i] = costs(p, f.objectives)
	}
	return out
}

// Admits reports whether Add would make a feasible trial with these objectives, in
// their own units, a member. It saves making a Trial for Add to refuse.
func (f *Front) Admits(objectives []float64) bool {
	p := f.scratch
	for i, o := range f.objectives {
		if math.IsNaN(objectives[i]) || math.IsInf(objectives[i], 0) {
			return false
		}
		p[i] = o.cost(objectives[i])
	}
	_, _, ok := f.locate(p)
	return ok
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
	at, to, ok := f.locate(p)
	if !ok {
		return false
	}
	if f.ref != nil {
		f.volume += f.gain(p, at)
	}
	keep := at
	for i := at; i < to; i++ {
		k := f.order[i]
		if pareto.WeaklyDominates(p, f.members[k].cost) {
			f.members[k] = member{}
			f.free = append(f.free, k)
			continue
		}
		f.order[keep] = k
		keep++
	}
	f.order = slices.Delete(f.order, keep, to)
	if len(f.free) == 0 {
		f.free = append(f.free, int32(len(f.members)))
		f.members = append(f.members, member{})
	}
	k := f.free[len(f.free)-1]
	f.free = f.free[:len(f.free)-1]
	f.members[k] = member{slices.Clone(p), t}
	f.order = slices.Insert(f.order, at, k)
	return true
}

// locate returns the position at in order that p belongs at, and whether no member
// weakly dominates p. All members that p dominates are among those from at to to-1.
func (f *Front) locate(p []float64) (at, to int, ok bool) {
	n := len(f.order)
	at = sort.Search(n, func(i int) bool { return slices.Compare(f.at(i).cost, p) >= 0 })
	if len(f.objectives) <= 2 {
		last := len(p) - 1
		// Ordered by the first objective, a front falls in the second: the
		// member before p is the only one that can dominate it, and those that
		// it dominates follow it without a gap.
		if at > 0 && f.at(at - 1).cost[last] <= p[last] || at < n && slices.Equal(f.at(at).cost, p) {
			return at, at, false
		}
		to = at
		for to < n && f.at(to).cost[last] >= p[last] {
			to++
		}
	} else {
		for i := range n {
			if pareto.WeaklyDominates(f.at(i).cost, p) {
				return at, at, false
			}
		}
		to = n
	}
	return at, to, true
}

// gain returns the hypervolume that p adds, which no member dominates and which
// belongs at position at.
func (f *Front) gain(p []float64, at int) float64 {
	if len(f.objectives) != 2 {
		return pareto.Exclusive(p, f.costs(), f.ref)
	}
	x, y := p[0], p[1]
	top := f.ref[1] // the members before p dominate everything above it
	if at > 0 {
		top = min(top, f.at(at - 1).cost[1])
	}
	area := 0.0
	for i := at; x < f.ref[0] && top > y; i++ {
		right := f.ref[0]
		if i < len(f.order) {
			right = min(right, f.at(i).cost[0])
		}
		area += (right - x) * (top - y)
		if i == len(f.order) {
			break
		}
		x, top = right, min(top, f.at(i).cost[1])
	}
	return area
}
