package native

import (
	"slices"

	"nas/internal/stat"
	"nas/latency/timing"
)

// quietSample summarises runs of one thing on a shared machine. The work of others comes in
// bursts, and only ever makes a run longer: the median of all runs moves by a fifth within
// seconds, while the runs between the bursts agree within 2 %. So the median and its interval
// are those of the undisturbed runs; the percentiles are of all.
func quietSample(ms []float64) timing.Sample {
	all := slices.Sorted(slices.Values(ms))
	if len(all) == 0 {
		return timing.NewSample(nil)
	}
	limit := disturbedAbove(all)
	n := len(all)
	for n > 1 && all[n-1] > limit {
		n--
	}
	s := timing.NewSample(all[:n])
	s.P10Ms, s.P90Ms = stat.Quantile(all, 0.1), stat.Quantile(all, 0.9)
	s.MedianMs = max(s.MedianMs, s.P10Ms)
	s.Dropped = len(all) - n
	return s
}

// disturbedAbove returns the time beyond which a run counts as disturbed: 5 % more than the
// first decile, or more if fewer than six runs, or a quarter of them, would remain. ms must
// be sorted.
func disturbedAbove(ms []float64) float64 {
	n := len(ms)
	return max(burst*stat.Quantile(ms, 0.1), ms[min(n-1, max(5, n/4))])
}

// burst is the least factor by which the work of others makes a run longer.
const burst = 1.05

// undisturbedSample summarises runs that are so short that some are undisturbed, however many
// are not. It sorts ms.
func undisturbedSample(ms []float64) timing.Sample {
	slices.Sort(ms)
	n := len(ms)
	if n == 0 {
		return timing.NewSample(nil)
	}
	first := stat.Quantile(ms, 0.1)
	for n > 1 && ms[n-1] > burst*first {
		n--
	}
	s := timing.NewSample(ms[:n])
	s.MedianMs = max(s.MedianMs, first)
	s.LowMs, s.HighMs = min(s.LowMs, s.MedianMs), max(s.HighMs, s.MedianMs)
	s.Dropped = len(ms) - n
	return s
}
