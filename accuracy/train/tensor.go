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
	elems int       // values of one image
	data  []float32 // of all images; nil: each worker has its own, of the images at hand
	local int       // where it lies in the memory of a worker then
	// The phases in which it is used, in rising order.
	phases []int
}

// of is the part of a span.
func (t *tensor) of(w *worker, s span) []float32 {
	if t.data == nil {
		return w.maps[t.local+(s.first-w.first)*t.elems:][:s.n*t.elems]
	}
	return t.data[s.first*t.elems:][:s.n*t.elems]
}

// use notes that a phase uses the tensor.
func (t *tensor) use(phase int) {
	if n := len(t.phases); n == 0 || t.phases[n-1] != phase {
		t.phases = append(t.phases, phase)
	}
}

// overlaps tells whether two tensors hold values at the same time, from the first phase in which they are used to the
// last.
func (t *tensor) overlaps(o *tensor) bool {
	return t.phases[0] <= o.phases[len(o.phases)-1] && o.phases[0] <= t.phases[len(t.phases)-1]
}

// meets tells whether a phase uses both.
func (t *tensor) meets(o *tensor) bool {
	return slices.ContainsFunc(t.phases, func(p int) bool { return slices.Contains(o.phases, p) })
}

// placement is where a tensor lies among floats.
type placement struct {
	t      *tensor
	at, to int
}

// arrange gives each tensor a place, such that two share floats only if they do not conflict. The largest are placed
// first, each at the lowest place that is free. It returns the number of floats. size is the number of a tensor.
func arrange(tensors []*tensor, size func(t *tensor) int, conflict func(a, b *tensor) bool) (
	all []placement, floats int) {
	order := slices.Clone(tensors)
	slices.SortStableFunc(order, func(a, b *tensor) int { return cmp.Compare(size(b), size(a)) })
	for _, t := range order {
		n := (size(t) + 15) &^ 15
		at := 0
		for _, p := range all { // by place
			if !conflict(p.t, t) {
				continue
			}
			if at+n <= p.at {
				break
			}
			at = max(at, p.to)
		}
		i, _ := slices.BinarySearchFunc(all, at, func(p placement, at int) int { return cmp.Compare(p.at, at) })
		all = slices.Insert(all, i, placement{t, at, at + n})
		floats = max(floats, at+n)
	}
	return all, floats
}

// place gives tensors their memory in one slab, and returns its number of floats.
func place(tensors []*tensor, batch int) int {
	all, floats := arrange(tensors, func(t *tensor) int { return t.elems * batch }, (*tensor).overlaps)
	slab := kernels.Alloc(floats)
	for _, p := range all {
		p.t.data = slab[p.at:][: p.t.elems*batch : p.t.elems*batch]
	}
	return floats
}
