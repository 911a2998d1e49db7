package costmodel

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

// Cost is the time of one unit call.
type Cost struct {
	Ms, Var2 float64 // var2: square of the standard deviation in ms
	weights  int64   // bytes
	source   uint8   // index into sources
	group    uint8
	outside  string // name of a feature that is beyond what was measured; "": none is
}

var sources = [...]string{SourceTable, SourceModel, SourceUnknown}

// SourceName says where the time comes from.
func (c *Cost) SourceName() string { return sources[c.source] }

// UnitModel gives the cost of any unit: that of the table, or else what the models say. It
// is safe for concurrent use.
type UnitModel struct {
	Kinds  map[string]*KindModel
	Sum    *AdditiveModel // nil: none
	target engine.Target
	// table has the units that were timed and, since a search asks for the same ones over
	// and over, what the models said of others.
	table *unitTable
	// base, if not nil, predicts for another device. A unit takes factor of its kind times as
	// long here, and the kinds are not asked.
	base   *UnitModel
	factor func(kind string) float64
}

// NewUnitModel makes a model of timed units and of kinds that are ready to predict.
func NewUnitModel(units []UnitTime, kinds map[string]*KindModel, t engine.Target) *UnitModel {
	m := &UnitModel{Kinds: kinds, target: t, table: newUnitTable(len(units))}
	for _, row := range slices.Backward(units) { // of equal rows the last one counts
		u, sd := &row.Unit, row.Ms*row.Spread
		m.table.put(u, Cost{Ms: row.Ms, Var2: sd * sd, weights: u.BytesWeights(), group: groupOf[KindOf(u)]})
	}
	return m
}

// OtherDevice is the relative standard deviation that a unit's time gets for having been
// measured on another device.
const OtherDevice = 0.1

// ScaledKinds are the models of the kinds with all their predictions multiplied by a factor
// of each.
func (m *UnitModel) ScaledKinds(factor func(kind string) float64) map[string]*KindModel {
	kinds := make(map[string]*KindModel, len(m.Kinds))
	for name, k := range m.Kinds {
		kinds[name] = k.times(factor(name))
	}
	return kinds
}

// ScaledFrom makes the model of another device in which a unit takes factor of its kind
// times as long.
func (m *UnitModel) ScaledFrom(kinds map[string]*KindModel, factor func(kind string) float64) *UnitModel {
	return &UnitModel{Kinds: kinds, target: m.target, table: newUnitTable(0), base: m, factor: factor}
}

// Cost returns the time of a unit: from the table, from its kind's model, or
// from the model of all kinds. The caller must not change it.
func (m *UnitModel) Cost(u *engine.Unit) *Cost {
	if c := m.table.get(u); c != nil {
		return c
	}
	return m.table.put(u, m.estimate(u))
}

func (m *UnitModel) estimate(u *engine.Unit) Cost {
	if m.base != nil {
		c := *m.base.Cost(u)
		f := m.factor(KindOf(u))
		c.Ms *= f
		c.Var2 *= f * f
		if c.source == 0 {
			c.Var2 += c.Ms * c.Ms * OtherDevice * OtherDevice
		}
		return c
	}
	c := Cost{weights: u.BytesWeights(), source: 1, group: groupOf[KindOf(u)]}
	var sd float64
	if k, ok := m.Kinds[KindOf(u)]; ok {
		c.Ms, sd, c.outside = k.estimate(u, &m.target)
		if m.Sum != nil {
			if ms, ok := m.Sum.estimate(u, m.Kinds, &m.target); ok {
				c.Ms = ms
			}
		}
		if c.outside != "" && sd > unknownSpread/2 {
			c.source = 2
		}
	} else if k, ok := m.Kinds[anyKind]; ok {
		c.Ms, _, _ = k.estimate(u, &m.target)
		sd, c.source = unknownSpread, 2
	} else {
		// Not one unit was ever measured: a nanosecond for eight multiply-accumulates
		// and for four bytes moved.
		c.Ms = (float64(u.MACs())/8 + float64(u.BytesIn()+u.BytesOut()+u.BytesWeights())/4) / 1e6
		sd, c.source = 1, 2
	}
	c.Var2 = c.Ms * c.Ms * sd * sd
	return c
}

// sizes are features in words, where their names are none.
var sizes = map[string]string{
	"in": "number of input channels", "out": "number of output channels", "act": "activation", "mid_act": "activation", "dw_act": "activation",
	"shrink": "ratio of input to output pixels", "set_l2": "memory beside the second-level cache", "stem_kernel": "stem's kernel",
	"width_fill": "width", "out_fill": "number of output channels", "mid_fill": "number of expanded channels", "inside": "padding",
	"in_ragged": "number of input channels", "out_ragged": "number of output channels", "mid_ragged": "number of expanded channels",
}

// Warning says why the cost of u deserves less trust than others, or "".
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
