package space

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// builtBlock is what one block of a stage comes to: its genes and its place decide. It
// is what a cache line holds, because a search waits for memory more than it computes.
type builtBlock struct {
	key  builtKey
	text string // of the block; "" where a skip vanishes
	// first are the first genes that build the block there: the canonical ones. Not set
	// where blocks share their genes, because one block does not decide there.
	first pick
}

// builtKey is the stage, the genes and the place.
type builtKey [4]uint64

func (st *stage) builtKey(pk *pick, p *site) (k builtKey) {
	k[0] = binary.LittleEndian.Uint64(pk[:])
	k[1] = uint64(binary.LittleEndian.Uint32(pk[8:])) | uint64(st.number)<<32 | uint64(p.stride)<<48
	k[2] = uint64(p.cin) | uint64(p.cout)<<20
	k[3] = uint64(p.dilation) // a product of strides, which nothing bounds before the network is built
	if p.forced {
		k[2] |= 1 << 63
	}
	return k
}

// hash multiplies and folds; the high bits are the good ones.
func (k *builtKey) hash() uint64 {
	h := k[0]*0xbf58476d1ce4e5b9 ^ k[1]*0x94d049bb133111eb ^ (k[2]^k[3]<<40)*0x9e3779b97f4a7c15
	return (h ^ h>>32) * 0xd6e8feb86659fd93
}

// blockCache remembers blockCache, for a search meets the same blocks over and over. It is a
// table in which a cell has two slots to go to, and takes the second from whichever is
// there: what is looked up is the same whatever it remembers. Safe for concurrent use.
type blockCache struct {
	slots []atomic.Pointer[builtBlock]
	shift int
}

// cacheLimit bounds the slots of a space, of about 120 bytes each when taken.
const cacheLimit = 1 << 16

// newBlockCache makes room for n cells, but no more than cellLimit.
func newBlockCache(n int) blockCache {
	b := bits.Len(uint(min(max(n, 16), cacheLimit) - 1))
	return blockCache{make([]atomic.Pointer[builtBlock], 1<<b), 64 - b}
}

// at returns the cell of a block with the genes pk at p. It must not be changed.
func (t *blockCache) at(st *stage, pk *pick, p *site) *builtBlock {
	k := st.builtKey(pk, p)
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
	c = st.buildCached(pk, p)
	c.key = k
	slot.Store(c)
	return c
}

func (st *stage) buildCached(pk *pick, p *site) *builtBlock {
	t := st.template(pk)
	b, ok := t.build(*p, &st.style)
	if !ok {
		return &builtBlock{}
	}
	c := &builtBlock{text: b.String()}
	if !st.shared {
		c.first, _ = st.find([]target{{b, *p}})
	}
	return c
}

// several is the number of different cells that st may have, given how many numbers
// of channels the stage before may end with; at most cellLimit.
func (st *stage) several(cins, outputStrides int) int {
	n := len(st.options)
	if st.options == nil {
		n = 1
		for g := range blockGenes {
			if n *= st.values.count(g); n > cacheLimit {
				return cacheLimit
			}
		}
	}
	couts := len(st.width.reach())
	return min(cacheLimit, n*couts*(cins*len(st.strides)+1)*outputStrides)
}
