package search

import (
	"math"
	"slices"
)

// trainedObjective is the index of the objective that is computed by rungs; -1 without one.
func (n *SurrogateNSGA2) trainedObjective() int {
	return slices.IndexFunc(n.Objectives, func(o Objective) bool { return o.Name == n.settings.Trained })
}

// finalRow is what the end of a trial is predicted from, at a rung; at -1, before the first.
func (n *SurrogateNSGA2) finalRow(x *individual, rung, m int) finalRow {
	row := finalRow{value: math.NaN(), genes: n.encode(x.genes), traits: make([]float64, 0, len(n.scales)+len(n.traits))}
	for i := range n.scales {
		s := &n.scales[i]
		row.traits = append(row.traits, s.of(n.Objectives[s.objective].cost(x.cost[s.objective]))/s.unit)
	}
	if len(n.traits) > 0 {
		for i, v := range n.settings.Traits(x.genes) {
			row.traits = append(row.traits, n.traits[i].of(v))
		}
	}
	if rung >= 0 {
		row.value = n.Objectives[m].cost(x.rungs[rung])
	}
	return row
}

// mostFinished bounds the work of a fit, which grows with the cube of the trials: half a second.
const mostFinished = 400

// fitFinal fits the process of a rung to the last trials that finished, mostFinished at most; nil if they are too few.
func (n *SurrogateNSGA2) fitFinal(rung, m int) *finalProcess {
	var rows []finalRow
	var cost []float64
	for i := len(n.trials) - 1; i >= 0 && len(rows) < mostFinished; i-- {
		if x := &n.trials[i]; len(x.rungs) > rung && !x.stopped && x.cost != nil {
			rows, cost = append(rows, n.finalRow(x, rung, m)), append(cost, x.cost[m])
		}
	}
	slices.Reverse(rows)
	slices.Reverse(cost)
	return newFinalProcess(rows, cost)
}

// estimateStopped sets the costs of the trials that were stopped from all that finished.
func (n *SurrogateNSGA2) estimateStopped() {
	m := n.trainedObjective()
	if m < 0 {
		return
	}
	var finished [][]float64
	for i := range n.trials {
		if x := &n.trials[i]; len(x.rungs) > 0 && !x.stopped {
			finished = append(finished, x.rungs)
		}
	}
	n.finals = n.finals[:0]
	if len(n.settings.Rungs) > 0 {
		n.prior = n.fitFinal(-1, m)
	}
	for r := 0; r < len(n.settings.Rungs)-1; r++ {
		n.finals = append(n.finals, n.fitFinal(r, m))
	}
	for i := range n.trials {
		x := &n.trials[i]
		if !x.stopped || x.cost == nil {
			continue
		}
		if r := len(x.rungs) - 1; r < len(n.finals) && n.finals[r] != nil {
			x.cost[m] = n.finals[r].mean(n.finalRow(x, r, m))
		} else {
			x.cost[m] = n.Objectives[m].cost(EstimateFinal(x.rungs, finished))
		}
	}
}
