package space

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// builtBlock is what one block of a stage becomes, which its genes and its site decide. It
// fills one cache line, because a search waits for memory more than it computes.
type builtBlock struct {
	key  builtKey
	text string // of the block; "" if a skip vanishes
	// first are the first genes that build the block there: the canonical ones. They
	// are not set if the blocks of the stage share their genes, because then one block
	// does not decide.
	first pick
}

// builtKey is the stage, the genes and the site.
type builtKey [4]uint64

func (st *stage) builtKey(pk *pick, s *site) (k builtKey) {
	k[0] = binary.LittleEndian.Uint64(pk[:])
	k[1] = binary.LittleEndian.Uint64(pk[8:])
	k[2] = uint64(s.cin) | uint64(s.cout)<<20 | uint64(st.number)<<40 | uint64(s.stride)<<48
	k[3] = uint64(s.dilation) // a product of strides, without a bound before the network is built
	if s.forced {
		k[2] |= 1 << 63
	}
	return k
}

// hash multiplies and folds; the high bits are the good ones.
func (k *builtKey) hash() uint64 {
	h := k[0]*0xbf58476d1ce4e5b9 ^ (k[1]^k[3]<<48)*0x94d049bb133111eb ^ k[2]*0x9e3779b97f4a7c15
	return (h ^ h>>32) * 0xd6e8feb86659fd93
}

// blockCache keeps built blocks, because a search meets the same blocks over and over. It
// is a hash table in which a key has two slots; a new block replaces what is in the
// second one. What a look-up returns does not depend on what the table holds. It is safe
// for concurrent use.
type blockCache struct {
	slots []atomic.Pointer[builtBlock]
	shift int
}

// cacheLimit bounds the slots of a space. A slot in use takes about 120 bytes.
const cacheLimit = 1 << 16

// newBlockCache makes room for n blocks, but for no more than cacheLimit.
func newBlockCache(n int) blockCache {
	b := bits.Len(uint(min(max(n, 16), cacheLimit) - 1))
	return blockCache{make([]atomic.Pointer[builtBlock], 1<<b), 64 - b}
}

// at returns the block of st with the genes pk at s. It must not be changed.
func (t *blockCache) at(st *stage, pk *pick, s *site) *builtBlock {
	k := st.builtKey(pk, s)
	i := k.hash() >> t.shift
	slot := &t.slots[i]
	c := slot.Load()
	if c != nil {
		if c.key == k {
			return c
		}
		slot = &t.slots[i^1]
		if c = slot.Load(); c != nil && c.key == k {
			return c
		}
	}
	c = st.buildCached(pk, s)
	c.key = k
	slot.Store(c)
	return c
}

func (st *stage) buildCached(pk *pick, s *site) *builtBlock {
	t := st.template(pk)
	b, ok := t.build(*s, &st.style)
	if !ok {
		return new(builtBlock)
	}
	c := &builtBlock{text: b.String()}
	if !st.shared {
		c.first, _ = st.findOne(&b, s)
	}
	return c
}

// several bounds the number of different blocks that st may have, at most by cacheLimit.
// cins is how many numbers of channels the stage before may end with.
func (st *stage) several(cins, outputStrides int) int {
	n := len(st.options)
	if st.options == nil {
		n = 1
		for _, choices := range st.values {
			if n *= len(choices); n > cacheLimit {
				return cacheLimit
			}
		}
	}
	couts := len(st.width.reach())
	return min(cacheLimit, n*couts*(cins*len(st.strides)+1)*outputStrides)
}
