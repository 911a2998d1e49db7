package stat

import (
	"math"
	"slices"
)

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
