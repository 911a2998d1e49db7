package fit

import (
	"slices"

	"nas/accuracy/benchmark"
	"nas/accuracy/imagenet"
	"nas/accuracy/internal/twolevel"
	"nas/internal/stat"
)

// Published are estimates of the networks of the benchmark "published" by models that
// had not seen the network's family. The class of its recipe is given.
type Published struct {
	Top1Pct     map[string]float64 // by id
	MAEPct      float64            // mean absolute error, mean over families
	CoveragePct float64            // share of networks within their 90 % interval
}

// EstimatePublished fits a second level without each family of published networks, on
// top of the first level of the model that the program carries.
func EstimatePublished() (Published, error) {
	m, err := imagenet.Load()
	if err != nil {
		return Published{}, err
	}
	rows, err := publishedTrained()
	if err != nil {
		return Published{}, err
	}
	out, err := leaveFamiliesOut(m.Model, rows)
	if err != nil {
		return Published{}, err
	}
	p := Published{Top1Pct: make(map[string]float64, len(out)), CoveragePct: coveragePct(out)}
	p.MAEPct, _ = familyMAE(out)
	for _, r := range out {
		p.Top1Pct[r.id] = r.estimate
	}
	return p, nil
}

// leaveFamiliesOut estimates each published network by a second level fitted without
// the network's family. The recipe class of the network is given. The interval comes from
// leaving out each of the other families as well, with early recipes counted as base: the recipe
// of a new family may be of a class that is not known yet, and its shift is part of the error.
func leaveFamiliesOut(first *twolevel.Model, rows []trained) ([]heldOut, error) {
	var out []heldOut
	for _, family := range families {
		in, rest := splitFamily(rows, family)
		if len(in) == 0 {
			continue
		}
		m := *first
		if err := fitHead(&m, rest); err != nil {
			return nil, err
		}
		var others []heldOut
		plain := withoutEarly(rest)
		for _, inner := range families {
			a, b := splitFamily(plain, inner)
			if len(a) == 0 {
				continue
			}
			k := *first
			if err := fitHead(&k, b); err != nil {
				return nil, err
			}
			for _, r := range a {
				e, _ := k.Predict(&r.features, r.recipe)
				others = append(others, heldOut{trained: r, estimate: e})
			}
		}
		m.HalfWidth = halfWidthAt75(others)
		for _, r := range in {
			e, _ := m.Predict(&r.features, r.recipe)
			h := m.HalfWidth * twolevel.ErrorScale(e)
			out = append(out, heldOut{trained: r, estimate: e, low: e - h, high: e + h})
		}
	}
	return out, nil
}

// withoutEarly returns the rows with early recipes counted as base. The class was added
// because models without it had misjudged the families that have it.
func withoutEarly(rows []trained) []trained {
	rows = slices.Clone(rows)
	for i := range rows {
		if rows[i].recipe == benchmark.EarlyRecipe {
			rows[i].recipe = benchmark.BaseRecipe
		}
	}
	return rows
}

func splitFamily(rows []trained, family string) (in, rest []trained) {
	for _, r := range rows {
		if r.family == family {
			in = append(in, r)
		} else {
			rest = append(rest, r)
		}
	}
	return in, rest
}

// figures say what estimates of networks are worth.
type figures struct{ tau, sameCost, regretMean, regretWorst float64 }

// add adds the figures of the networks rows under score, divided by n. After n calls f is the mean.
func (f *figures) add(n float64, rows []stat.Judged, score []float64) {
	truth := make([]float64, len(rows))
	for i := range rows {
		rows[i].Score, truth[i] = score[i], rows[i].Truth
	}
	f.tau += stat.KendallTau(score, truth) / n
	f.sameCost += stat.SameCostTau(rows) / n
	mean, worst := stat.Regret(rows)
	f.regretMean += mean / n
	f.regretWorst += worst / n
}

// crossValidation is the accel part of a model's figures.
type crossValidation struct {
	model     figures   // of both levels
	process   figures   // of the first level alone
	estimates []float64 // of each network, by the model fitted without its fold
}

// crossValidate refits everything, hyperparameters included, for each fold of the
// accel networks. The figures are means over the folds.
func crossValidate(accel, published []trained, folds int) (crossValidation, error) {
	order := stat.SampleRows(len(accel), len(accel), fitSeed+1)
	c := crossValidation{estimates: make([]float64, len(accel))}
	for f := range folds {
		var in []trained
		var out []int
		for i, j := range order {
			if i%folds == f {
				out = append(out, j)
			} else {
				in = append(in, accel[j])
			}
		}
		m, err := fitProcess(in)
		if err != nil {
			return c, err
		}
		if err := fitHead(m, published); err != nil {
			return c, err
		}
		rows := make([]stat.Judged, len(out))
		both, first := make([]float64, len(out)), make([]float64, len(out))
		for i, j := range out {
			n := &accel[j]
			rows[i] = stat.Judged{ID: n.id, MACs: n.macs, Truth: n.top1}
			both[i], _ = m.Predict(&n.features, benchmark.BaseRecipe)
			terms, _ := m.HeadInputs(&n.features)
			first[i] = terms[twolevel.TermG]
			c.estimates[j] = both[i]
		}
		c.model.add(float64(folds), rows, both)
		c.process.add(float64(folds), rows, first)
	}
	return c, nil
}
