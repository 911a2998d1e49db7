package pareto

import (
	"math"
	"slices"
)

// planar is a point of two objectives with its index. A point of one objective
// has it in both.
type planar struct {
	x, y float64
	i    int32
}

func comparePlanar(a, b planar) int {
	switch {
	case a.x < b.x:
		return -1
	case a.x > b.x:
		return 1
	case a.y < b.y:
		return -1
	case a.y > b.y:
		return 1
	}
	return int(a.i - b.i)
}

// sortedPlanar returns the points in index by x, then y, then index.
func (s *Sorter) sortedPlanar(points [][]float64, index []int32) []planar {
	s.planar = resize(s.planar, len(index))
	ps := s.planar
	for k, i := range index {
		p := points[i]
		ps[k] = planar{p[0], p[len(p)-1], i}
	}
	return s.sortPlanar(ps)
}

// radixFrom is the number of points from which the radix sort is faster.
const radixFrom = 768

// sortPlanar sorts by x, y, index. Many points go through a radix sort by x with
// digits of eleven bits, which is several times as fast as comparing.
func (s *Sorter) sortPlanar(ps []planar) []planar {
	if len(ps) < radixFrom {
		slices.SortFunc(ps, comparePlanar)
		return ps
	}
	s.sorted = resize(s.sorted, len(ps))
	out := s.sorted
	from := 0
	for k, e := range s.radixSort(ps) {
		out[k] = ps[e.k]
		if k > 0 && out[k].x != out[from].x {
			if k-from > 1 {
				slices.SortFunc(out[from:k], comparePlanar)
			}
			from = k
		}
	}
	slices.SortFunc(out[from:], comparePlanar)
	return out
}

// keyed is the position of a point before the sort and the key to sort it by.
type keyed struct {
	key uint64
	k   int32
}

// radixSort returns the positions of ps by x, equal ones in the given order.
func (s *Sorter) radixSort(ps []planar) []keyed {
	const digit = 11
	s.keys, s.spare = resize(s.keys, len(ps)), resize(s.spare, len(ps))
	keys, spare := s.keys, s.spare
	var counts [6][1 << digit]int32
	for k, p := range ps {
		key := orderedBits(p.x)
		keys[k] = keyed{key, int32(k)}
		for d := range counts {
			counts[d][key>>(d*digit)&(1<<digit-1)]++
		}
	}
	for d := range counts {
		count := &counts[d]
		shift := d * digit
		if count[keys[0].key>>shift&(1<<digit-1)] == int32(len(ps)) {
			continue // all points agree in this digit
		}
		at := int32(0)
		for v, n := range count {
			count[v] = at
			at += n
		}
		for _, e := range keys {
			slot := &count[e.key>>shift&(1<<digit-1)]
			spare[*slot] = e
			*slot++
		}
		keys, spare = spare, keys
	}
	return keys
}

// orderedBits maps numbers to unsigned integers in the same order; both zeros to
// the same one.
func orderedBits(x float64) uint64 {
	b := math.Float64bits(x + 0) // -0 + 0 is +0
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}
