package costmodel

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"nas/blocks"
	"nas/blocks/engine"
)

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
