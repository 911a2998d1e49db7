package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"nas/internal/stat"
)

// finalModel predicts the cost after the last rung of trials that came to a certain rung.
type finalModel struct {
	slopes    []float64 // of the value there, then of the known costs as features
	intercept float64
	deviation float64 // of what is left
	trials    int     // that it was fitted to
}

// trainedObjective is the index of the objective that is computed by rungs; -1 without one.
func (n *SurrogateNSGA2) trainedObjective() int {
	return slices.IndexFunc(n.Objectives, func(o Objective) bool { return o.Name == n.settings.Trained })
}

// finalFeatures are what the end of a trial is predicted from, at a rung; at -1, before the first.
func (n *SurrogateNSGA2) finalFeatures(x *individual, rung, m int) []float64 {
	var f []float64
	for i := range n.scales {
		s := &n.scales[i]
		v := s.of(n.Objectives[s.objective].cost(x.cost[s.objective]))
		f = append(f, v, v*v)
	}
	if rung >= 0 {
		f = append(f, n.Objectives[m].cost(x.rungs[rung]))
	}
	return append(f, n.encode(x.genes)...)
}

// leastFinished is the number of finished trials that a [finalModel] is fitted to at least.
const leastFinished = 6

// fitFinal fits the model of a rung to all trials that finished; nil if they are too few.
func (n *SurrogateNSGA2) fitFinal(rung, m int) *finalModel {
	var rows [][]float64
	var y []float64
	for i := range n.trials {
		if x := &n.trials[i]; len(x.rungs) > rung && !x.stopped && x.cost != nil {
			rows, y = append(rows, n.finalFeatures(x, rung, m)), append(y, x.cost[m])
		}
	}
	if len(rows) < leastFinished {
		return nil
	}
	d := len(rows[0])
	mean, dev := make([]float64, d), make([]float64, d)
	for j := range d {
		for _, row := range rows {
			mean[j] += row[j] / float64(len(rows))
		}
		for _, row := range rows {
			dev[j] += (row[j] - mean[j]) * (row[j] - mean[j]) / float64(len(rows))
		}
		if dev[j] = math.Sqrt(dev[j]); dev[j] < 1e-9 {
			dev[j] = 1
		}
	}
	ridge := make([]float64, d)
	for j := range ridge {
		switch known := 2 * len(n.scales); {
		case j >= known+1 || j == known && rung < 0:
			ridge[j] = 2 // a gene
		case j < known && j%2 == 0:
			ridge[j] = 0.03 // a known cost
		default:
			ridge[j] = 0.3 // its square, and the value at the rung
		}
	}
	x, w := mat.NewDense(len(rows), d, nil), make([]float64, len(rows))
	for i, row := range rows {
		for j, v := range row {
			x.Set(i, j, (v-mean[j])/dev[j])
		}
		w[i] = 1
	}
	f := &finalModel{trials: len(rows)}
	fit := func() bool {
		var err error
		f.slopes, f.intercept, err = stat.Ridge(x, y, w, ridge)
		return err == nil
	}
	sum := 0.0
	for i := range rows { // each predicted from the others
		w[i] = 0
		if !fit() {
			return nil
		}
		e := y[i] - f.at(x.RawRowView(i))
		sum += e * e
		w[i] = 1
	}
	f.deviation = math.Sqrt(sum / float64(len(rows)))
	if !fit() {
		return nil
	}
	for j := range f.slopes {
		f.slopes[j] /= dev[j]
		f.intercept -= f.slopes[j] * mean[j]
	}
	return f
}

func (f *finalModel) at(features []float64) float64 {
	v := f.intercept
	for j, s := range f.slopes {
		v += s * features[j]
	}
	return v
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
			x.cost[m] = n.finals[r].at(n.finalFeatures(x, r, m))
		} else {
			x.cost[m] = n.Objectives[m].cost(EstimateFinal(x.rungs, finished))
		}
	}
}
