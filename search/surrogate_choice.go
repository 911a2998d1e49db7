package search

import (
	"math/rand/v2"
	"slices"

	"nas/internal/random"
	"nas/search/pareto"
	"nas/space"
)

type plannedGenes struct {
	genes     space.Genes
	parents   []int
	continues int
	until     int
}

// plan chooses the next batch. It leaves next empty, so that samples are asked
// for, as long as too little is feasible or a model cannot be fitted.
func (n *SurrogateNSGA2) plan() {
	n.next = n.next[:0]
	if n.feasible < max(4, n.settings.Initial/3) || !n.fit() {
		return
	}
	r := rand.New(rand.NewPCG(random.Mix(n.Seed), random.Mix(uint64(n.round)^random.Mix(n.Seed))))
	front := n.front()
	if len(front) == 0 {
		return
	}
	pool := n.searchModels(front, r)
	for range 2 * n.settings.Population {
		p := front[r.IntN(len(front))]
		pool = append(pool, plannedGenes{n.Space.Mutate(p.genes, r), []int{p.id}, 0, 0})
	}
	n.choose(pool, front, r)
}

// searchModels runs NSGA-II on the predictions, from the front, and returns its
// last population.
func (n *SurrogateNSGA2) searchModels(front []individual, r *rand.Rand) []plannedGenes {
	start := make([]space.Genes, len(front))
	for i, x := range front {
		start[i] = x.genes
	}
	if keep := n.settings.Population / 2; len(start) > keep {
		r.Shuffle(len(start), func(i, j int) { start[i], start[j] = start[j], start[i] })
		start = start[:keep]
	}
	inner, err := NewNSGA2(Setup{Space: n.Space, Objectives: n.Objectives, Seed: r.Uint64(), Start: start},
		NSGA2Settings{Population: n.settings.Population})
	if err != nil {
		panic("search: " + err.Error()) // the settings were checked when n was made
	}
	for range n.settings.Population * n.settings.Generations {
		c, state := inner.Ask()
		if state != Ready {
			break
		}
		t := Trial{ID: c.ID, Genes: c.Genes}
		var cost []float64
		if cost, t.Violation = n.predict(c.Genes, 0); cost != nil {
			t.Objectives = make(map[string]float64, len(cost))
			for m, o := range n.Objectives {
				t.Objectives[o.Name] = o.cost(cost[m])
			}
		}
		if inner.Tell(t) != nil {
			panic("search: a trial was told out of order")
		}
	}
	inner.survive()
	pool := make([]plannedGenes, len(inner.population))
	for i, x := range inner.population {
		pool[i] = plannedGenes{genes: x.genes}
	}
	return pool
}

// choose fills next with a batch out of pool.
func (n *SurrogateNSGA2) choose(pool []plannedGenes, front []individual, r *rand.Rand) {
	taken := make([][]float64, len(front))
	for i, x := range front {
		taken[i] = x.cost
	}
	lo, scale := pareto.Ranges(taken)
	ref := n.referenceBeyond(taken)
	options := n.options(pool)
	if n.prior != nil {
		n.chooseByRate(append(options, n.continuable()...), taken, ref)
		if len(n.next) > 0 {
			return
		}
		options = n.options(pool)
	}
	for len(n.next) < n.settings.Batch && len(options) > 0 {
		best, most := -1, 0.0
		if len(n.next)%freeEvery == freeEvery-1 {
			// Options with parents are mutants. The k-th mutant replaces the choice with
			// probability 1/k, so the choice is uniform over all of them.
			mutants := 0
			for i := range options {
				if options[i].parents == nil {
					continue
				}
				if mutants++; r.IntN(mutants) == 0 {
					best = i
				}
			}
		}
		if best < 0 {
			for i := range options {
				if v := pareto.Exclusive(options[i].cost, taken, ref); v > most {
					best, most = i, v
				}
			}
		}
		if best < 0 {
			best = nearestRank(len(options), func(i int) []float64 { return options[i].cost }, lo, scale, taken)
		}
		n.next = append(n.next, options[best].plannedGenes)
		taken = append(taken, options[best].cost)
		options = slices.Delete(options, best, best+1)
	}
}

// referenceBeyond returns the reference point of the run or, without one, a point a little beyond the worst of the
// front, so that the ends of the front have a hypervolume.
func (n *SurrogateNSGA2) referenceBeyond(front [][]float64) []float64 {
	if n.reference != nil {
		return n.reference
	}
	lo, scale := pareto.Ranges(front)
	ref := make([]float64, len(lo))
	for m := range ref {
		worst := lo[m]
		for _, p := range front {
			worst = max(worst, p[m])
		}
		span := 1.0
		if scale[m] > 0 {
			span = 1 / scale[m]
		}
		ref[m] = worst + 0.1*span
	}
	return ref
}

// option is a candidate that may be chosen.
type option struct {
	plannedGenes
	cost   []float64 // that it is predicted to have
	spread float64   // standard deviation of the trained cost around that; 0 where cost is improved by it already
	work   float64   // of an epoch, that of a usual network being 1
}

// options returns those of pool that are new.
func (n *SurrogateNSGA2) options(pool []plannedGenes) (options []option) {
	known := map[uint64]bool{}
	m := n.trainedObjective()
	for _, p := range pool {
		h := hashGenes(p.genes)
		if n.genes.has(h) || known[h] {
			continue
		}
		known[h] = true
		cost, violation := n.predict(p.genes, n.settings.Optimism)
		if violation > 0 {
			continue
		}
		o := option{p, cost, 0, n.work(p.genes)}
		if n.prior != nil {
			o.spread = n.prior.spread(n.finalRow(&individual{genes: p.genes, cost: cost}, -1, m))
		}
		options = append(options, o)
	}
	return options
}

// nearestRank returns the index of the option closest to the front. The distance to a
// point of the front is the largest excess over it in any objective, scaled to the
// front's range; the distance to the front is the smallest of these.
func nearestRank(options int, cost func(int) []float64, lo, scale []float64, taken [][]float64) int {
	best, least := 0, 0.0
	for i := range options {
		c := cost(i)
		nearest := 0.0
		for k, p := range taken {
			worst := 0.0
			for m, v := range c {
				worst = max(worst, (v-p[m])*scale[m])
			}
			if k == 0 || worst < nearest {
				nearest = worst
			}
		}
		if i == 0 || nearest < least {
			best, least = i, nearest
		}
	}
	return best
}
