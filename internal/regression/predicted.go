package regression

import (
	"math"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency"
)

// Predict compares the predicted latencies of two networks. What both have cannot be told wrong for one of them
// only: the errors count for the share of the time that is in units which the other network lacks.
func Predict(model, baseline *blocks.Network, p *latency.Predictor, tolerance float64) (Result, error) {
	a, err := p.Predict(model)
	if err != nil {
		return Result{}, err
	}
	b, err := p.Predict(baseline)
	if err != nil {
		return Result{}, err
	}
	centre, sd := LogRatio(a, b)
	const half95 = 1.96
	low, high := centre-half95*sd, centre+half95*sd
	r := Result{Verdict: judge(centre, low, high, tolerance),
		Ratio: math.Exp(centre), Low: math.Exp(low), High: math.Exp(high),
		ModelMs: a.LatencyMs, BaselineMs: b.LatencyMs, Warnings: []string{}}
	for _, e := range []latency.Estimate{a, b} {
		r.Warnings = append(r.Warnings, e.Warnings...)
	}
	return r, nil
}

// LogRatio is the logarithm of the ratio of two predicted latencies on one device, and its standard deviation:
// errors count for the share of the time that is in units which the other network lacks.
func LogRatio(a, b latency.Estimate) (log, sd float64) {
	sd = math.Hypot(ownShare(a, b)*relativeSD(a), ownShare(b, a)*relativeSD(b))
	return math.Log(a.LatencyMs / b.LatencyMs), sd
}

// relativeSD is the standard deviation of the logarithm of an estimate.
func relativeSD(e latency.Estimate) float64 {
	return math.Log(e.HighMs/e.LowMs) / 2 / stat.Half90
}

// ownShare is the share of the time of e in calls of units that the other lacks or has fewer of.
func ownShare(e, other latency.Estimate) float64 {
	counts := map[engine.Unit]int{}
	for _, k := range other.Kernels {
		counts[k.Unit] = k.Count
	}
	own, all := 0.0, 0.0
	for _, k := range e.Kernels {
		all += k.Ms
		own += k.Ms * float64(max(0, k.Count-counts[k.Unit])) / float64(k.Count)
	}
	if all == 0 {
		return 1
	}
	return own / all
}
