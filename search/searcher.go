package search

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"nas/internal/fault"
	"nas/internal/random"
	"nas/search/pareto"
	"nas/space"
)

// State is what a searcher answers when asked.
type State int

// The answers of [Searcher.Ask].
const (
	Ready     State = iota // here is a candidate
	Wait                   // tell me the next result first
	Exhausted              // every network of the space has been asked for
)

// String returns "ready", "wait" or "exhausted".
func (s State) String() string { return [...]string{"ready", "wait", "exhausted"}[s] }

// A Searcher proposes candidates and learns from their results. It is
// deterministic: what Ask returns depends on the settings and on the sequence
// of calls so far, nothing else. It is not safe for concurrent use; [Run] owns
// the concurrency.
//
// The protocol: ask until the answer is not Ready, tell one trial, ask again.
// Trials are told in the order of their ids. No two candidates of a run have
// the same genes. Their ArchIDs differ too, but for chance: 0.2 % in a million.
type Searcher interface {
	// Ask returns the next candidate, or why there is none now. It never
	// returns Wait while nothing that was asked for is untold.
	Ask() (Candidate, State)
	// Tell gives the result of the candidate with the smallest untold id.
	Tell(Trial) error
	// String names the algorithm with all its settings.
	String() string
}

// Setup is what all searchers need.
type Setup struct {
	Space      Space
	Objectives []Objective
	Seed       uint64
	// Start holds genes to be asked for first, such as networks that are known
	// to be good. Duplicates are skipped. They need no result: Ask returns one
	// after the other, and never Wait in between.
	Start []space.Genes
	// Reference is the reference point of the run's hypervolume, in the units of
	// the objectives, or nil. Feasible trials that are not better than it in
	// every objective do not count in the result, so searchers treat them like
	// infeasible ones that are closer than any truly infeasible one.
	Reference []float64
	// Retries is how often a duplicate candidate is replaced by another one of the
	// same kind before uniform samples are tried. 0 means 64.
	Retries int
}

// listLimit is the size of the largest space whose unseen rest is listed when
// sampling no longer finds it.
const listLimit = 1 << 20

// proposer makes candidates: it numbers them, seeds their randomness and rejects
// duplicates. Every searcher embeds one.
type proposer struct {
	Setup
	asked, told int
	started     int       // how many of Start have had their turn
	reference   []float64 // Reference as costs
	pcg         rand.PCG
	rng         *rand.Rand
	arch        archSpace     // nil if the space has none
	genes       hashSet       // canonical genes that were asked for
	size        uint64        // of the space; 0 if it does not fit
	rest        []space.Genes // what is left of the space, once it is listed
	listed      bool
	exhausted   bool
}

func newProposer(s Setup) (proposer, error) {
	if s.Space == nil {
		return proposer{}, fault.New("search: no space given")
	}
	if err := checkObjectives(s.Objectives); err != nil {
		return proposer{}, err
	}
	if s.Retries < 0 {
		return proposer{}, fault.Errorf("search: retries is %d; want 0 (the default) or more", s.Retries)
	}
	s.Retries = cmp.Or(s.Retries, 64)
	if s.Reference != nil && len(s.Reference) != len(s.Objectives) {
		return proposer{}, fault.Errorf("search: the reference point has %d values for %d objectives",
			len(s.Reference), len(s.Objectives))
	}
	p := proposer{Setup: s}
	if s.Reference != nil {
		p.reference = costs(s.Reference, s.Objectives)
	}
	p.arch, _ = s.Space.(archSpace)
	if n := s.Space.Size(); n.IsUint64() {
		p.size = n.Uint64()
		p.exhausted = p.size == 0
	}
	return p, nil
}

// settings is the part of String that all searchers share.
func (p *proposer) settings() string {
	reference := ""
	if p.Reference != nil {
		reference = fmt.Sprintf(", reference=%v", p.Reference)
	}
	return fmt.Sprintf("start=%d, retries=%d, seed=%d, objectives=%s%s",
		len(p.Start), p.Retries, p.Seed, objectivesString(p.Objectives), reference)
}

// reseed returns the random generator of the candidate that is asked for next.
func (p *proposer) reseed() *rand.Rand {
	if p.rng == nil {
		p.rng = rand.New(&p.pcg)
	}
	p.pcg.Seed(random.Mix(p.Seed), random.Mix(p.Seed^random.Mix(uint64(p.asked))))
	return p.rng
}

// propose returns the next candidate: the next of Start, else the first unseen
// genotype that the variation operator vary returns, else the first unseen uniform
// sample, else the next of the unseen rest of the space in random order. vary
// returns canonical genes and the ids of their parents; nil means none.
func (p *proposer) propose(generation int, vary func(*rand.Rand) (space.Genes, []int)) (Candidate, State) {
	r := p.reseed()
	for p.started < len(p.Start) && !p.exhausted {
		p.started++
		if c, ok := p.accept(p.Space.Canonical(p.Start[p.started-1]), nil, generation); ok {
			return c, Ready
		}
	}
	if vary != nil {
		for range p.Retries {
			if p.full() {
				break
			}
			g, parents := vary(r)
			if c, ok := p.accept(g, parents, generation); ok {
				return c, Ready
			}
		}
	}
	// The last networks of a small space take many samples to hit.
	samples := p.Retries
	if p.size > 0 && p.size < listLimit/32 {
		samples = max(samples, 4*int(p.size))
	}
	for range samples {
		if p.full() || p.listed {
			break
		}
		if c, ok := p.accept(p.Space.Sample(r), nil, generation); ok {
			return c, Ready
		}
	}
	p.list(r)
	for len(p.rest) > 0 {
		g := p.rest[len(p.rest)-1]
		p.rest = p.rest[:len(p.rest)-1]
		if c, ok := p.accept(g, nil, generation); ok {
			return c, Ready
		}
	}
	p.exhausted = true
	return Candidate{}, Exhausted
}

// full reports whether every genotype of the space has been seen.
func (p *proposer) full() bool {
	return p.exhausted || p.size > 0 && uint64(p.genes.len()) >= p.size
}

// list collects the unseen rest of a small space that can be listed, shuffled.
func (p *proposer) list(r *rand.Rand) {
	l, ok := p.Space.(Lister)
	if p.listed || !ok || p.full() || p.size == 0 || p.size > listLimit {
		return
	}
	p.listed = true
	for g := range l.All() {
		if !p.genes.has(hashGenes(g)) {
			p.rest = append(p.rest, g)
		}
	}
	r.Shuffle(len(p.rest), func(i, j int) { p.rest[i], p.rest[j] = p.rest[j], p.rest[i] })
}

// accept makes g, which is canonical, a candidate unless its network was asked
// for before.
func (p *proposer) accept(g space.Genes, parents []int, generation int) (Candidate, bool) {
	if !p.genes.add(hashGenes(g)) {
		return Candidate{}, false
	}
	c := Candidate{ID: p.asked, Genes: g, Generation: generation, Parents: parents, space: p.arch}
	p.asked++
	return c, true
}

// tell checks the order of trials and counts them.
func (p *proposer) tell(t *Trial) error {
	if t.ID != p.told || t.ID >= p.asked {
		return fault.Errorf("search: told trial %d where trial %d of %d asked comes next", t.ID, p.told, p.asked)
	}
	p.told++
	return nil
}

// individual is a trial as the algorithms see it.
type individual struct {
	id    int
	genes space.Genes
	cost  []float64 // objectives to be minimised; nil if infeasible
	cv    float64   // what constraint domination compares, see observe
	rank  int       // of the front that it is on, 0 the best
	crowd float64   // crowding distance in its front
	// rungs and stopped are those of the trial.
	rungs     []float64
	stopped   bool
	continued bool // a later trial goes on from it
}

// observe makes an individual of a told trial. Its cv is 0 for a feasible trial
// and below 1 for one that is not better than the reference point, by how far;
// 1 plus the violation for an infeasible and +Inf for a failed one.
func (p *proposer) observe(t *Trial) individual {
	x := individual{id: t.ID, genes: t.Genes, rungs: t.Rungs, stopped: t.Stopped}
	if t.Failed != "" {
		x.cv = math.Inf(1)
		return x
	}
	if t.Violation > 0 {
		x.cv = 1 + t.Violation
		return x
	}
	cost, ok := costsTo(make([]float64, len(p.Objectives)), &t.Result, p.Objectives)
	if !ok {
		x.cv = math.Inf(1)
		return x
	}
	x.cost = cost
	if p.reference != nil && !pareto.StrictlyDominates(cost, p.reference) {
		excess := math.SmallestNonzeroFloat64
		for m, ref := range p.reference {
			excess += max(0, cost[m]-ref) / max(math.Abs(ref), 1e-12)
		}
		x.cv = max(excess/(1+excess), math.SmallestNonzeroFloat64)
	}
	return x
}
