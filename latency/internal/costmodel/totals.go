package costmodel

import "math"

// Totals is what a network model sees of a network.
type Totals struct {
	Ms      float64 // sum over the units
	var2    float64 // sum of squares of their standard deviations in ms
	calls   int
	weights int64 // bytes
	groups  [numGroups]float64
}

// groups of units that load a machine in different ways.
const (
	groupRest = iota
	groupPointwise
	groupDense
	groupDepthwise
	groupFused
	numGroups
)

var groupOf = map[string]uint8{
	"conv.pointwise": groupPointwise, "scale_conv": groupPointwise, "linear": groupPointwise, "conv.vector": groupPointwise,
	"conv.dense": groupDense, "conv.image": groupDense, "conv.grouped": groupDense,
	"dwconv": groupDepthwise,
	"block":  groupFused, "expand_dw": groupFused, "dw_project": groupFused, "stem_block": groupFused, "stem_dw": groupFused,
}

func (s *Totals) Add(c *Cost) {
	s.Ms += c.Ms
	s.var2 += c.Var2
	s.calls++
	s.weights += c.weights
	s.groups[c.group] += c.Ms
}

// residualFeatures appends to x what the residual sees: logarithms to base 2 of the groups' shares of
// the time (3 % more, so that none is not minus infinity), the sum and the calls.
func (s *Totals) residualFeatures(x []float64) []float64 {
	for _, g := range s.groups {
		x = append(x, math.Log2(g/max(s.Ms, 1e-9)+0.03))
	}
	return append(x, math.Log2(max(s.Ms, 1e-6)), math.Log2(float64(s.calls)))
}

// crossCovariance is the relative standard deviation of the sum if the units' errors
// were independent; what they share, the conformal quantile makes up for.
func (s *Totals) RelativeSD() float64 {
	return math.Sqrt(s.var2) / max(s.Ms, 1e-9)
}

func (s *Totals) features() [4]float64 {
	return [4]float64{1, math.Log2(max(s.Ms, 1e-6)), float64(s.calls) / max(1000*s.Ms, 1e-6), math.Log2(float64(s.weights) + 1)}
}
