package costmodel

import (
	"maps"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// FitBlocks fits models to a table of blocks: of the kinds and of the blocks' components, and
// the components' corrections. With minusSkip, a block without a residual was measured less
// the convolution that stands in its place where it is skipped; FitBlocks estimates the time
// of that convolution and adds it to us.
func FitBlocks(us []UnitTime, minusSkip bool, t *engine.Target) (map[string]*KindModel, *AdditiveModel, error) {
	parts := fitComponents(us, minusSkip, t)
	kinds, err := FitKinds(us, t, nil)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(kinds, parts)
	return kinds, FitAdditive(oneByOne(us), kinds, t, nil), nil
}

// fitComponents fits the costs of the components. With minusSkip it first fits those of the
// skip convolution, as the kind skipKind, to the differences that the table holds.
func fitComponents(us []UnitTime, minusSkip bool, t *engine.Target) map[string]*KindModel {
	kinds := map[string]*KindModel{}
	if minusSkip {
		amounts := func(u *engine.Unit) []float64 {
			row := workload.Terms(nil, u, t)
			if s, ok := skipOf(u); ok {
				for j, v := range workload.Terms(nil, &s, t) {
					row[j] -= v
				}
			}
			return row
		}
		kinds[skipKind] = newCosts(skipKind, len(us), relativeCosts(us, amounts, 1e-4))
		for i := range us {
			us[i].Ms += skipMs(&us[i].Unit, kinds, t)
		}
	}
	costs := relativeCosts(us, func(u *engine.Unit) []float64 {
		row := make([]float64, len(blockComponents)*workload.NumTerms)
		for _, p := range componentsOf(u) {
			if k := slices.Index(blockComponents, p.kind); k >= 0 {
				copy(row[k*workload.NumTerms:], workload.Terms(nil, &p.unit, t))
			}
		}
		return row
	}, 1e-2)
	for k, n := range blockComponents {
		kinds[n] = newCosts(n, len(us), costs[k*workload.NumTerms:(k+1)*workload.NumTerms])
	}
	return kinds
}

// relativeCosts fits costs to the amounts of units by non-negative least squares of the
// relative error, reweighted three times with Huber weights.
func relativeCosts(us []UnitTime, amounts func(u *engine.Unit) []float64, ridge float64) (costs []float64) {
	rows := make([][]float64, len(us))
	b, w, abs := make([]float64, len(us)), slices.Repeat([]float64{1}, len(us)), make([]float64, len(us))
	for range 3 {
		for i := range us {
			rows[i], b[i] = amounts(&us[i].Unit), w[i]
			for j := range rows[i] {
				rows[i][j] *= w[i] / (1000 * us[i].Ms)
			}
		}
		costs = stat.NNLS(rows, b, ridge)
		for i := range us {
			e := b[i]
			for j, c := range costs {
				e -= c * rows[i][j]
			}
			abs[i] = math.Abs(e) / w[i]
		}
		stat.HuberRowScales(w, abs)
	}
	return costs
}

// newCosts is a model of costs alone. Of one component 15 % is a usual error.
func newCosts(kind string, units int, costs []float64) *KindModel {
	return &KindModel{
		Kind: kind, Units: units, Costs: vocabularies[""].named(costs), costs: costs, ResidualRMS: 0.15, LeaveOneOut: 0.15,
	}
}

// skipKind is the kind of the convolution that stands in the place of a skipped block.
const skipKind = "block.skip"

// skipOf returns that convolution. There is none for blocks with a residual, nor for units
// other than blocks.
func skipOf(u *engine.Unit) (skip engine.Unit, ok bool) {
	one := [2]int{1, 1}
	return engine.Unit{
		Name: "conv", In: u.In, Out: u.Out, Kernel: one, Stride: u.Stride, Dilation: one,
		Groups: 1, Act: u.DWAct, Batch: u.Batch,
	}, u.Name == "block" && !u.Residual
}

// skipMs is the time of skipOf in ms, 0 if there is none.
func skipMs(u *engine.Unit, kinds map[string]*KindModel, t *engine.Target) float64 {
	s, ok := skipOf(u)
	if !ok {
		return 0
	}
	return kinds[skipKind].analytic(workload.Terms(nil, &s, t))
}
