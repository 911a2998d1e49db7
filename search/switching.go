package search

import (
	"math"
	"slices"
	"strings"
)

// Switching fits the best of several models: that with the largest mean minus
// standard deviation of Kendall's tau in five-fold cross-validation, the
// adaptive switching of NSGANetV2 (Lu, Deb, Goodman, Banzhaf and Boddeti, ECCV
// 2020, section 3.2; ten folds there). The choice is repeated when the data have
// grown by a quarter.
type Switching struct {
	Models []Surrogate
	chosen Surrogate
	rows   int // when it was chosen
}

const folds = 5

// String implements [Surrogate].
func (s *Switching) String() string {
	names := make([]string, len(s.Models))
	for i, m := range s.Models {
		names[i] = m.String()
	}
	return "best of " + strings.Join(names, ", ")
}

// Fit implements [Surrogate].
func (s *Switching) Fit(x [][]float64, y []float64) error {
	if s.chosen == nil || 4*len(x) >= 5*s.rows {
		best := math.Inf(-1)
		s.chosen = s.Models[0]
		for _, m := range s.Models {
			if v := crossValidate(m, x, y); v > best {
				best, s.chosen = v, m
			}
		}
		s.rows = len(x)
	}
	return s.chosen.Fit(x, y)
}

// Predict implements [Surrogate].
func (s *Switching) Predict(x []float64) float64 { return s.chosen.Predict(x) }

// Deviation implements [Surrogate].
func (s *Switching) Deviation(x []float64) float64 { return s.chosen.Deviation(x) }

// crossValidate returns mean minus deviation of tau over the folds, or -Inf if
// the model cannot be fitted. Row i belongs to fold i mod 5.
func crossValidate(m Surrogate, x [][]float64, y []float64) float64 {
	if len(x) < 4*folds {
		return 0
	}
	var taus []float64
	for f := range folds {
		var tx, vx [][]float64
		var ty, vy []float64
		for i := range x {
			if i%folds == f {
				vx, vy = append(vx, x[i]), append(vy, y[i])
			} else {
				tx, ty = append(tx, x[i]), append(ty, y[i])
			}
		}
		if m.Fit(tx, ty) != nil {
			return math.Inf(-1)
		}
		predicted := make([]float64, len(vx))
		for i, row := range vx {
			predicted[i] = m.Predict(row)
		}
		taus = append(taus, kendall(predicted, vy))
	}
	s, _ := standardise(taus)
	if slices.Min(taus) == slices.Max(taus) {
		s.deviation = 0
	}
	return s.mean - s.deviation
}

// kendall returns tau-b of two lists, 0 if either is constant.
func kendall(a, b []float64) float64 {
	var s, na, nb float64
	for i := range a {
		for j := range i {
			da, db := sign(a[i]-a[j]), sign(b[i]-b[j])
			s += da * db
			na += da * da
			nb += db * db
		}
	}
	if na == 0 || nb == 0 {
		return 0
	}
	return s / math.Sqrt(na*nb)
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}
