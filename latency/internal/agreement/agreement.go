// Package agreement compares predicted latencies with measured ones: error, rank correlation, coverage of the
// intervals, each for all networks and for the quarters of the latency, and the straight line through the
// multiply-accumulates that a model has to beat.
package agreement

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/internal/stat"
)

// Validation compares predictions with measurements. Shares are in per cent of
// networks, 0 to 100.
type Validation struct {
	Networks int       `json:"networks"`
	MAPEPct  float64   `json:"mape_pct"`
	Within5  float64   `json:"within_5_pct"`
	Within10 float64   `json:"within_10_pct"`
	BiasPct  float64   `json:"bias_pct"` // median of predicted/measured - 1
	Kendall  float64   `json:"kendall_tau"`
	Coverage float64   `json:"interval_coverage_pct"`
	WidthPct float64   `json:"mean_interval_width_pct"` // of (high - low) / predicted
	NoisePct float64   `json:"noise_floor_pct"`         // mean difference of two measurements; 0: measured once
	BaseMAPE float64   `json:"baseline_macs_mape_pct"`  // of a straight line through the MACs
	Skill    float64   `json:"skill"`                   // 1 - mape/baseline's
	Strata   []Stratum `json:"strata"`
	Device   string    `json:"device,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	Points   []Point   `json:"points,omitempty"` // what the figures come from
}

// Stratum is a quarter of the networks, by measured latency.
type Stratum struct {
	LowMs    float64 `json:"low_ms"`
	HighMs   float64 `json:"high_ms"`
	Networks int     `json:"networks"`
	MAPEPct  float64 `json:"mape_pct"`
	Within5  float64 `json:"within_5_pct"`
	Within10 float64 `json:"within_10_pct"`
	Coverage float64 `json:"interval_coverage_pct"`
	WidthPct float64 `json:"mean_interval_width_pct"`
	BiasPct  float64 `json:"bias_pct"` // median of predicted/measured - 1
}

// Point is one network: predicted against measured.
type Point struct {
	Name        string  `json:"name"`
	PredictedMs float64 `json:"predicted_ms"`
	LowMs       float64 `json:"low_ms"`
	HighMs      float64 `json:"high_ms"`
	MeasuredMs  float64 `json:"measured_ms"`
	P10Ms       float64 `json:"p10_ms,omitempty"`
	P90Ms       float64 `json:"p90_ms,omitempty"`
	Runs        int     `json:"runs"`
}

// Inside reports whether the measured time lies in the predicted interval.
func (p *Point) Inside() bool { return p.LowMs <= p.MeasuredMs && p.MeasuredMs <= p.HighMs }

// Pair is the prediction of a network's latency with its interval, and its truth, in ms.
type Pair struct {
	Name                                 string
	Predicted, Low, High, Measured, MACs float64
}

// FitLine fits measured = a + b macs by least squares of the relative error.
func FitLine(ps []Pair) [2]float64 {
	var s [3]float64
	var t [2]float64
	for _, p := range ps {
		x, y := 1/p.Measured, p.MACs/1e6/p.Measured
		s[0] += x * x
		s[1] += x * y
		s[2] += y * y
		t[0] += x
		t[1] += y
	}
	det := s[0]*s[2] - s[1]*s[1]
	if det <= 1e-12*s[0]*s[2] {
		return [2]float64{0, t[1] / max(s[2], 1e-300)}
	}
	return [2]float64{(t[0]*s[2] - t[1]*s[1]) / det, (t[1]*s[0] - t[0]*s[1]) / det}
}

// Summarize computes the figures; line is the baseline's, of FitLine.
func Summarize(ps []Pair, line [2]float64) *Validation {
	v := &Validation{}
	all := stratum(ps)
	v.Networks, v.MAPEPct, v.Within5, v.Within10 = all.Networks, all.MAPEPct, all.Within5, all.Within10
	v.Coverage, v.WidthPct = all.Coverage, all.WidthPct
	a, b := make([]float64, len(ps)), make([]float64, len(ps))
	bias := make([]float64, len(ps))
	for i, p := range ps {
		a[i], b[i] = p.Predicted, p.Measured
		bias[i] = 100 * (p.Predicted/p.Measured - 1)
		v.BaseMAPE += 100 * math.Abs((line[0]+line[1]*p.MACs/1e6)/p.Measured-1) / float64(len(ps))
	}
	v.BiasPct = stat.Median(bias)
	v.Kendall = min(1, stat.KendallTau(a, b)) // rounding may add an ulp
	v.Skill = 1 - v.MAPEPct/max(v.BaseMAPE, 1e-9)
	v.Strata = quarters(ps)
	return v
}

// quarters compares the quarters of the networks by measured latency.
func quarters(ps []Pair) []Stratum {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(p, q Pair) int { return cmp.Compare(p.Measured, q.Measured) })
	strata := []Stratum{}
	const n = 4
	for q := range n {
		if part := sorted[q*len(ps)/n : (q+1)*len(ps)/n]; len(part) > 0 {
			strata = append(strata, stratum(part))
		}
	}
	return strata
}

// Unheld says in which quarters of the latency less than 80 % of the networks lie in their intervals, and what to
// do; "" if the intervals hold, or if there are too few networks to tell.
func Unheld(points []Point) string {
	var said []string
	for _, s := range quarters(pairs(points)) {
		if s.Networks >= minPerQuarter && s.Coverage < 80 {
			said = append(said, fmt.Sprintf("%.0f %% of those from %.3g to %.3g ms (predictions are %+.0f %% off)",
				s.Coverage, s.LowMs, s.HighMs, s.BiasPct))
		}
	}
	if said == nil {
		return ""
	}
	return "the 90 % interval holds " + strings.Join(said, ", ") + ": the profile is of a busier or quieter hour, " +
		"or this one is busy; nas doctor says when the machine is quiet, and nas calibrate then makes a new profile"
}

// pairs are the points without their MACs.
func pairs(points []Point) []Pair {
	ps := make([]Pair, len(points))
	for i, p := range points {
		ps[i] = Pair{p.Name, p.PredictedMs, p.LowMs, p.HighMs, p.MeasuredMs, 0}
	}
	return ps
}

// minPerQuarter is the number of networks from which on a quarter is judged.
const minPerQuarter = 5

func stratum(ps []Pair) Stratum {
	s := Stratum{Networks: len(ps), LowMs: math.Inf(1)}
	bias := make([]float64, 0, len(ps))
	for _, p := range ps {
		bias = append(bias, 100*(p.Predicted/p.Measured-1))
		s.LowMs, s.HighMs = min(s.LowMs, p.Measured), max(s.HighMs, p.Measured)
		e := math.Abs(p.Predicted/p.Measured - 1)
		s.MAPEPct += e
		if e <= 0.05 {
			s.Within5++
		}
		if e <= 0.1 {
			s.Within10++
		}
		if p.Low <= p.Measured && p.Measured <= p.High {
			s.Coverage++
		}
		s.WidthPct += (p.High - p.Low) / p.Predicted
	}
	for _, f := range []*float64{&s.MAPEPct, &s.Within5, &s.Within10, &s.Coverage, &s.WidthPct} {
		*f *= 100 / float64(len(ps))
	}
	s.BiasPct = stat.Median(bias)
	return s
}
