package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"nas/search/pareto"
)

// Pick is a member chosen from a front, and why.
type Pick struct {
	Trial  Trial
	Reason string
}

// Knee returns the member with the best compromise, see the function [Knee].
// The error is that the front is empty, here and in the other picks.
func (f *Front) Knee() (Pick, error) {
	if err := f.pickable(); err != nil {
		return Pick{}, err
	}
	i := pareto.Knee(f.costs())
	return Pick{f.at(i).trial, "the knee: it bulges most beyond the line between the ends of the front"}, nil
}

// Within returns the member that is best in the objective best among those whose
// value of the objective limited is not worse than limit.
func (f *Front) Within(limited string, limit float64, best string) (Pick, error) {
	if err := f.pickable(); err != nil {
		return Pick{}, err
	}
	l, err := f.objective(limited)
	if err != nil {
		return Pick{}, err
	}
	b, err := f.objective(best)
	if err != nil {
		return Pick{}, err
	}
	o := f.objectives[l]
	bound, pick, inside, closest := o.cost(limit), -1, 0, 0
	points := f.costs()
	for i, p := range points {
		if p[l] < points[closest][l] {
			closest = i
		}
		if p[l] <= bound {
			inside++
			if pick < 0 || p[b] < points[pick][b] {
				pick = i
			}
		}
	}
	if pick < 0 {
		return Pick{}, fmt.Errorf("search: no member of the front has %s within %g%s; the closest, trial %d, has %g%s",
			limited, limit, unit(o), f.at(closest).trial.ID, o.cost(points[closest][l]), unit(o))
	}
	return Pick{f.at(pick).trial, fmt.Sprintf("the best %s of %d members with %s within %g%s", best, inside, limited, limit, unit(o))}, nil
}

// Contributor returns the member without which the hypervolume would shrink
// most. Without a reference point of its own the front takes its worst values.
func (f *Front) Contributor() (Pick, error) {
	if err := f.pickable(); err != nil {
		return Pick{}, err
	}
	points, ref := f.costs(), f.ref
	if ref == nil {
		ref = slices.Clone(points[0])
		for _, p := range points {
			for m, v := range p {
				ref[m] = max(ref[m], v)
			}
		}
	}
	parts := pareto.Contributions(points, ref)
	i := 0
	for k, v := range parts {
		if v > parts[i] {
			i = k
		}
	}
	share := 0.0
	if v := pareto.Hypervolume(points, ref); v > 0 {
		share = 100 * parts[i] / v
	}
	return Pick{f.at(i).trial, fmt.Sprintf("without it the hypervolume would shrink most, by %.3g %%", share)}, nil
}

// Weighted returns the member with the smallest augmented weighted Tchebycheff
// distance from the ideal point, objectives scaled to 0..1 over the front
// (Steuer and Choo, Mathematical Programming 26, 1983). weights holds a positive
// weight for any of the objectives; the others count 0, and only break ties.
func (f *Front) Weighted(weights map[string]float64) (Pick, error) {
	if err := f.pickable(); err != nil {
		return Pick{}, err
	}
	w := make([]float64, len(f.objectives))
	var names []string
	for name, v := range weights {
		m, err := f.objective(name)
		if err != nil {
			return Pick{}, err
		}
		if !(v > 0) || math.IsInf(v, 0) {
			return Pick{}, fmt.Errorf("search: the weight of %s is %v; want a positive number", name, v)
		}
		w[m] = v
		names = append(names, fmt.Sprintf("%s %g", name, v))
	}
	if len(names) == 0 {
		return Pick{}, fmt.Errorf("search: no weights given")
	}
	slices.Sort(names)
	points := f.costs()
	lo, scale := pareto.Ranges(points)
	pick, least := 0, math.Inf(1)
	for i, p := range points {
		worst, sum := 0.0, 0.0
		for m, v := range p {
			z := (v - lo[m]) * scale[m]
			worst = max(worst, w[m]*z)
			sum += z
		}
		if d := worst + 1e-4*sum; d < least {
			pick, least = i, d
		}
	}
	return Pick{f.at(pick).trial, "closest to the best of everything with the weights " + strings.Join(names, ", ")}, nil
}

func (f *Front) pickable() error {
	if f.Len() == 0 {
		return fmt.Errorf("search: the front is empty, there is nothing to pick from")
	}
	return nil
}

func (f *Front) objective(name string) (int, error) {
	names := make([]string, len(f.objectives))
	for m, o := range f.objectives {
		if o.Name == name {
			return m, nil
		}
		names[m] = o.Name
	}
	return 0, fmt.Errorf("search: the front has no objective %q; it has %s", name, strings.Join(names, ", "))
}

func unit(o Objective) string {
	if o.Unit == "" {
		return ""
	}
	return " " + o.Unit
}

// Interval is a predicted value, to be minimised or maximised, with the ends of
// its 90 % interval.
type Interval struct{ Value, Low, High float64 }

// FrontProbability returns for each of points the probability that nothing among
// all of them truly dominates it, if the true values are independent and normal,
// each half of an interval being 1.645 standard deviations. points[i] holds an
// interval for each objective. The estimate is the share of draws; it is
// deterministic, with a standard error of at most 0.5/sqrt(draws).
//
// Networks that share most of their blocks err together, so a member is truly
// on the front more often than this says.
func FrontProbability(points [][]Interval, objectives []Objective, draws int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(mix(seed), mix(uint64(draws))))
	values := make([][]float64, len(points))
	for i := range values {
		values[i] = make([]float64, len(objectives))
	}
	out := make([]float64, len(points))
	for range draws {
		for i, p := range points {
			for m, x := range p {
				z := r.NormFloat64()
				half := x.High - x.Value
				if z < 0 {
					half = x.Value - x.Low
				}
				values[i][m] = objectives[m].cost(x.Value + z*half/1.645)
			}
		}
		ranks, _ := pareto.Sort(values, nil)
		for i, rank := range ranks {
			if rank == 0 {
				out[i]++
			}
		}
	}
	for i := range out {
		out[i] /= float64(max(1, draws))
	}
	return out
}
