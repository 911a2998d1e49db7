package costmodel

import (
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// Stray is a measured unit whose time does not fit the times of the others: a slip in a table.
type Stray struct {
	Unit       engine.Unit
	ExpectedMs float64 // what the others lead to expect
}

// Factors by which the time of a stray differs at least from the expected one. By costs common to processors, times
// of a kind of unit differ by a factor of seven. In tables of blocks, the time predicted from all the others is
// within a factor of 1.8; a single odd shape may be slower by more.
var (
	farFromCommon = math.Log(20)
	farFromOthers = math.Log(5)
	farFromAll    = math.Log(200) // of one that has no like
)

// FitTable calls fit with the units of a table, and calls it again without the worst stray until there is none, or
// one of twenty units is left out. It returns the units of the last call, and those left out. fit may change the
// times of its units.
func FitTable(
	us []UnitTime, t *engine.Target, fit func([]UnitTime) (map[string]*KindModel, error),
) (kept []UnitTime, strays []Stray, err error) {
	strays = commonStrays(us, t)
	for {
		kept = slices.DeleteFunc(slices.Clone(us), func(u UnitTime) bool {
			return slices.ContainsFunc(strays, func(s Stray) bool { return s.Unit == u.Unit })
		})
		kinds, err := fit(kept)
		if err != nil {
			return nil, nil, err
		}
		worst := 1.0
		var next Stray
		for _, k := range kinds {
			if k.stray != nil && k.strayBy > worst {
				worst, next = k.strayBy, *k.stray
			}
		}
		if next.ExpectedMs == 0 || len(strays) > len(us)/20 {
			return kept, strays, nil
		}
		strays = append(strays, next)
	}
}

// commonStrays finds units far from what costs common to processors, times one factor for each kind, let expect.
func commonStrays(us []UnitTime, t *engine.Target) (strays []Stray) {
	common := &KindModel{costs: vocabularies[""].costs(commonCosts)}
	of := map[string][]int{}
	for i := range us {
		k := KindOf(&us[i].Unit)
		of[k] = append(of[k], i)
	}
	for _, list := range of {
		logs, expected := make([]float64, len(list)), make([]float64, len(list))
		features := make([][]float64, len(list))
		for j, i := range list {
			expected[j] = common.analytic(workload.Terms(nil, &us[i].Unit, t))
			logs[j] = math.Log(us[i].Ms / expected[j])
			features[j] = workload.FeaturesOf(nil, &us[i].Unit, t)
		}
		factor := math.Exp(stat.Median(slices.Clone(logs)))
		single := singular(features)
		for _, j := range stat.Strays(logs, farFromCommon) {
			if single[j] && math.Abs(logs[j]-math.Log(factor)) < farFromAll {
				continue
			}
			strays = append(strays, Stray{us[list[j]].Unit, factor * expected[j]})
		}
	}
	return strays
}

// singular tells of each unit whether it is one of the few, at most four, that lie more than half an octave beyond the
// range of all others in some feature: the others do not say what its time should be.
func singular(features [][]float64) []bool {
	out := make([]bool, len(features))
	for j := range features[0] {
		column := make([]float64, len(features))
		for i, f := range features {
			column[i] = f[j]
		}
		slices.Sort(column)
		n := len(column)
		few := min(max(1, min(4, n/10)), n-1)
		low, high := column[few]-0.5, column[n-1-few]+0.5
		for i, f := range features {
			out[i] = out[i] || f[j] < low || f[j] > high
		}
	}
	return out
}

// findStray notes the unit furthest from what the process predicts from all others, if it is far: against the
// deviation of that prediction, too. The logarithms of the errors are errs.
func (m *KindModel) findStray(us []UnitTime, features [][]float64, errs, dev []float64) {
	single := singular(features)
	for i, e := range errs {
		if single[i] {
			continue
		}
		by := math.Abs(e) / max(farFromOthers, 4*math.Hypot(dev[i], m.Hyper.Noise))
		if by > max(1, m.strayBy) {
			m.stray, m.strayBy = &Stray{us[i].Unit, us[i].Ms / math.Exp(e)}, by
		}
	}
}
