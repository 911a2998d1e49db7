package costmodel

import (
	"fmt"
	"math"

	"nas/blocks/engine"
)

// Cost is the predicted time of one unit call.
type Cost struct {
	Ms, Var2 float64 // the time, and the square of its standard deviation, in ms
	weights  int64   // bytes
	source   uint8   // index into sources
	group    uint8
	outside  string // name of the feature that is furthest beyond what was measured; "": none
}

// sources says where the time comes from, by Cost.source: it was timed on the device; from units of
// its kind; from units of other kinds, or far from its own.
var sources = [...]string{"table", "model", "unknown"}

// SourceName says where the time comes from: "table", "model" or "unknown".
func (c *Cost) SourceName() string { return sources[c.source] }

// sizes are the words for features whose name a reader would not understand.
var sizes = map[string]string{
	"in": "number of input channels", "in_ragged": "number of input channels",
	"out": "number of output channels", "out_fill": "number of output channels", "out_ragged": "number of output channels",
	"mid_fill": "number of expanded channels", "mid_ragged": "number of expanded channels",
	"act": "activation", "mid_act": "activation", "dw_act": "activation",
	"shrink": "ratio of input to output pixels", "set_l2": "memory beside the second-level cache",
	"stem_kernel": "stem's kernel", "width_fill": "width", "inside": "padding",
}

// Warning says why the cost of u, whose cost this is, is less certain than others; "" if it is not.
func (c *Cost) Warning(u *engine.Unit) string {
	switch {
	case c.outside != "":
		what := c.outside
		if w, ok := sizes[what]; ok {
			what = w
		}
		return fmt.Sprintf("%s: its %s is outside of what was measured", KindOf(u), what)
	case c.source == 2:
		return KindOf(u) + ": no unit of this kind was measured; its time is a guess"
	}
	return ""
}

// Totals are what a network model sees of a network: sums over its unit calls. The zero
// value is that of a network without units.
type Totals struct {
	Ms      float64 // sum of the times
	var2    float64 // sum of the squares of their standard deviations
	calls   int
	weights int64              // bytes
	groups  [numGroups]float64 // time by groups of kinds
}

// Groups of kinds that load a machine in different ways.
const (
	groupRest = iota
	groupPointwise
	groupDense
	groupDepthwise
	groupFused
	numGroups
)

var groupOf = map[string]uint8{
	"conv.pointwise": groupPointwise, "scale_conv": groupPointwise, "linear": groupPointwise,
	"conv.vector": groupPointwise, "conv.dense": groupDense, "conv.image": groupDense, "conv.grouped": groupDense,
	"dwconv": groupDepthwise, "block": groupFused, "expand_dw": groupFused, "dw_project": groupFused,
	"stem_block": groupFused, "stem_dw": groupFused,
}

// Add adds one call.
func (s *Totals) Add(c *Cost) {
	s.Ms += c.Ms
	s.var2 += c.Var2
	s.calls++
	s.weights += c.weights
	s.groups[c.group] += c.Ms
}

// residualFeatures appends to x the coordinates of a network for the residual of a
// NetworkModel: logarithms to base 2 of the groups' shares of the time (plus 3 %, so that
// no share is minus infinity), of the sum and of the number of calls.
func (s *Totals) residualFeatures(x []float64) []float64 {
	for _, g := range s.groups {
		x = append(x, math.Log2(g/max(s.Ms, 1e-9)+0.03))
	}
	return append(x, math.Log2(max(s.Ms, 1e-6)), math.Log2(float64(s.calls)))
}

// RelativeSD is the standard deviation of the sum relative to it if the errors of the units
// were independent. What they have in common is left to the conformal quantile.
func (s *Totals) RelativeSD() float64 {
	return math.Sqrt(s.var2) / max(s.Ms, 1e-9)
}

// Features are those of the linear part of a NetworkModel.
func (s *Totals) features() [4]float64 {
	return [4]float64{
		1, math.Log2(max(s.Ms, 1e-6)), float64(s.calls) / max(1000*s.Ms, 1e-6), math.Log2(float64(s.weights) + 1),
	}
}
