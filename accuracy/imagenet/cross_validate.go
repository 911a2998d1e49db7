package imagenet

import (
	"nas/accuracy/benchmark"
	"nas/internal/stat"
)

// crossValidation is the accel part of a model's figures: each network estimated
// by a model fitted without its fold, through both levels.
type crossValidation struct {
	tau, sameCost, regretMean, regretWorst float64
	processTau, processSameCost            float64   // of the first level alone
	estimates                              []float64 // of each network by a model that had not seen it
}

// crossValidate refits everything, hyperparameters included, for each fold. The
// figures are means over the folds.
func crossValidate(accel, pub []trained, folds int) (crossValidation, error) {
	order := stat.SampleRows(len(accel), len(accel), fitSeed+1)
	c := crossValidation{estimates: make([]float64, len(accel))}
	for f := range folds {
		var in, out []trained
		var at []int
		for i, j := range order {
			if i%folds == f {
				out, at = append(out, accel[j]), append(at, j)
			} else {
				in = append(in, accel[j])
			}
		}
		m, err := fitProcess(in)
		if err != nil {
			return c, err
		}
		if err := m.fitHead(pub); err != nil {
			return c, err
		}
		rows, first := make([]stat.Judged, len(out)), make([]stat.Judged, len(out))
		x, y, z := make([]float64, len(out)), make([]float64, len(out)), make([]float64, len(out))
		for i := range out {
			e, _ := m.predict(&out[i].t, benchmark.BaseRecipe)
			rows[i] = stat.Judged{ID: out[i].id, MACs: out[i].macs, Truth: out[i].top1, Score: e}
			x[i], y[i] = e, out[i].top1
			c.estimates[at[i]] = round(e, 4)
			in, _ := m.headInputs(&out[i].t)
			first[i] = rows[i]
			first[i].Score, z[i] = in[termG], in[termG]
		}
		c.processTau += stat.KendallTau(z, y) / float64(folds)
		c.processSameCost += stat.SameCostTau(first) / float64(folds)
		mean, worst := stat.Regret(rows)
		k := float64(folds)
		c.tau += stat.KendallTau(x, y) / k
		c.sameCost += stat.SameCostTau(rows) / k
		c.regretMean += mean / k
		c.regretWorst += worst / k
	}
	return c, nil
}
