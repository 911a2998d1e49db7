package run

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"nas/search"
)

// The sampling behind the probability of being on the true front.
const (
	chanceColumn = "p_front" // of front.csv
	chanceDraws  = 1000      // standard error at most 0.016
	chanceSeed   = 0x70726f62
	// The networks that a member may lose its place to: the next fronts under the
	// first one, up to so many. More objectives need pairwise comparisons.
	chanceRivals     = 1500
	chanceRivalsMany = 200
)

// betweenSuffix marks the part of a trial that holds the standard deviation of
// the error that it does not share with other candidates.
const betweenSuffix = "_between_sd"

// normal90 is half the width of the central 90 % of a normal distribution.
const normal90 = 1.6448536269514722

// uncertain is a value with its 90 % interval, in a unit in which the error is
// normal on either side, with a spread of its own: logarithms for latency.
type uncertain struct{ mid, below, above float64 }

func (u uncertain) draw(r *rand.Rand) float64 {
	if u.below == 0 && u.above == 0 {
		return u.mid
	}
	z := r.NormFloat64()
	if z < 0 {
		return u.mid + z*u.below
	}
	return u.mid + z*u.above
}

// uncertainCost is an objective of a trial, to be minimised.
func uncertainCost(t *search.Trial, o search.Objective) uncertain {
	v := t.Objectives[o.Name]
	low, hasLow := t.Parts[o.Name+"_low"]
	high, hasHigh := t.Parts[o.Name+"_high"]
	switch between := t.Parts[o.Name+betweenSuffix]; {
	case between > 0: // what all candidates share cannot change their order
		low, high = v-normal90*between, v+normal90*between
	case !hasLow || !hasHigh || !(low < high):
		low, high = v, v
	}
	if o.Unit == "ms" && low > 0 {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	u := uncertain{v, max(0, v-low) / normal90, max(0, high-v) / normal90}
	if o.Direction == search.Maximize {
		u = uncertain{-u.mid, u.above, u.below}
	}
	return u
}

// rival is what is kept of each feasible trial.
type rival struct {
	id     int
	values []uncertain // one an objective
}

// rivalOf returns false for a trial that cannot be on a front.
func rivalOf(t *search.Trial, objectives []search.Objective) (rival, bool) {
	r := rival{id: t.ID}
	if !t.Feasible() {
		return r, false
	}
	for _, o := range objectives {
		r.values = append(r.values, uncertainCost(t, o))
	}
	return r, true
}

// chances returns for each trial near the front, by id, the probability that no
// other network that was tried is better in all objectives, if each value is
// drawn from its interval, independently. Errors that networks have in common do
// not change their order: where an estimate tells how much of its error is a
// network's own, that part alone is drawn; where it does not (latency), what is
// uncertain here may in truth be less so.
func chances(rivals []rival) map[int]float64 {
	if len(rivals) == 0 {
		return nil
	}
	objectives := len(rivals[0].values)
	points := make([][]float64, len(rivals))
	for i, r := range rivals {
		for _, u := range r.values {
			points[i] = append(points[i], u.mid)
		}
	}
	ranks, _ := search.Sort(points, make([]float64, len(points)))
	order := make([]int, len(rivals))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ranks[a], ranks[b]) })
	limit := chanceRivals
	if objectives > 2 {
		limit = chanceRivalsMany
	}
	order = order[:min(limit, len(order))]
	counts := make([]int, len(order))
	r := rand.New(rand.NewPCG(chanceSeed, uint64(objectives)))
	draws := make([]drawn, len(order))
	flat := make([]float64, len(order)*objectives)
	for range chanceDraws {
		for i := range draws {
			draws[i] = drawn{i, flat[i*objectives : (i+1)*objectives]}
			for k, u := range rivals[order[i]].values {
				draws[i].cost[k] = u.draw(r)
			}
		}
		countFront(draws, counts)
	}
	out := make(map[int]float64, len(order))
	for i, k := range order {
		out[rivals[k].id] = float64(counts[i]) / chanceDraws
	}
	return out
}

// drawn is one network in one draw.
type drawn struct {
	index int
	cost  []float64
}

// countFront adds 1 for each member of the front of a draw, which it reorders.
func countFront(draws []drawn, counts []int) {
	slices.SortFunc(draws, func(a, b drawn) int { return slices.Compare(a.cost, b.cost) })
	if len(draws[0].cost) <= 2 {
		// In this order only what stands before can dominate, and it does where its
		// last value is not larger.
		least, last := math.Inf(1), len(draws[0].cost)-1
		for i, d := range draws {
			equal := i > 0 && slices.Equal(d.cost, draws[i-1].cost)
			if d.cost[last] < least || equal && d.cost[last] == least {
				counts[d.index]++
				least = d.cost[last]
			}
		}
		return
	}
	for i, d := range draws {
		dominated := slices.ContainsFunc(draws[:i], func(e drawn) bool {
			for k, v := range e.cost {
				if v > d.cost[k] {
					return false
				}
			}
			return !slices.Equal(e.cost, d.cost)
		})
		if !dominated {
			counts[d.index]++
		}
	}
}
