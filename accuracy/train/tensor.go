package train

import (
	"cmp"
	"slices"

	"nas/blocks/kernels"
)

// Shards is the number of parts that a batch is cut into, whatever the number of workers. Sums over a batch are sums of
// those of the shards, in their order.
const Shards = 8

// span is some neighbouring images of a batch, all of one shard.
type span struct {
	shard    int
	first, n int
	start    bool // they are the first of their shard
}

// tensor is a map for each image of a batch.
type tensor struct {
	elems int // values of one image
	data  []float32
	// The first and the last phase in which it is used.
	from, to int
	used     bool
}

// of is the part of a span.
func (t *tensor) of(s span) []float32 { return t.data[s.first*t.elems:][:s.n*t.elems] }

// use notes that a phase uses the tensor.
func (t *tensor) use(phase int) {
	if !t.used {
		t.from, t.to, t.used = phase, phase, true
	}
	t.from, t.to = min(t.from, phase), max(t.to, phase)
}

// place gives tensors their memory in one slab: two of them share floats only if no phase uses both. The largest are
// placed first, each at the lowest place that is free for as long as it is used. It returns the number of floats.
func place(tensors []*tensor, batch int) int {
	order := slices.Clone(tensors)
	slices.SortStableFunc(order, func(a, b *tensor) int { return cmp.Compare(b.elems, a.elems) })
	type placed struct {
		t      *tensor
		at, to int
	}
	var all []placed // by place
	size := 0
	for _, t := range order {
		n := (t.elems*batch + 15) &^ 15
		at := 0
		for _, p := range all {
			if p.t.to < t.from || t.to < p.t.from {
				continue
			}
			if at+n <= p.at {
				break
			}
			at = max(at, p.to)
		}
		i, _ := slices.BinarySearchFunc(all, at, func(p placed, at int) int { return cmp.Compare(p.at, at) })
		all = slices.Insert(all, i, placed{t, at, at + n})
		size = max(size, at+n)
	}
	slab := kernels.Alloc(size)
	for _, p := range all {
		p.t.data = slab[p.at:][: p.t.elems*batch : p.t.elems*batch]
	}
	return size
}
