package fit

import (
	"iter"
	"strings"

	"gonum.org/v1/gonum/mat"

	"nas/accuracy/benchmark"
	"nas/accuracy/internal/twolevel"
	"nas/internal/stat"
)

// headRange is the range of each term over all published networks, rounded outwards.
// Terms are clipped to it. It is the same when a family is left out, so that its
// estimates judge the structure of the model and not the clipping.
var headRange = [twolevel.HeadTerms][2]float64{
	twolevel.TermG: {-4, -3}, twolevel.TermRes: {-1.3, 1.5}, twolevel.TermSwish: {0, 1}, twolevel.TermMACs: {-4, 6},
}

// The second level is a linear model with effects of each family and each network (a mixed
// model: Laird and Ware, Random-effects models for longitudinal data, Biometrics 1982). What
// follows are standard deviations on the scale of the link, where 0.067 are a point at 75 %. Those
// of the families, the recipes, and of noise and networks together (0.045) maximise the
// marginal likelihood of the published networks on a coarse grid; the share of the noise is what two
// results of one network by two recipes spread by. The others are wide.
const (
	headNoise  = 0.026
	networkSD  = 0.037 // of what the results of a network share beyond the terms: it tells recipes apart
	familySD   = 0.02  // of what the networks of a family share
	recipeSD   = 0.05  // of the offset of a class of recipes to base
	processSD  = 3     // of the coefficient of the process
	otherTerms = 0.3   // of that of another term
)

// recipePrior is the offset of a class that other networks than the published ones tell. MEAL V2
// (Shen and Savvides, 2020) distils MobileNetV3-Small, Large and EfficientNet-B0: the 67.4,
// 75.2 and 76.3 % of their papers become the 69.65, 76.92 and 78.29 % of the table in szq0214/MEAL-V2.
var recipePrior = map[string]float64{benchmark.DistilledRecipe: 0.128}

// fitHead fits the second level to published results. Families have effects of their own,
// which a network of a new family has none of.
func fitHead(m *twolevel.Model, rows []trained) error {
	if err := fillTerms(m); err != nil {
		return err
	}
	offsets := benchmark.Recipes[1:] // BaseRecipe has none
	column := make(map[string]int)
	var prior []float64 // standard deviation of each coefficient
	for k := range twolevel.HeadTerms {
		prior = append(prior, otherTerms)
		if k == twolevel.TermG {
			prior[k] = processSD
		}
	}
	for j, recipe := range offsets {
		column[recipe] = twolevel.HeadTerms + j
		prior = append(prior, recipeSD)
	}
	for i := range rows {
		for name, sd := range rows[i].effects() {
			if column[name] == 0 {
				column[name] = len(prior)
				prior = append(prior, sd)
			}
		}
	}
	x := mat.NewDense(len(rows), len(prior), nil)
	y, w, ridge := make([]float64, len(rows)), make([]float64, len(rows)), make([]float64, len(prior))
	for j, sd := range prior {
		ridge[j] = headNoise * headNoise / (sd * sd)
	}
	for i := range rows {
		r := &rows[i]
		in, _ := m.HeadInputs(&r.features)
		for k, v := range in {
			x.Set(i, k, min(max(v, headRange[k][0]), headRange[k][1]))
		}
		if j, ok := column[r.recipe]; ok {
			x.Set(i, j, 1)
		}
		for name := range r.effects() {
			x.Set(i, column[name], 1)
		}
		y[i], w[i] = linkOf(r.top1)-recipePrior[r.recipe], 1
	}
	c, b, err := stat.Ridge(x, y, w, ridge)
	if err != nil {
		return err
	}
	m.Intercept, m.Recipes = b, map[string]float64{benchmark.BaseRecipe: 0}
	for _, recipe := range offsets {
		m.Recipes[recipe] = recipePrior[recipe] + c[column[recipe]]
	}
	m.Terms = make(map[string]twolevel.HeadTerm, twolevel.HeadTerms)
	for k, name := range twolevel.HeadTermNames {
		m.Terms[name] = twolevel.HeadTerm{Coefficient: c[k], Low: headRange[k][0], High: headRange[k][1]}
	}
	return m.Ready()
}

// effects are the names of what a result shares with others, and their standard deviations. The
// name of a published network ends in its recipe.
func (r *trained) effects() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		_ = yield("family "+r.family, familySD) && yield("network "+r.id[:strings.LastIndexByte(r.id, ' ')+1], networkSD)
	}
}

// fillTerms gives a model without a second level empty terms, so that HeadInputs works.
func fillTerms(m *twolevel.Model) error {
	if m.Terms == nil {
		m.Terms = map[string]twolevel.HeadTerm{}
		for _, name := range twolevel.HeadTermNames {
			m.Terms[name] = twolevel.HeadTerm{}
		}
	}
	return m.Ready()
}
