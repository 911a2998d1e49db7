package accuracy

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// KendallTau returns tau-b, the rank correlation that corrects for ties
// (Kendall, The treatment of ties in ranking problems, Biometrika 1945), in
// O(n log n) (Knight, JASA 1966). It is 0 where either side is constant, and
// panics if the lengths differ.
func KendallTau(x, y []float64) float64 {
	if len(x) != len(y) {
		panic("accuracy: KendallTau: lengths differ")
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

// costBins is the number of runs that same_cost_tau and the number of budgets
// that regret are taken over.
const costBins = 10

// Judged is one trained network and what a proxy said of it.
type Judged struct {
	ID    string
	MACs  int64
	Truth float64 // trained accuracy, per cent
	Score float64
}

// SameCostTau sorts by (MACs, ID), cuts ten runs of equal count (they differ by
// at most one) and returns the mean of the runs' tau-b: what a score is worth
// among networks of equal cost, which is where a front decides. Fewer than 20
// networks give NaN.
func SameCostTau(rows []Judged) float64 {
	if len(rows) < 2*costBins {
		return math.NaN()
	}
	rows = sortedByCost(rows)
	sum := 0.0
	var x, y []float64
	for b := range costBins {
		x, y = x[:0], y[:0]
		for _, r := range rows[b*len(rows)/costBins : (b+1)*len(rows)/costBins] {
			x, y = append(x, r.Score), append(y, r.Truth)
		}
		sum += KendallTau(x, y)
	}
	return sum / costBins
}

func sortedByCost(rows []Judged) []Judged {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Judged) int {
		switch {
		case a.MACs != b.MACs:
			if a.MACs < b.MACs {
				return -1
			}
			return 1
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	return rows
}

// Regret returns what a user loses who trusts the score: under each of ten
// evenly spaced MACs budgets, from a tenth of the way between the cheapest and
// the dearest network up to the dearest, the accuracy of the best network less
// that of the best-scored one, in points. Ties of the score go to the cheaper
// network. mean and worst are over the budgets.
func Regret(rows []Judged) (mean, worst float64) {
	if len(rows) == 0 {
		return math.NaN(), math.NaN()
	}
	rows = sortedByCost(rows)
	low, high := float64(rows[0].MACs), float64(rows[len(rows)-1].MACs)
	next := 0
	pick, best := rows[0], rows[0].Truth
	for b := 1; b <= costBins; b++ {
		budget := low + (high-low)*float64(b)/costBins
		for ; next < len(rows) && (float64(rows[next].MACs) <= budget || b == costBins); next++ {
			r := rows[next]
			if r.Score > pick.Score {
				pick = r
			}
			best = math.Max(best, r.Truth)
		}
		loss := best - pick.Truth
		mean += loss / costBins
		worst = math.Max(worst, loss)
	}
	return mean, worst
}
