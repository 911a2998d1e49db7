package costmodel

import (
	"maps"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// FitBlocks fits models to a table of blocks: those of the kinds, and the corrections of
// the blocks' components.
func FitBlocks(us []UnitTime, minusSkip bool, t *engine.Target) (map[string]*KindModel, *AdditiveModel, error) {
	parts := fitComponents(us, minusSkip, t)
	kinds, err := FitKinds(us, t, nil)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(kinds, parts)
	return kinds, FitAdditive(oneByOne(us), kinds, t, nil), nil
}

// fitComponents fits the costs of the parts of blocks to a table of blocks. With
// minusSkip, the blocks without a residual lack the time of a convolution in
// their place; it is worked out from what blocks as a whole cost, as a kind
// "block.skip", and added to us.
func fitComponents(us []UnitTime, minusSkip bool, t *engine.Target) map[string]*KindModel {
	kinds := map[string]*KindModel{}
	if minusSkip {
		amounts := func(u *engine.Unit) []float64 {
			row := terms(nil, u, t)
			if s, ok := skipOf(u); ok {
				for j, v := range terms(nil, &s, t) {
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
	nt := len(termNames)
	costs := relativeCosts(us, func(u *engine.Unit) []float64 {
		row := make([]float64, len(blockComponents)*nt)
		for _, p := range componentsOf(u) {
			if k := slices.Index(blockComponents, p.kind); k >= 0 {
				copy(row[k*nt:], terms(nil, &p.unit, t))
			}
		}
		return row
	}, 1e-2)
	for k, n := range blockComponents {
		kinds[n] = newCosts(n, len(us), costs[k*nt:(k+1)*nt])
	}
	return kinds
}

// relativeCosts fits costs to the amounts of units by least squares of the
// relative error with Huber weights (k = 1.345).
func relativeCosts(us []UnitTime, amounts func(u *engine.Unit) []float64, ridge float64) (costs []float64) {
	rows := make([][]float64, len(us))
	b, w := make([]float64, len(us)), make([]float64, len(us))
	for i := range w {
		w[i] = 1
	}
	for range 3 {
		for i := range us {
			rows[i], b[i] = amounts(&us[i].Unit), w[i]
			for j := range rows[i] {
				rows[i][j] *= w[i] / (1000 * us[i].Ms)
			}
		}
		costs = stat.NNLS(rows, b, ridge)
		abs := make([]float64, len(us))
		for i := range us {
			e := b[i]
			for j, c := range costs {
				e -= c * rows[i][j]
			}
			abs[i] = math.Abs(e) / w[i]
		}
		s := 1.4826 * stat.Median(slices.Clone(abs))
		for i := range w {
			w[i] = math.Sqrt(min(1, 1.345*max(s, 1e-6)/max(abs[i], 1e-12)))
		}
	}
	return costs
}

// newCosts is a model of costs alone.
func newCosts(kind string, units int, costs []float64) *KindModel {
	m := &KindModel{Kind: kind, Units: units, Costs: map[string]float64{}, costs: costs, ResidualRMS: 0.15, LeaveOneOut: 0.15}
	for j, c := range costs {
		if c > 0 {
			m.Costs[termNames[j]] = c
		}
	}
	return m
}

// skipOf is the convolution that stands in the place of a block that is skipped.
func skipOf(u *engine.Unit) (engine.Unit, bool) {
	one := [2]int{1, 1}
	return engine.Unit{Name: "conv", In: u.In, Out: u.Out, Kernel: one, Stride: u.Stride, Dilation: one, Groups: 1, Act: u.DWAct, Batch: u.Batch},
		u.Name == "block" && !u.Residual
}

// skipKind is the kind of that convolution.
const skipKind = "block.skip"

// skipMs is its time in ms, 0 where nothing stands there.
func skipMs(u *engine.Unit, kinds map[string]*KindModel, t *engine.Target) float64 {
	s, ok := skipOf(u)
	if !ok {
		return 0
	}
	return kinds[skipKind].analytic(terms(nil, &s, t))
}
