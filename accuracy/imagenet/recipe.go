package imagenet

import (
	"math"
	"slices"
	"strings"

	"nas/accuracy/benchmark"
	"nas/internal/fault"
	"nas/internal/stat"
)

// recipeSpread is what a class of recipes gives one network more or less than another: the
// standard deviation of t over networks that were published with a recipe of the base class
// and with one of this class. For distilled it is that over ways to distil.
var recipeSpread = map[string]float64{
	benchmark.BaseRecipe: 0, benchmark.AugmentedRecipe: 0.034, benchmark.StrongRecipe: 0.039, distilled: 0.08,
}

const (
	distilled = "distilled" // trained on what a larger network says

	// distilledShift is the mean difference of t between 22 specialised networks of
	// once-for-all and estimates of a model that had seen none.
	distilledShift = 0.17
)

// Recipes are the classes of recipes that an estimate can be for, the base class first.
var Recipes = []string{benchmark.BaseRecipe, benchmark.AugmentedRecipe, benchmark.StrongRecipe, distilled}

// Recipe is what a class of recipes changes in an estimate. The zero value is the base class.
type Recipe struct {
	Name   string
	shift  float64 // of t
	spread float64 // standard deviation of the shift between networks
}

// Recipe returns a class by name; "" is base.
func (m *Model) Recipe(name string) (Recipe, error) {
	if name == "" {
		name = benchmark.BaseRecipe
	}
	if !slices.Contains(Recipes, name) {
		return Recipe{}, fault.Errorf("accuracy: unknown recipe %q, want one of %s", name, strings.Join(Recipes, ", "))
	}
	shift, ok := m.Recipes[name]
	if !ok && name == distilled {
		shift = distilledShift
	}
	return Recipe{name, shift, recipeSpread[name]}, nil
}

// Apply turns an estimate for a recipe of the base class into one for this class. The
// interval becomes wider by what the class gives one network more than another. Ceiling is
// the model's, in per cent.
func (r Recipe) Apply(e Estimate, ceiling float64) Estimate {
	if r.shift == 0 && r.spread == 0 {
		return e
	}
	top1 := ceiling - (ceiling-e.Top1Pct)*math.Exp(-r.shift)
	scale := errorScale(top1) / errorScale(e.Top1Pct)
	half := math.Hypot(scale*max(e.High-e.Top1Pct, e.Top1Pct-e.Low), stat.Half90*r.spread*(ceiling-top1))
	e.Low, e.High = max(top1-half, 0), min(top1+half, 100)
	e.Between *= scale
	e.Top1Pct = top1
	return e
}
