package imagenet

import (
	"math"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"

	"nas/accuracy/benchmark"
	"nas/internal/stat"
)

// headMenu are the sets of terms whose ridge regressions are averaged. The menu and
// the strengths of the ridge were fixed before the figures of the stored model were
// computed. Averaging over them replaces a choice that five families are too few to
// make.
var headMenu = [][]int{
	{termG, termRes, termSwish, termMACs, termParams},
	{termG, termRes, termSwish, termMACs},
	{termG, termRes, termSwish, termParams},
}

// headRange is the range of each term over all published networks, rounded outwards.
// Terms are clipped to it. It is the same when a family is left out, so that its
// estimates judge the structure of the model and not the clipping.
var headRange = [headTerms][2]float64{
	termG: {-4, -3}, termRes: {-1.3, 1.5}, termSwish: {0, 1}, termMACs: {-4, 6}, termParams: {-3, 3},
}

// headRidge are the ridge's strengths, on standardised terms.
var headRidge = []float64{2, 8}

// recipeRidge is the ridge's strength on the offsets of recipes.
const recipeRidge = 0.3

// fitHead fits the second level to published results: the mean of the ridge
// regressions of the menu. Rows of a family weigh sqrt(40/rows), so that a family
// published at 25 sizes does not outweigh the others fivefold.
func (m *Model) fitHead(rows []trained) error {
	if err := m.fillTerms(); err != nil {
		return err
	}
	count := make(map[string]float64)
	for i := range rows {
		count[rows[i].family]++
	}
	n := len(rows)
	in := make([][headTerms]float64, n)
	y, w := make([]float64, n), make([]float64, n)
	for i := range rows {
		in[i], _ = m.headInputs(&rows[i].features)
		y[i] = linkOf(rows[i].top1)
		w[i] = math.Sqrt(40 / count[rows[i].family])
	}
	var mean, sd [headTerms]float64
	col := make([]float64, n)
	var fitted [headTerms]headTerm
	for k := range headTerms {
		for i := range in {
			col[i] = in[i][k]
		}
		mean[k], sd[k] = gonum.MeanStdDev(col, nil)
		if sd[k] == 0 {
			sd[k] = 1 // a term that these families do not have, such as swish
		}
		fitted[k].Low, fitted[k].High = headRange[k][0], headRange[k][1]
	}
	m.Intercept, m.Recipes = 0, map[string]float64{}
	share := 1 / float64(len(headMenu)*len(headRidge))
	offsets := benchmark.Recipes[1:] // BaseRecipe has none
	for _, terms := range headMenu {
		for _, strength := range headRidge {
			d := len(terms) + len(offsets)
			x, ridge := mat.NewDense(n, d, nil), make([]float64, d)
			for j, k := range terms {
				ridge[j] = strength
				if k == termG {
					ridge[j] = strength / 10 // the term that the structure rests on
				}
				for i := range in {
					x.Set(i, j, (in[i][k]-mean[k])/sd[k])
				}
			}
			for j, recipe := range offsets {
				ridge[len(terms)+j] = recipeRidge
				for i := range rows {
					if rows[i].recipe == recipe {
						x.Set(i, len(terms)+j, 1)
					}
				}
			}
			c, b, err := stat.Ridge(x, y, w, ridge)
			if err != nil {
				return err
			}
			m.Intercept += share * b
			for j, k := range terms {
				fitted[k].Coefficient += share * c[j] / sd[k]
				m.Intercept -= share * c[j] * mean[k] / sd[k]
			}
			for j, recipe := range offsets {
				m.Recipes[recipe] += share * c[len(terms)+j]
			}
		}
	}
	m.Recipes[benchmark.BaseRecipe] = 0
	m.Terms = make(map[string]headTerm, headTerms)
	for k, t := range fitted {
		m.Terms[headTermNames[k]] = t
	}
	return m.ready()
}

// fillTerms gives a model without a second level empty terms, so that headInputs works.
func (m *Model) fillTerms() error {
	if m.Terms == nil {
		m.Terms = map[string]headTerm{}
		for _, name := range headTermNames {
			m.Terms[name] = headTerm{}
		}
	}
	return m.ready()
}
