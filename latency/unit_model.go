package latency

import (
	"fmt"
	"slices"

	"nas/blocks/engine"
)

// Where the time of a unit comes from.
const (
	SourceTable   = "table"   // it was timed on the device
	SourceModel   = "model"   // from units of its kind
	SourceUnknown = "unknown" // from units of other kinds, or far from its own
)

// cost is the time of one unit call.
type cost struct {
	ms, var2 float64 // var2: square of the standard deviation in ms
	weights  int64   // bytes
	source   uint8   // index into sources
	group    uint8
	outside  string // name of a feature that is beyond what was measured; "": none is
}

var sources = [...]string{SourceTable, SourceModel, SourceUnknown}

// sourceName says where the time comes from.
func (c *cost) sourceName() string { return sources[c.source] }

// unitModel gives the cost of any unit: that of the table, or else what the models say. It
// is safe for concurrent use.
type unitModel struct {
	kinds  map[string]*KindModel
	sum    *SumModel // nil: none
	target engine.Target
	// table has the units that were timed and, since a search asks for the same ones over
	// and over, what the models said of others.
	table *unitTable
	// base, if not nil, predicts for another device. A unit takes factor of its kind times as
	// long here, and the kinds are not asked.
	base   *unitModel
	factor func(kind string) float64
}

// newUnitModel makes a model of timed units and of kinds that are ready to predict.
func newUnitModel(units []UnitTime, kinds map[string]*KindModel, t engine.Target) *unitModel {
	m := &unitModel{kinds: kinds, target: t, table: newUnitTable(len(units))}
	for _, row := range slices.Backward(units) { // of equal rows the last one counts
		u, sd := &row.Unit, row.Ms*row.Spread
		m.table.put(u, cost{ms: row.Ms, var2: sd * sd, weights: u.BytesWeights(), group: groupOf[kindOf(u)]})
	}
	return m
}

// scaledFrom makes the model of another device in which a unit takes factor of its kind
// times as long.
func (m *unitModel) scaledFrom(kinds map[string]*KindModel, factor func(kind string) float64) *unitModel {
	return &unitModel{kinds: kinds, target: m.target, table: newUnitTable(0), base: m, factor: factor}
}

// cost returns the time of a unit: from the table, from its kind's model, or
// from the model of all kinds. The caller must not change it.
func (m *unitModel) cost(u *engine.Unit) *cost {
	if c := m.table.get(u); c != nil {
		return c
	}
	return m.table.put(u, m.estimate(u))
}

func (m *unitModel) estimate(u *engine.Unit) cost {
	if m.base != nil {
		c := *m.base.cost(u)
		f := m.factor(kindOf(u))
		c.ms *= f
		c.var2 *= f * f
		if c.source == 0 {
			c.var2 += c.ms * c.ms * otherDevice * otherDevice
		}
		return c
	}
	c := cost{weights: u.BytesWeights(), source: 1, group: groupOf[kindOf(u)]}
	var sd float64
	if k, ok := m.kinds[kindOf(u)]; ok {
		c.ms, sd, c.outside = k.predict(u, &m.target)
		if m.sum != nil {
			if ms, ok := m.sum.predict(u, m.kinds, &m.target); ok {
				c.ms = ms
			}
		}
		if c.outside != "" && sd > unknownSpread/2 {
			c.source = 2
		}
	} else if k, ok := m.kinds[anyKind]; ok {
		c.ms, _, _ = k.predict(u, &m.target)
		sd, c.source = unknownSpread, 2
	} else {
		// Not one unit was ever measured: a nanosecond for eight multiply-accumulates
		// and for four bytes moved.
		c.ms = (float64(u.MACs())/8 + float64(u.BytesIn()+u.BytesOut()+u.BytesWeights())/4) / 1e6
		sd, c.source = 1, 2
	}
	c.var2 = c.ms * c.ms * sd * sd
	return c
}

// sizes are features in words, where their names are none.
var sizes = map[string]string{
	"in": "number of input channels", "out": "number of output channels", "act": "activation", "mid_act": "activation", "dw_act": "activation",
	"shrink": "ratio of input to output pixels", "set_l2": "memory beside the second-level cache", "stem_kernel": "stem's kernel",
	"width_fill": "width", "out_fill": "number of output channels", "mid_fill": "number of expanded channels", "inside": "padding",
	"in_ragged": "number of input channels", "out_ragged": "number of output channels", "mid_ragged": "number of expanded channels",
}

// warning says why the cost of u deserves less trust than others, or "".
func (c *cost) warning(u *engine.Unit) string {
	switch {
	case c.outside != "":
		what := c.outside
		if w, ok := sizes[what]; ok {
			what = w
		}
		return fmt.Sprintf("%s: its %s is outside of what was measured", kindOf(u), what)
	case c.source == 2:
		return kindOf(u) + ": no unit of this kind was measured; its time is a guess"
	}
	return ""
}
