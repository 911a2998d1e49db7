package imagenet

import (
	"math"
	"slices"

	"nas/accuracy/benchmark"
)

// LeftOut are estimates of the benchmark published by models that had not seen the
// network's family. The class of its recipe is given.
type LeftOut struct {
	Top1Pct     map[string]float64 // by id
	MAEPct      float64            // mean absolute error, mean over families
	CoveragePct float64            // share of networks within their 90 % interval
}

// LeaveFamiliesOut fits a second level for each family that is left out, on top of
// the first level of the model that the program carries.
func LeaveFamiliesOut() (LeftOut, error) {
	m, err := Load()
	if err != nil {
		return LeftOut{}, err
	}
	rows, err := publishedTrained()
	if err != nil {
		return LeftOut{}, err
	}
	out, err := leaveFamiliesOut(m, classesFixedBefore(rows))
	if err != nil {
		return LeftOut{}, err
	}
	l := LeftOut{Top1Pct: make(map[string]float64, len(out)), CoveragePct: coveragePct(out)}
	l.MAEPct, _ = familyMAE(out)
	for _, r := range out {
		l.Top1Pct[r.id] = r.estimate
	}
	return l, nil
}

// families are the groups that are left out in turn.
var families = []string{"v1", "v2", "v3", "mnasnet", "efficientnet"}

// leftOut is the estimate of a network by a model fitted without its family.
type leftOut struct {
	trained
	estimate float64
	low      float64 // of the interval, itself from the other families
	high     float64
}

// leaveFamiliesOut estimates each published network by a second level that has
// not seen its family; the interval comes from leaving out families among the
// others. The recipe class of the network is given.
func leaveFamiliesOut(first *Model, rows []trained) ([]leftOut, error) {
	var out []leftOut
	for _, family := range families {
		in, rest := splitFamily(rows, family)
		if len(in) == 0 {
			continue
		}
		m := *first
		if err := m.fitHead(rest); err != nil {
			return nil, err
		}
		var others []leftOut
		for _, inner := range families {
			a, b := splitFamily(rest, inner)
			if len(a) == 0 {
				continue
			}
			k := *first
			if err := k.fitHead(b); err != nil {
				return nil, err
			}
			for _, r := range a {
				e, _ := k.predict(&r.t, r.recipe)
				others = append(others, leftOut{trained: r, estimate: e})
			}
		}
		m.HalfWidth = halfWidthAt75(others)
		for _, r := range in {
			e, _ := m.predict(&r.t, r.recipe)
			h := m.halfWidth(e)
			out = append(out, leftOut{trained: r, estimate: e, low: e - h, high: e + h})
		}
	}
	return out, nil
}

// classesFixedBefore returns the rows with the recipe classes that were fixed
// before any error had been seen: early recipes count as base.
func classesFixedBefore(rows []trained) []trained {
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

// familyMAE is the mean over families of their mean absolute errors.
func familyMAE(rows []leftOut) (mean float64, each map[string]float64) {
	each = make(map[string]float64)
	for _, family := range families {
		sum, n := 0.0, 0.0
		for _, r := range rows {
			if r.family == family {
				sum += math.Abs(r.estimate - r.top1)
				n++
			}
		}
		each[family] = sum / n
		mean += sum / n / float64(len(families))
	}
	return mean, each
}

// coveragePct is the share of networks within their interval.
func coveragePct(rows []leftOut) float64 {
	inside := 0.0
	for _, r := range rows {
		if r.low <= r.top1 && r.top1 <= r.high {
			inside++
		}
	}
	return 100 * inside / float64(len(rows))
}
