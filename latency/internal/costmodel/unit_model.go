package costmodel

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"nas/blocks"
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

// unitTable holds the cost of each unit: a hash table with open addressing and
// linear probing (Knuth, The Art of Computer Programming, volume 3, section 6.4,
// algorithm L), at most a quarter full. A map of units would hash and compare all 272
// bytes of each, which is most of a prediction. Reads take no lock, so that many
// goroutines predict at once. An entry never changes.
type unitTable struct {
	mu    sync.Mutex // of put
	n     int        // entries
	slots atomic.Pointer[[]atomic.Pointer[unitEntry]]
}

// unitEntry begins with the fields that a look-up reads, so that they share two cache lines.
type unitEntry struct {
	key  unitKey
	name string
	cost Cost
	unit engine.Unit
}

// unitKey is a unit without its name, packed. Equal keys mean equal units, unless the bit
// unpacked is set.
type unitKey [5]uint64

// unpacked marks the key of a unit with a size that does not fit its share of a word, or with
// a second input.
const unpacked = 1 << 63

// packUnit packs the numbers of a unit.
func packUnit(u *engine.Unit) (k unitKey) {
	wide := u.In.H | u.In.W | u.In.C | u.Out.H | u.Out.W | u.Out.C | u.Mid | u.Groups |
		u.Stem.Out[0] | u.Stem.Out[1] | u.Batch
	narrow := either(&u.Kernel) | either(&u.Stride) | either(&u.Dilation) | either(&u.Pad) |
		either(&u.Stem.Kernel) | either(&u.Stem.Stride) | either(&u.Stem.Pad) | int(u.Act|u.MidAct|u.DWAct)
	k[0] = four(u.In.H, u.In.W, u.In.C, u.Mid)
	k[1] = four(u.Out.H, u.Out.W, u.Out.C, u.Groups)
	k[2] = two(&u.Kernel) | two(&u.Stride)<<16 | two(&u.Dilation)<<32 | two(&u.Pad)<<48
	k[3] = two(&u.Stem.Kernel) | two(&u.Stem.Stride)<<16 | four(0, 0, u.Stem.Out[0], u.Stem.Out[1])
	k[4] = two(&u.Stem.Pad) | uint64(u.Batch)<<16 | uint64(u.Act)<<32 | uint64(u.MidAct)<<40 | uint64(u.DWAct)<<48
	if u.Residual {
		k[4] |= 1 << 56
	}
	if wide>>16|narrow>>8 != 0 || u.Second != (blocks.Shape{}) { // a negative one, too
		k[4] |= unpacked
	}
	return k
}

// equal is == without a call that loads what has only just been stored.
func (k *unitKey) equal(l *unitKey) bool {
	return k[0] == l[0] && k[1] == l[1] && k[2] == l[2] && k[3] == l[3] && k[4] == l[4]
}

func either(p *[2]int) int { return p[0] | p[1] }

func two(p *[2]int) uint64 { return uint64(p[0]) | uint64(p[1])<<8 }

func four(a, b, c, d int) uint64 {
	return uint64(a) | uint64(b)<<16 | uint64(c)<<32 | uint64(d)<<48
}

// hash multiplies words 64 by 64 to 128 bits and folds the halves together (the step of
// Wang Yi's wyhash).
func (k *unitKey) hash(name string) uint64 {
	n := uint64(len(name))
	if n > 0 {
		n |= uint64(name[0])<<8 | uint64(name[n-1])<<16
	}
	return fold(k[0]^0x9e3779b97f4a7c15, k[1]^0xd1b54a32d192ed03) ^
		fold(k[2]^0x8cb92ba72f3d8dd7, k[3]^0xabc98388fb8fac03) ^
		fold(k[4]^0xe7037ed1a0b428db, n^0x589965cc75374cc3)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// newUnitTable returns a table with space for n units before it grows.
func newUnitTable(n int) *unitTable {
	t := new(unitTable)
	t.grow(max(16, 1<<bits.Len(uint(4*n))))
	return t
}

// get returns the cost of u, which the caller must not change, or nil.
func (t *unitTable) get(u *engine.Unit) *Cost {
	k := packUnit(u)
	slots := *t.slots.Load()
	for i := k.hash(u.Name); ; i++ {
		e := slots[i&uint64(len(slots)-1)].Load()
		if e == nil {
			return nil
		}
		if e.key.equal(&k) && e.name == u.Name && (k[4]&unpacked == 0 || e.unit == *u) {
			return &e.cost
		}
	}
}

// put adds u, unless another goroutine did so before, and returns the cost that the
// table holds from then on.
func (t *unitTable) put(u *engine.Unit, c Cost) *Cost {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.get(u); old != nil {
		return old
	}
	if slots := *t.slots.Load(); 4*(t.n+1) > len(slots) {
		t.grow(2 * len(slots))
	}
	e := &unitEntry{packUnit(u), u.Name, c, *u}
	insert(*t.slots.Load(), e)
	t.n++
	return &e.cost
}

// grow moves to a table of n slots, a power of two. Who still reads the old one
// misses only what comes later.
func (t *unitTable) grow(n int) {
	slots := make([]atomic.Pointer[unitEntry], n)
	if old := t.slots.Load(); old != nil {
		for i := range *old {
			if e := (*old)[i].Load(); e != nil {
				insert(slots, e)
			}
		}
	}
	t.slots.Store(&slots)
}

func insert(slots []atomic.Pointer[unitEntry], e *unitEntry) {
	for i := e.key.hash(e.name); ; i++ {
		if s := &slots[i&uint64(len(slots)-1)]; s.Load() == nil {
			s.Store(e)
			return
		}
	}
}
