package costmodel

import (
	"slices"

	"nas/blocks/engine"
)

// UnitModel gives the cost of any unit, from the table of timed units or from the models. It
// is safe for concurrent use once Sum is set.
type UnitModel struct {
	Kinds  map[string]*KindModel
	Sum    *AdditiveModel // corrects Kinds; nil: there is none
	target engine.Target
	// table has the units that were timed. It also keeps what the models predicted, since a
	// search asks for the same units over and over.
	table *unitTable
	// base, if not nil, is the model of another device, and a unit takes factor of its kind
	// times as long as there. Kinds and Sum are not used then.
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

// ScaledKinds returns the models of the kinds with their predictions multiplied by the factor
// of each.
func (m *UnitModel) ScaledKinds(factor func(kind string) float64) map[string]*KindModel {
	kinds := make(map[string]*KindModel, len(m.Kinds))
	for name, k := range m.Kinds {
		kinds[name] = k.times(factor(name))
	}
	return kinds
}

// ScaledFrom returns the model of a device on which a unit takes factor of its kind times as
// long as on that of m. kinds are those of m, scaled.
func (m *UnitModel) ScaledFrom(kinds map[string]*KindModel, factor func(kind string) float64) *UnitModel {
	return &UnitModel{Kinds: kinds, target: m.target, table: newUnitTable(0), base: m, factor: factor}
}

// Cost returns the cost of a unit: from the table, from the model of its kind, or from the
// model of all kinds. The caller must not change it.
func (m *UnitModel) Cost(u *engine.Unit) *Cost {
	if c := m.table.get(u); c != nil {
		return c
	}
	return m.table.put(u, m.estimate(u))
}

// estimate is Cost without the table.
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
