package regression

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"time"

	"nas/blocks"
	"nas/internal/stat"
	"nas/latency/timing"
)

// Result is a verdict and what it rests on.
type Result struct {
	Verdict Word `json:"verdict"`
	// Ratio is the latency of the model over that of the baseline. Low and High hold it with 95 %, however often
	// they were looked at; both are 0 where there are too few pairs.
	Ratio      float64 `json:"ratio"`
	Low        float64 `json:"low,omitempty"`
	High       float64 `json:"high,omitempty"`
	ModelMs    float64 `json:"model_ms"`
	BaselineMs float64 `json:"baseline_ms"`
	// Pairs are the times of the model and of the baseline, ms, in the order of their measurement: each the 10th
	// percentile of some runs, where the timer tells it.
	Pairs   [][2]float64 `json:"pairs_ms,omitempty"`
	Seconds float64      `json:"seconds,omitempty"`
	// Warnings are those of the timer.
	Warnings []string `json:"warnings"`
}

// Options of [Measure].
type Options struct {
	Tolerance float64       // relative difference that counts as none, above 0
	Budget    time.Duration // how long to go on
	Baseline  timing.Baseline
	Seed      uint64
	Progress  func(pairs int, elapsed time.Duration) // nil for none
}

// maxPairs bounds a measurement, whose pairs are all kept.
const maxPairs = 2000

// Measure times the model and the baseline in turn, in pairs of random order, until a verdict is reached or the
// budget is spent. It returns the cause of the end of ctx.
func Measure(ctx context.Context, model, baseline *blocks.Network, rt timing.Runtime, o Options) (Result, error) {
	timer, err := rt.Open(ctx, o.Baseline)
	if err != nil {
		return Result{}, err
	}
	closed := false
	defer func() {
		if !closed {
			timer.Close()
		}
	}()
	r := rand.New(rand.NewPCG(o.Seed, 0))
	networks := [2]*blocks.Network{model, baseline}
	effort := timing.Effort{Runs: 5, MinTime: 20 * time.Millisecond}
	res := Result{Verdict: Undecided}
	var s sequence
	start := time.Now()
	for res.Verdict == Undecided && len(res.Pairs) < maxPairs && (len(res.Pairs) == 0 || time.Since(start) < o.Budget) {
		var pair [2]float64
		first := r.IntN(2)
		for _, i := range []int{first, 1 - first} {
			t, err := timer.Time(ctx, networks[i], effort)
			if err != nil {
				return Result{}, err
			}
			pair[i] = undisturbed(t.EndToEnd)
		}
		res.Pairs = append(res.Pairs, pair)
		s.add(math.Log(pair[0] / pair[1]))
		res.conclude(&s, o.Tolerance)
		if o.Progress != nil {
			o.Progress(len(res.Pairs), time.Since(start))
		}
	}
	closed = true
	res.Warnings = append([]string{}, timer.Close()...)
	res.Seconds = time.Since(start).Seconds()
	for i, ms := range []*float64{&res.ModelMs, &res.BaselineMs} {
		var all []float64
		for _, p := range res.Pairs {
			all = append(all, p[i])
		}
		*ms = stat.Median(all)
	}
	return res, nil
}

// undisturbed is the percentile of the runs, ms, that other programs disturb least among those that the timer
// tells: the 10th, or else the 5th or the median.
func undisturbed(s timing.Sample) float64 { return cmp.Or(s.P10Ms, s.P5Ms, s.MedianMs) }

// conclude sets verdict and interval.
func (r *Result) conclude(s *sequence, tolerance float64) {
	centre, low, high := s.interval()
	r.Verdict = judge(centre, low, high, tolerance)
	r.Ratio, r.Low, r.High = math.Exp(centre), math.Exp(low), math.Exp(high)
	if math.IsInf(low, -1) || math.IsInf(high, 1) {
		r.Low, r.High = 0, 0
	}
}
