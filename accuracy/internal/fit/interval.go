package fit

import (
	"math"

	gonum "gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"nas/accuracy/internal/twolevel"
)

// halfWidthAt75 is the half-width of a 90 % interval for a network of a family
// not seen, at an estimate of 75 %: errors are scaled by ErrorScale, then
//
//	t(0.95; nu) sqrt(B + V),  B = mean_f bias_f^2,  V = mean_f variance_f
//
// over the F families, each of which counts once. B has F degrees of freedom, V
// those of all n networks less F; their sum has
//
//	nu = (B + V)^2 / (B^2/F + V^2/(n-F))
//
// (Satterthwaite, An approximate distribution of estimates of variance
// components, Biometrics Bulletin 1946, equation 17).
func halfWidthAt75(rows []heldOut) float64 {
	var b, v, f, n float64
	for _, family := range families {
		var errors []float64
		for _, r := range rows {
			if r.family == family {
				errors = append(errors, r.errorAt75())
			}
		}
		if len(errors) == 0 {
			continue
		}
		mean := gonum.Mean(errors, nil)
		b += mean * mean
		v += gonum.MomentAbout(2, errors, mean, nil)
		f++
		n += float64(len(errors))
	}
	if f == 0 {
		return math.NaN()
	}
	b, v = b/f, v/f
	nu := (b + v) * (b + v) / (b*b/f + v*v/max(n-f, 1))
	return distuv.StudentsT{Sigma: 1, Nu: nu}.Quantile(0.95) * math.Sqrt(b+v)
}

// errorAt75 is the error as it would be at an estimate of 75 %.
func (r *heldOut) errorAt75() float64 { return (r.estimate - r.top1) / twolevel.ErrorScale(r.estimate) }

// betweenRange is how near two estimates must be for the pair to count in
// betweenAt75: a front decides between networks of about one accuracy.
const betweenRange = 2.0

// betweenAt75 is the standard deviation, at an estimate of 75 %, of the part of
// the error that a network does not share with others: half the mean squared
// difference of two errors, over the pairs of one family and one recipe class
// whose estimates are near. Families count equally. It includes what trainings of one
// network differ by.
func betweenAt75(rows []heldOut) float64 {
	sum, n := 0.0, 0.0
	for _, family := range families {
		squares, pairs := 0.0, 0.0
		for i, a := range rows {
			for _, b := range rows[:i] {
				if a.family != family || b.family != family || a.recipe != b.recipe ||
					math.Abs(a.estimate-b.estimate) > betweenRange {
					continue
				}
				d := a.errorAt75() - b.errorAt75()
				squares += d * d / 2
				pairs++
			}
		}
		if pairs > 0 {
			sum += squares / pairs
			n++
		}
	}
	return math.Sqrt(sum / n)
}

// betweenOnAccel is the same of the accel networks at 75 %, from estimates by
// models that had not seen them: the scatter about a regression line of the estimate
// on the accuracy, on the scale of the link. Their levels differ by the recipe.
func betweenOnAccel(accel []trained, estimates []float64) float64 {
	x, y := make([]float64, len(accel)), make([]float64, len(accel))
	for i := range accel {
		x[i], y[i] = linkOf(accel[i].top1), linkOf(estimates[i])
	}
	a, b := gonum.LinearRegression(x, y, nil, false)
	for i := range x {
		y[i] -= a + b*x[i]
	}
	return (ceilingPct - 75) * gonum.StdDev(y, nil)
}

// familyMAE returns the mean absolute error of each family, and the mean over families.
func familyMAE(rows []heldOut) (mean float64, each map[string]float64) {
	each = make(map[string]float64)
	for _, family := range families {
		sum, n := 0.0, 0.0
		for _, r := range rows {
			if r.family == family {
				sum += math.Abs(r.estimate - r.top1)
				n++
			}
		}
		each[family] = sum / n
		mean += sum / n / float64(len(families))
	}
	return mean, each
}

// coveragePct is the share of networks within their interval.
func coveragePct(rows []heldOut) float64 {
	inside := 0.0
	for _, r := range rows {
		if r.low <= r.top1 && r.top1 <= r.high {
			inside++
		}
	}
	return 100 * inside / float64(len(rows))
}
