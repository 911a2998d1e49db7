package stat

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// KendallTau returns tau-b, the rank correlation that corrects for ties
// (Kendall, The treatment of ties in ranking problems, Biometrika 1945), in
// O(n log n) (Knight, JASA 1966). It is 0 where either side is constant, and
// panics if the lengths differ.
func KendallTau(x, y []float64) float64 {
	if len(x) != len(y) {
		panic("stat: KendallTau: lengths differ")
	}
	n := len(x)
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	sort.Slice(idx, func(a, b int) bool {
		i, j := idx[a], idx[b]
		if x[i] != x[j] {
			return x[i] < x[j]
		}
		return y[i] < y[j]
	})
	pairs := func(k int) int { return k * (k - 1) / 2 }
	var tiedX, tiedXY, tiedY int
	runX, runXY := 1, 1
	ys := make([]float64, n)
	for i, j := range idx {
		ys[i] = y[j]
		if i == 0 {
			continue
		}
		p := idx[i-1]
		if x[j] == x[p] && y[j] == y[p] {
			runXY++
		} else {
			tiedXY += pairs(runXY)
			runXY = 1
		}
		if x[j] == x[p] {
			runX++
		} else {
			tiedX += pairs(runX)
			runX = 1
		}
	}
	tiedX, tiedXY = tiedX+pairs(runX), tiedXY+pairs(runXY)
	swaps := mergeSwaps(ys, make([]float64, n)) // leaves ys sorted
	run := 1
	for i := 1; i < n; i++ {
		if ys[i] == ys[i-1] {
			run++
		} else {
			tiedY += pairs(run)
			run = 1
		}
	}
	tiedY += pairs(run)
	all := pairs(n)
	if all == tiedX || all == tiedY {
		return 0
	}
	s := float64(all - tiedX - tiedY + tiedXY - 2*swaps)
	return s / math.Sqrt(float64(all-tiedX)) / math.Sqrt(float64(all-tiedY))
}

// mergeSwaps sorts v and returns the number of exchanges of neighbours that
// takes.
func mergeSwaps(v, tmp []float64) int {
	n := len(v)
	if n < 2 {
		return 0
	}
	h := n / 2
	s := mergeSwaps(v[:h], tmp[:h]) + mergeSwaps(v[h:], tmp[h:])
	i, j, k := 0, h, 0
	for i < h && j < n {
		if v[j] < v[i] {
			tmp[k] = v[j]
			s += h - i
			j++
		} else {
			tmp[k] = v[i]
			i++
		}
		k++
	}
	k += copy(tmp[k:], v[i:h])
	copy(tmp[k:], v[j:])
	copy(v, tmp)
	return s
}

// Spearman returns the correlation of mid-ranks; 0 where either side is constant.
func Spearman(x, y []float64) float64 {
	c := stat.Correlation(midRanks(x), midRanks(y), nil)
	if math.IsNaN(c) {
		return 0
	}
	return c
}

func midRanks(v []float64) []float64 {
	idx := make([]int, len(v))
	for i := range idx {
		idx[i] = i
	}
	sort.Slice(idx, func(a, b int) bool { return v[idx[a]] < v[idx[b]] })
	r := make([]float64, len(v))
	for i := 0; i < len(idx); {
		j := i
		for j < len(idx) && v[idx[j]] == v[idx[i]] {
			j++
		}
		for k := i; k < j; k++ {
			r[idx[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return r
}
