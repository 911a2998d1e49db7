package imagenet

import (
	"math"
	"slices"
	"strings"

	"nas/accuracy/benchmark"
	"nas/accuracy/internal/twolevel"
	"nas/internal/fault"
	"nas/internal/stat"
)

// recipeShift is the mean gain of t by a class of recipes over the base class, of networks that were
// published with both. The offsets of the second level are not used for it: they also take up what
// the families of a class share.
var recipeShift = map[string]float64{benchmark.AugmentedRecipe: 0.038, benchmark.StrongRecipe: 0.097}

// recipeSpread is what a class of recipes gives one network more or less than another: the
// standard deviation of t over networks that were published with a recipe of the base class
// and with one of this class. For distilled it is that over ways to distil.
var recipeSpread = map[string]float64{
	benchmark.BaseRecipe: 0, benchmark.AugmentedRecipe: 0.034, benchmark.StrongRecipe: 0.039, distilled: 0.08,
}

const distilled = "distilled" // trained on what a larger network says

// Recipes are the classes of recipes that an estimate can be for, the base class first.
var Recipes = []string{benchmark.BaseRecipe, benchmark.AugmentedRecipe, benchmark.StrongRecipe, distilled}

// Recipe is what a class of recipes changes in an estimate. [Model.Recipe] makes one.
type Recipe struct {
	Name    string
	shift   float64 // of t
	spread  float64 // standard deviation of the shift between networks
	ceiling float64 // the model's, in per cent
}

// Recipe returns a class by name; "" is base.
func (m *Model) Recipe(name string) (Recipe, error) {
	if name == "" {
		name = benchmark.BaseRecipe
	}
	if !slices.Contains(Recipes, name) {
		return Recipe{}, fault.Errorf("accuracy: unknown recipe %q, want one of %s", name, strings.Join(Recipes, ", "))
	}
	shift := recipeShift[name]
	if name == distilled {
		shift = m.Recipes[name] // nothing was published with and without
	}
	return Recipe{name, shift, recipeSpread[name], m.Ceiling}, nil
}

// Apply turns an estimate for a recipe of the base class into one for this class. The
// interval becomes wider by what the class gives one network more than another.
func (r Recipe) Apply(e Estimate) Estimate {
	if r.shift == 0 && r.spread == 0 {
		return e
	}
	top1 := r.ceiling - (r.ceiling-e.Top1Pct)*math.Exp(-r.shift)
	scale := twolevel.ErrorScale(top1) / twolevel.ErrorScale(e.Top1Pct)
	half := math.Hypot(scale*max(e.High-e.Top1Pct, e.Top1Pct-e.Low), stat.Half90*r.spread*(r.ceiling-top1))
	e.Low, e.High = max(top1-half, 0), min(top1+half, 100)
	e.Between *= scale
	e.Top1Pct = top1
	return e
}

// What is known of a family of networks before it is trained, against the published frontier
// at equal MACs. From 50 to 600 M MACs the best published family leads the second by newLead points
// in the median (the mean is twice that, where little was published). The others lie on average
// newLag points below the best. Six compete, so that one more leads with a probability of one in
// seven.
const (
	newLead    = 0.30
	newLag     = 3.91
	newLeading = 1.0 / 7
)

// Expected is what to expect of a network that was chosen because its estimate is high, in per
// cent. Of many estimates the highest are the most in error (Smith and Winkler, "The optimizer's
// curse", Management Science 52, 2006). The mean of the posterior distribution is free of this
// error whatever was selected (Efron, "Tweedie's formula and selection bias", JASA 106, 2011). So
// the value depends on the network alone and not on how many were tried.
//
// The prior of the accuracy is the published frontier at the network's MACs, with an exponential
// tail above it and one below it. The error of the estimate is normal; its interval is low to
// high. The value is at most the estimate.
func (r Recipe) Expected(top1, low, high, macs float64) float64 {
	rows, err := benchmark.Frontier()
	half := max(high-top1, top1-low)
	if err != nil || !(half > 0) || math.IsInf(half, 0) || !(macs > 0) {
		return math.NaN()
	}
	frontier := r.ceiling - (r.ceiling-benchmark.FrontierAt(rows, macs, r.ceiling))*math.Exp(-r.shift)
	return min(top1, frontier+posteriorMean(top1-frontier, half/stat.Half90))
}

// posteriorMean is the mean of x given z = x + e, where e is normal with standard deviation sd
// and x has the prior of [Recipe.Expected]: either tail gives a truncated normal distribution.
func posteriorMean(z, sd float64) float64 {
	if z < -5*sd {
		return z // far below the frontier, where nothing is gained by selection
	}
	above, meanAbove := tail(z, sd, newLead, newLeading)
	below, meanBelow := tail(-z, sd, newLag, 1-newLeading)
	return (above*meanAbove - below*meanBelow) / (above + below)
}

// tail returns the evidence for x > 0 and the mean of x there, where x is exponential with
// a mean of scale and z = x + e.
func tail(z, sd, scale, probability float64) (evidence, mean float64) {
	shifted := z - sd*sd/scale
	upper := math.Erfc(-shifted/(sd*math.Sqrt2)) / 2
	if upper == 0 {
		return 0, 0
	}
	evidence = probability / scale * math.Exp(sd*sd/(2*scale*scale)-z/scale) * upper
	density := math.Exp(-shifted*shifted/(2*sd*sd)) / math.Sqrt(2*math.Pi)
	return evidence, shifted + sd*density/upper
}
