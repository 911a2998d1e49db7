package search

import (
	"math"
	"slices"

	"nas/search/pareto"
	"nas/space"
)

// continuable returns the stopped trials that can be continued.
func (n *SurrogateNSGA2) continuable() (options []option) {
	m := n.trainedObjective()
	for i := range n.trials {
		x := &n.trials[i]
		r := len(x.rungs) - 1
		if !x.stopped || x.continued || x.cost == nil || r >= len(n.finals) || n.finals[r] == nil {
			continue
		}
		options = append(options, option{
			plannedGenes{x.genes, []int{x.id}, len(x.rungs), 0}, slices.Clone(x.cost),
			n.finals[r].spread(n.finalRow(x, r, m)), n.work(x.genes),
		})
	}
	return options
}

// An early rung counts as telling something of the end if the trials that finished are so many, and what it leaves
// unknown is below this share of what was unknown before. With fewer trials a rung often seems to tell what it does
// not.
const (
	tellsTrials = 12
	tells       = 0.8
)

// fine and coarse are quantiles of a normal distribution at the middles of equal parts: of what a training comes to,
// and of what a rung makes of that.
var fine, coarse = quantiles(16), quantiles(8)

func quantiles(n int) (z []float64) {
	for i := range n {
		z = append(z, math.Sqrt2*math.Erfinv((2*float64(i)+1)/float64(n)-1))
	}
	return z
}

// share is the part of all epochs that so many rungs take.
func (n *SurrogateNSGA2) share(rungs int) float64 {
	if rungs == 0 {
		return 0
	}
	return float64(n.settings.Rungs[rungs-1]) / float64(n.settings.Rungs[len(n.settings.Rungs)-1])
}

// work is how long an epoch of a network takes, that of a usual one being 1. Half of that is taken to be the same for
// all: images are read, and small operations take as long as larger ones.
func (n *SurrogateNSGA2) work(g space.Genes) float64 {
	if n.usualWork <= 0 {
		return 1
	}
	return (1 + n.settings.Traits(g)[0]/n.usualWork) / 2
}

// gain is the hypervolume that a trial is expected to add if its trained cost, the m-th, is around mid with a standard
// deviation.
func (n *SurrogateNSGA2) gain(
	cost []float64, m int, mid, spread float64, taken [][]float64, ref []float64,
) (v float64) {
	at := slices.Clone(cost)
	for _, z := range fine {
		at[m] = mid + z*spread
		v += pareto.Exclusive(at, taken, ref) / float64(len(fine))
	}
	return v
}

// rate is the gain of an option for the epochs it takes if it is trained to so many rungs and then goes on only where
// that gains more than usual for the epochs that are left.
func (n *SurrogateNSGA2) rate(o *option, until int, usual float64, taken [][]float64, ref []float64) float64 {
	m, last := n.trainedObjective(), len(n.settings.Rungs)
	if until == last {
		return n.gain(o.cost, m, o.cost[m], o.spread, taken, ref) / o.work / (1 - n.share(o.continues))
	}
	before, f := n.prior, n.finals[until-1]
	if o.continues > 0 {
		before = n.finals[o.continues-1]
	}
	if f == nil || len(f.rows) < tellsTrials || f.deviation > tells*before.deviation {
		return 0
	}
	unknown := o.spread * f.deviation / before.deviation
	moves := math.Sqrt(o.spread*o.spread - unknown*unknown)
	left := 1 - n.share(until)
	gains, goOn := 0.0, 0.0
	for _, z := range coarse {
		if g := n.gain(o.cost, m, o.cost[m]+z*moves, unknown, taken, ref); g > usual*left*o.work {
			gains += g / float64(len(coarse))
			goOn += 1 / float64(len(coarse))
		}
	}
	return gains / o.work / (n.share(until) - n.share(o.continues) + goOn*left)
}

// chooseByRate fills next with the options that gain most for their work.
//
// A network costs epochs, and its value is noisy: that of a training with another seed differs. So the trained
// objective has another model than the interpolation of the others: a Gaussian process of the genes, the known costs
// and the traits ([finalProcess]). The same process with the value at a rung says what that rung tells of the end. Of
// all that could be trained next, new networks and trials that were stopped, those are taken that add most to the
// hypervolume for the work that they take. Each may be trained to the end, or to an earlier rung and then on only if
// that gains more than another choice would. That weighs fidelities as the knowledge gradient does (Wu,
// Toscano-Palmerin, Frazier and Wilson, "Practical multi-fidelity Bayesian optimization for hyperparameter tuning",
// UAI 2019), by the expected hypervolume improvement (Emmerich, Giannakoglou and Naujoks, "Single- and
// multiobjective evolutionary optimization assisted by Gaussian random field metamodels", 2006).
func (n *SurrogateNSGA2) chooseByRate(options []option, taken [][]float64, ref []float64) {
	last := len(n.settings.Rungs)
	for len(n.next) < n.settings.Batch {
		best, until, most := -1, 0, 0.0
		for i := range options {
			if v := n.rate(&options[i], last, 0, taken, ref); v > most {
				best, until, most = i, last, v
			}
		}
		usual := most
		for i := range options {
			for u := options[i].continues + 1; u < last; u++ {
				if v := n.rate(&options[i], u, usual, taken, ref); v > most {
					best, until, most = i, u, v
				}
			}
		}
		if best < 0 {
			return
		}
		o := &options[best]
		o.until = until
		n.next = append(n.next, o.plannedGenes)
		if until == last {
			taken = append(taken, o.cost)
		}
		options = slices.Delete(options, best, best+1)
	}
}

// nextContinued returns the next candidate of the plan if it continues a trial.
func (n *SurrogateNSGA2) nextContinued() (Candidate, bool) {
	if len(n.next) == 0 || n.next[0].continues == 0 {
		return Candidate{}, false
	}
	p := n.next[0]
	n.next = n.next[1:]
	n.trials[p.parents[0]].continued = true
	c := Candidate{
		ID: n.asked, Genes: p.genes, Generation: n.round, Parents: p.parents, Continues: p.continues, Until: p.until,
		space: n.arch,
	}
	n.asked++
	return c, true
}

// planContinued plans trials to be continued once the space has no new network; false if none is worth it.
func (n *SurrogateNSGA2) planContinued() bool {
	n.next = n.next[:0]
	if len(n.settings.Rungs) == 0 {
		return false
	}
	n.estimateStopped()
	var taken [][]float64
	for _, x := range n.front() {
		taken = append(taken, x.cost)
	}
	if len(taken) == 0 {
		return false
	}
	ref := n.referenceBeyond(taken)
	n.chooseByRate(n.continuable(), taken, ref)
	return len(n.next) > 0
}

// forget takes a trial out of what the models are fitted to, because another has its network.
func (n *SurrogateNSGA2) forget(id int) {
	if n.trials[id].cost != nil {
		n.trials[id].cost, n.features[id] = nil, nil
		n.feasible--
	}
}
