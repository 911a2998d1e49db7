package results

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
	"nas/search/pareto"

	gonum "gonum.org/v1/gonum/stat"
)

// The sampling behind the probability of being on the true front.
const (
	frontDraws = 1000 // standard error at most 0.016
	frontSeed  = 0x70726f62
	// The networks that may push a member off the front: the next fronts under the first one, up to so
	// many. More than two objectives need pairwise comparisons.
	maxContenders     = 1500
	maxContendersMany = 200
)

// uncertain is a value whose error is normal, with a standard deviation of its own on either side.
type uncertain struct{ mid, below, above float64 }

func (u uncertain) sample(r *rand.Rand) float64 {
	if u.below == 0 && u.above == 0 {
		return u.mid
	}
	z := r.NormFloat64()
	if z < 0 {
		return u.mid + z*u.below
	}
	return u.mid + z*u.above
}

// uncertainCost is the value of an objective, to be minimised. Latencies become logarithms, in
// which their error is normal. Of an error that is known in parts only what the networks do not
// share counts: the rest cannot change their order.
func uncertainCost(v runstore.Value, o search.Objective) uncertain {
	mid, low, high := v.Mid, v.Low, v.High
	switch {
	case v.BetweenSD > 0:
		low, high = mid-stat.Half90*v.BetweenSD, mid+stat.Half90*v.BetweenSD
	case !v.HasInterval():
		low, high = mid, mid
	}
	if o.Unit == "ms" && low > 0 {
		mid, low, high = math.Log(mid), math.Log(low), math.Log(high)
	}
	u := uncertain{mid, max(0, mid-low) / stat.Half90, max(0, high-mid) / stat.Half90}
	if o.Direction == search.Maximize {
		u = uncertain{-u.mid, u.above, u.below}
	}
	return u
}

// Contenders are the feasible trials of a run, one of which may dominate another in truth although
// it does not by the predicted values.
type Contenders struct {
	objectives []search.Objective
	fields     []runstore.Field
	all        []contender
}

type contender struct {
	id    int
	costs []uncertain // one an objective
}

// NewContenders returns an empty set for trials with these objectives.
func NewContenders(objectives []search.Objective) *Contenders {
	c := &Contenders{objectives: objectives}
	for _, o := range objectives {
		c.fields = append(c.fields, runstore.FieldOf(o.Name))
	}
	return c
}

// Add takes a trial, unless that cannot be on a front.
func (c *Contenders) Add(t *search.Trial) {
	if !t.Feasible() {
		return
	}
	costs := make([]uncertain, len(c.fields))
	for i, f := range c.fields {
		costs[i] = uncertainCost(f.Of(&t.Result), c.objectives[i])
	}
	c.all = append(c.all, contender{t.ID, costs})
}

// AssumeError gives the values of an objective an error, if none of them states one: share times
// their standard deviation over the contenders.
func (c *Contenders) AssumeError(objective string, share float64) {
	k := slices.IndexFunc(c.objectives, func(o search.Objective) bool { return o.Name == objective })
	if k < 0 || len(c.all) < 2 {
		return
	}
	mids := make([]float64, len(c.all))
	for i, x := range c.all {
		u := x.costs[k]
		if u.below > 0 || u.above > 0 {
			return
		}
		mids[i] = u.mid
	}
	sd := share * gonum.StdDev(mids, nil)
	for _, x := range c.all {
		x.costs[k].below, x.costs[k].above = sd, sd
	}
}

// nearFront returns the indices of the n contenders that are nearest to the front by their
// predicted values: those of the first non-dominated fronts.
func (c *Contenders) nearFront(n int) []int {
	points := make([][]float64, len(c.all))
	order := make([]int, len(c.all))
	for i, x := range c.all {
		order[i] = i
		for _, u := range x.costs {
			points[i] = append(points[i], u.mid)
		}
	}
	ranks, _ := search.Sort(points, make([]float64, len(points)))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ranks[a], ranks[b]) })
	return order[:min(n, len(order))]
}

// FrontProbabilities returns for each trial near the front, by id, the probability that no other
// network that was tried is better in all objectives, if each value is drawn from its interval,
// independently. Errors that networks have in common do not change their order: where an estimate
// tells how much of its error is a network's own, that part alone is drawn. Where it does not
// (latency), the probabilities are less decided than they ought to be.
func (c *Contenders) FrontProbabilities() map[int]float64 {
	if len(c.all) == 0 {
		return nil
	}
	objectives := len(c.objectives)
	limit := maxContenders
	if objectives > 2 {
		limit = maxContendersMany
	}
	order := c.nearFront(limit)
	counts := make([]int, len(order))
	r := rand.New(rand.NewPCG(frontSeed, uint64(objectives)))
	sampled := make([][]float64, len(order)) // the costs of each contender in one draw
	for i := range sampled {
		sampled[i] = make([]float64, objectives)
	}
	var sorter pareto.Sorter
	for range frontDraws {
		for i, costs := range sampled {
			for k, u := range c.all[order[i]].costs {
				costs[k] = u.sample(r)
			}
		}
		for _, i := range sorter.Front(sampled) {
			counts[i]++
		}
	}
	out := make(map[int]float64, len(order))
	for i, k := range order {
		out[c.all[k].id] = float64(counts[i]) / frontDraws
	}
	return out
}

// MaxCandidates is how many trials are worth asking for, or ranking anew: the front, and the fronts under it.
const MaxCandidates = 200

// Candidates returns the trials that may be on the true front, in id order: the feasible ones of
// the first non-dominated fronts, at most n of them.
func (s *Stored) Candidates(n int) ([]search.Trial, error) {
	contenders := NewContenders(s.Manifest.Objectives)
	for t, err := range runstore.ReadTrials(s.Dir) {
		if err != nil {
			return nil, err
		}
		contenders.Add(&t)
	}
	if len(contenders.all) == 0 {
		return nil, nil
	}
	order := contenders.nearFront(n)
	slices.Sort(order)
	var out []search.Trial
	for v, err := range runstore.TrialViews(s.Dir) {
		if err != nil {
			return nil, err
		}
		if len(out) == len(order) {
			break
		}
		if v.ID != contenders.all[order[len(out)]].id {
			continue
		}
		t, err := v.Trial()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
