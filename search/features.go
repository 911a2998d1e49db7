package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"nas/internal/random"
	"nas/internal/stat"
	"nas/space"
)

// scale turns a known objective into a feature: its value, or the logarithm if all
// sampled values are positive, is centred and multiplied by factor.
type scale struct {
	objective    int
	log          bool
	mean, factor float64
	unit         float64 // standard deviation of the feature
}

func (s *scale) of(v float64) float64 {
	if s.log {
		v = math.Log(max(v, math.SmallestNonzeroFloat64))
	}
	return (v - s.mean) * s.factor
}

// scaleSamples is the number of samples that the scales are computed from.
const scaleSamples = 256

// sampleKnown finds out which objectives are known and sets their scales. Their
// features together get the same mean squared distance between two networks as the
// genes have.
func (n *SurrogateNSGA2) sampleKnown() map[string]bool {
	if n.settings.Known == nil {
		return nil
	}
	r := rand.New(rand.NewPCG(random.Mix(n.Seed), 0))
	values := map[string][]float64{}
	var genes [][]float64
	for range scaleSamples {
		g := n.Space.Sample(r)
		known, violation := n.settings.Known(g)
		if violation > 0 && len(genes) > 0 { // values may be missing where a constraint is broken
			continue
		}
		for name, v := range known {
			values[name] = append(values[name], v)
		}
		if len(known) > 0 {
			genes = append(genes, n.encode(g))
		}
	}
	distance := 0.0
	for i := 1; i < len(genes); i++ {
		distance += stat.SquaredDistance(genes[i], genes[i-1]) / float64(len(genes)-1)
	}
	known := map[string]bool{}
	for i, o := range n.Objectives {
		list := values[o.Name]
		if known[o.Name] = len(list) > 0; !known[o.Name] {
			continue
		}
		s := scale{objective: i, log: slices.Min(list) > 0, factor: 1}
		for k, v := range list {
			list[k] = s.of(v)
		}
		spread, _ := standardise(list)
		s.mean, s.factor = spread.mean, 1/spread.deviation
		n.scales = append(n.scales, s)
	}
	for k := range n.scales {
		n.scales[k].unit = cmp.Or(math.Sqrt(distance/2/float64(len(n.scales))), 1)
		n.scales[k].factor *= n.scales[k].unit
	}
	return known
}

// sampleTraits sets the scales of the traits, and the usual work.
func (n *SurrogateNSGA2) sampleTraits() {
	if len(n.settings.Rungs) == 0 || n.settings.Traits == nil {
		return
	}
	r := rand.New(rand.NewPCG(random.Mix(n.Seed), 0))
	var values [][]float64 // of each trait
	for range scaleSamples {
		for i, v := range n.settings.Traits(n.Space.Sample(r)) {
			if i == len(values) {
				values = append(values, nil)
			}
			values[i] = append(values[i], v)
		}
	}
	if len(values) == 0 {
		return
	}
	n.usualWork = unitScale(values[0]).mean
	for _, list := range values {
		logs := slices.Min(list) > 0
		for k, v := range list {
			if logs {
				list[k] = math.Log(v)
			}
		}
		s := unitScale(list)
		s.log = logs
		n.traits = append(n.traits, s)
	}
}

// describe returns the features of a genotype whose known costs are given.
func (n *SurrogateNSGA2) describe(g space.Genes, cost []float64) []float64 {
	x := n.encode(g)
	for i := range n.scales {
		s := &n.scales[i]
		x = append(x, s.of(n.Objectives[s.objective].cost(cost[s.objective])))
	}
	return x
}

// unitScale turns values into ones of mean 0 and standard deviation 1.
func unitScale(values []float64) scale {
	s := scale{factor: 1}
	for _, v := range values {
		s.mean += v / float64(len(values))
	}
	sum := 0.0
	for _, v := range values {
		sum += (v - s.mean) * (v - s.mean) / float64(len(values))
	}
	if sum > 0 {
		s.factor = 1 / math.Sqrt(sum)
	}
	return s
}
