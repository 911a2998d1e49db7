package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"nas/internal/fault"
	"nas/internal/random"
	"nas/search/pareto"
	"nas/space"
)

// SurrogateSettings are the settings of [SurrogateNSGA2].
type SurrogateSettings struct {
	// Initial is how many samples precede the first fit. 0 means one and a half
	// times the number of genes, at least 12 and at most 48.
	Initial int
	// Batch is how many candidates are chosen after a fit, and evaluated at the
	// same time. 0 means 8.
	Batch int
	// Population and Generations are those of the NSGA-II that searches the models.
	// 0 means 64 and 16.
	Population, Generations int
	// Optimism is how many standard deviations a prediction is improved by when
	// candidates are compared. 0 means 1; negative means none.
	Optimism float64
	// Known returns what is cheap to compute of a genotype: the values of the
	// objectives that need no surrogate, by name, and the constraint violation as far
	// as it is known. It must be deterministic. nil means that nothing is cheap.
	Known func(space.Genes) (values map[string]float64, violation float64)
	// Trained names the objective that [Result.Rungs] are of; "" if none is computed by rungs. A trial that was stopped
	// counts with what its last rung says of the end, judged by all trials that came there.
	Trained string
	// Rungs are the total epochs at each rung of the trained objective. With them the searcher says how far a network is
	// trained ([Candidate.Until]), and continues stopped trials ([Candidate.Continues]): it takes what gains most for its
	// work. Initial is then 4 unless it is set, Batch 4, and the initial networks are spread over the known costs. nil
	// leaves to the evaluator who is stopped.
	Rungs []int
	// Traits returns what is cheap to compute of a genotype and tells of its trained value: always as many values. The
	// first is also what an epoch costs, such as the MACs. It must be deterministic, and is asked only with Rungs. nil
	// means that nothing is known, and that all epochs cost the same.
	Traits func(space.Genes) []float64
}

// SurrogateNSGA2 is a search for expensive evaluations, the loop of NSGANetV2 (Lu,
// Deb, Goodman, Banzhaf and Boddeti, "NSGANetV2: evolutionary multi-objective
// surrogate-assisted neural architecture search", ECCV 2020, algorithm 1): fit
// surrogate models to all trials, search the models with NSGA-II, evaluate a batch
// of the networks that this finds, repeat.
//
// It differs in five points. Any objective may have a model. The objectives that
// [SurrogateSettings.Known] returns have none: they are features of the models of the
// others, because the cost of a network tells much about its quality. The batch is
// chosen one by one, by the hypervolume that a network adds to the front and to those
// chosen before it; its predictions count improved by some standard deviations. Like
// their subset selection, this fills the widest gaps of the front, and among equals it
// prefers the uncertain. Mutants of the front join the candidates. Every fourth network
// of a batch is such a mutant, chosen at random.
//
// Look-ahead: a batch, as in [NSGA2].
type SurrogateNSGA2 struct {
	proposer
	settings  SurrogateSettings
	encode    geneEncoding
	models    []*rbf  // nil where the objective is known
	scales    []scale // of the known objectives as features
	traits    []scale // of what Traits returns
	usualWork float64 // the mean of the first trait
	trials    []individual
	features  [][]float64 // of trials; nil where infeasible
	feasible  int
	finals    []*finalProcess // by rung; nil where too few trials finished
	prior     *finalProcess   // of a network that was not trained yet; nil where too few trials finished
	next      []plannedGenes  // chosen, not asked for
	until     int             // the id at which the next batch begins
	round     int
}

// fitLimit is the largest number of trials that a model is fitted to: those of the best
// ranks and, of the last rank that fits in part, the latest. A fit is cubic in it.
const fitLimit = 320

// freeEvery is the period at which a mutant of the front is chosen without asking the
// models. Without it the search would never enter a region that the models wrongly
// predict to be bad, and the models would never learn about it.
const freeEvery = 4

// NewSurrogateNSGA2 returns a surrogate-assisted NSGA-II searcher.
func NewSurrogateNSGA2(setup Setup, s SurrogateSettings) (*SurrogateNSGA2, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	if len(s.Rungs) > 0 {
		s.Initial = cmp.Or(s.Initial, 4)
		s.Batch = cmp.Or(s.Batch, 4)
	}
	s.Batch = cmp.Or(s.Batch, 8)
	s.Population = cmp.Or(s.Population, 64)
	s.Generations = cmp.Or(s.Generations, 16)
	s.Optimism = max(0, cmp.Or(s.Optimism, 1))
	if p.exhausted {
		return nil, fault.New("search: surrogate_nsga2: the space is empty")
	}
	sample := p.Space.Sample(rand.New(rand.NewPCG(random.Mix(p.Seed), 0)))
	s.Initial = cmp.Or(s.Initial, min(48, max(12, 3*len(sample)/2)))
	for _, f := range []struct {
		name     string
		value, a int
	}{
		{"initial", s.Initial, 4}, {"batch", s.Batch, 1}, {"population", s.Population, 4}, {"generations", s.Generations, 1},
	} {
		if f.value < f.a {
			return nil, fault.Errorf("search: surrogate_nsga2: %s is %d; want %d or more", f.name, f.value, f.a)
		}
	}
	n := &SurrogateNSGA2{proposer: p, settings: s, encode: encodingOf(p.Space), until: s.Initial}
	known := n.sampleKnown()
	n.sampleTraits()
	for _, o := range p.Objectives {
		var m *rbf
		if !known[o.Name] {
			m = new(rbf)
		}
		n.models = append(n.models, m)
	}
	return n, nil
}

// String implements [Searcher].
func (n *SurrogateNSGA2) String() string {
	var known []string
	surrogate := ""
	for i, o := range n.Objectives {
		if n.models[i] == nil {
			known = append(known, o.Name)
		} else {
			surrogate = "rbf(cubic, linear tail)"
		}
	}
	s := &n.settings
	if len(s.Rungs) > 0 {
		surrogate += fmt.Sprintf(", gp, rungs=%v", s.Rungs)
	}
	return fmt.Sprintf("surrogate_nsga2(initial=%d, batch=%d, population=%d, generations=%d, optimism=%g, "+
		"surrogate=%s, known=%v, %s)",
		s.Initial, s.Batch, s.Population, s.Generations, s.Optimism, surrogate, known, n.proposer.settings())
}

// Ask implements [Searcher].
func (n *SurrogateNSGA2) Ask() (Candidate, State) {
	if n.asked == n.until {
		if n.told < n.asked {
			return Candidate{}, Wait
		}
		n.round++
		n.until += n.settings.Batch
		n.plan()
	}
	if c, ok := n.nextContinued(); ok {
		return c, Ready
	}
	until := 0
	if len(n.next) > 0 {
		until = n.next[0].until
	} else if n.asked < n.settings.Initial {
		until = len(n.settings.Rungs)
	}
	c, state := n.propose(n.round, n.nextGenotype)
	c.Until = until
	if state == Exhausted && n.told < n.asked && len(n.settings.Rungs) > 0 {
		return c, Wait // stopped trials may be left
	}
	if state == Exhausted && n.planContinued() {
		n.round++
		n.until = n.asked + len(n.next)
		c, _ = n.nextContinued()
		return c, Ready
	}
	return c, state
}

// Tell implements [Searcher].
func (n *SurrogateNSGA2) Tell(t Trial) error {
	if err := n.tell(&t); err != nil {
		return err
	}
	x := n.observe(&t)
	n.trials = append(n.trials, x)
	if t.Continues > 0 && t.Failed == "" {
		n.forget(t.Parents[0])
	}
	var features []float64
	if x.cost != nil {
		n.feasible++
		features = n.describe(x.genes, x.cost)
	}
	n.features = append(n.features, features)
	return nil
}

// nextGenotype returns the next planned genotype. If none is planned, it returns a
// sample that breaks no known constraint or, after 32 tries, any sample.
func (n *SurrogateNSGA2) nextGenotype(r *rand.Rand) (space.Genes, []int) {
	if len(n.next) > 0 {
		p := n.next[0]
		n.next = n.next[1:]
		return p.genes, p.parents
	}
	if len(n.settings.Rungs) > 0 && len(n.scales) > 0 && n.asked < n.settings.Initial {
		if g := n.spread(r); g != nil {
			return g, nil
		}
	}
	for range 32 {
		g := n.Space.Sample(r)
		if n.settings.Known == nil {
			return g, nil
		}
		if _, violation := n.settings.Known(g); violation <= 0 {
			return g, nil
		}
	}
	return n.Space.Sample(r), nil
}

// front returns the distinct members of the front of the feasible trials, by id.
// Trials beyond the reference point are members only if no other trial is feasible.
func (n *SurrogateNSGA2) front() []individual {
	limit := 1.0
	if slices.ContainsFunc(n.trials, func(x individual) bool { return x.cv == 0 && !x.stopped }) {
		limit = 0
	}
	var candidates []individual
	var points [][]float64
	for _, x := range n.trials {
		if x.cost != nil && x.cv <= limit && !x.stopped {
			candidates, points = append(candidates, x), append(points, x.cost)
		}
	}
	members := pareto.DistinctFront(points)
	slices.Sort(members)
	front := make([]individual, len(members))
	for k, i := range members {
		front[k] = candidates[i]
	}
	return front
}

// fit fits the models and reports whether all could be.
func (n *SurrogateNSGA2) fit() bool {
	n.estimateStopped()
	var index []int
	for i := range n.trials {
		if n.trials[i].cost != nil {
			index = append(index, i)
		}
	}
	if len(index) > fitLimit {
		points := make([][]float64, len(index))
		for k, i := range index {
			points[k] = n.trials[i].cost
		}
		ranks, _ := pareto.Sort(points, nil)
		order := make([]int, len(index))
		for k := range order {
			order[k] = k
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(ranks[a], ranks[b]), cmp.Compare(b, a)) })
		chosen := make([]int, fitLimit)
		for k := range chosen {
			chosen[k] = index[order[k]]
		}
		slices.Sort(chosen)
		index = chosen
	}
	x, y := make([][]float64, len(index)), make([]float64, len(index))
	for m, model := range n.models {
		if model == nil {
			continue
		}
		for k, i := range index {
			x[k], y[k] = n.features[i], n.trials[i].cost[m]
		}
		if model.fit(slices.Clone(x), y) != nil {
			return false
		}
	}
	return true
}

// predict returns the expected costs of a genotype, improved by optimism
// standard deviations, and its known violation.
func (n *SurrogateNSGA2) predict(g space.Genes, optimism float64) (cost []float64, violation float64) {
	var known map[string]float64
	if n.settings.Known != nil {
		if known, violation = n.settings.Known(g); violation > 0 {
			return nil, violation
		}
	}
	cost = make([]float64, len(n.models))
	for m, model := range n.models {
		if model == nil {
			cost[m] = n.Objectives[m].cost(known[n.Objectives[m].Name])
		}
	}
	x := n.describe(g, cost)
	for m, model := range n.models {
		if model == nil {
			continue
		}
		if n.prior != nil && n.Objectives[m].Name == n.settings.Trained {
			cost[m] = n.prior.mean(n.finalRow(&individual{genes: g, cost: cost}, -1, m))
			continue
		}
		cost[m] = model.predict(x)
		if optimism > 0 {
			cost[m] -= optimism * model.deviation(x)
		}
	}
	return cost, 0
}
