package report

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// linearTicks marks about seven multiples of 1, 2 or 5 times a power of ten,
// all labelled with the same number of decimals.
type linearTicks struct{ whole bool } // whole: counts, which have no decimals

func (t linearTicks) Ticks(lo, hi float64) []plot.Tick {
	step := niceStep((hi - lo) / 7)
	if t.whole {
		step = max(1, step)
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var ticks []plot.Tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
		v := k * step
		if k == 0 {
			v = 0 // not -0
		}
		label := strconv.FormatFloat(v, 'f', decimals, 64)
		if decimals == 0 {
			label = largeNumber(v, step)
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// niceStep returns the smallest 1, 2 or 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= v*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// logTicks marks 1, 2 and 5 times powers of ten, and 3 and 7 where these are few;
// the digits between have ticks without a label.
type logTicks struct{}

func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	wide, narrow := hi/lo > 200, hi/lo < 12 // in a wide one 1 of each decade is enough
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || !wide && (m == 2 || m == 5) || narrow && (m == 3 || m == 7) || hi/lo < 5 {
				t.Label = strconv.FormatFloat(v, 'g', 6, 64)
				if v >= 1e4 {
					t.Label = largeNumber(v, v)
				}
			}
			ticks = append(ticks, t)
		}
	}
	labelled := 0
	for _, t := range ticks {
		labelled += min(1, len(t.Label))
	}
	if labelled < 2 { // a stretch such as that of one network
		return linearTicks{}.Ticks(lo, hi)
	}
	return ticks
}

// largeNumber formats a multiple of a whole step: 20,000 or 3.5 M.
func largeNumber(v, step float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e12, " T"}, {1e9, " G"}, {1e6, " M"}} {
		if step >= unit.of/2 && v != 0 {
			return strconv.FormatFloat(math.Round(v/unit.of*1e3)/1e3, 'g', -1, 64) + unit.name
		}
	}
	return groupThousands(v)
}

// Thousands formats a count as the figures do, 4,039.
func Thousands(n int) string { return groupThousands(float64(n)) }

// groupThousands formats a count with commas between groups of three digits.
func groupThousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	start := 0
	if len(s) > 0 && s[0] == '-' {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
