package timing

import (
	"context"
	"math"
	"strconv"
	"time"

	"nas/blocks"
	"nas/internal/fault"
)

// MeasureOptions of [Measure]. The zero value is a measurement of about a second.
type MeasureOptions struct {
	// Runs is the number of timed runs; 0 means: until the interval of the median
	// is at most 1 % wide on either side, at least 15 and at most 500, and no
	// longer than Budget.
	Runs int
	// Budget bounds the time if Runs is 0; 0 means 1 s. At least 15 runs are made.
	Budget time.Duration
	// Sustained runs the network for this long before the first timing, so that
	// the clock and the temperature are those of steady work; 0: they are those
	// of a burst.
	Sustained time.Duration
	// Baseline is that of the device's profile. With it, quiet segments are known from the
	// start, and the sample warns if the machine is slower now. Zero: not known.
	Baseline Baseline
	// Weights of the network, used by package native only; nil: random ones. The time is the same
	// unless the weights lead to denormal numbers.
	Weights *blocks.Weights
}

// MedianPrecision is the relative half width of the median's interval at which [Measure]
// has timed enough runs, unless it is told how many.
const MedianPrecision = 0.01

// Measure times a network end to end on a device.
func Measure(ctx context.Context, n *blocks.Network, rt Runtime, o MeasureOptions) (Sample, error) {
	if o.Runs < 0 || o.Budget < 0 || o.Sustained < 0 {
		return Sample{}, fault.New("latency: runs and times of a measurement must not be negative")
	}
	if o.Budget == 0 {
		o.Budget = time.Second
	}
	facts := rt.Facts()
	timer, err := rt.Open(ctx, o.Baseline)
	if err != nil {
		return Sample{}, err
	}
	e := Effort{Runs: o.Runs, Warm: o.Sustained}
	if o.Runs == 0 {
		e = Effort{Runs: 15, MaxRuns: 500, Until: MedianPrecision, Budget: o.Budget, Warm: o.Sustained}
	}
	e.Weights = o.Weights
	t, err := timer.Time(ctx, n, e)
	warnings := timer.Close()
	if err != nil {
		return Sample{}, err
	}
	s := t.EndToEnd
	s.Warnings = append(append(s.Warnings, facts.Warnings(rt.Device().Threads)...), warnings...)
	if o.Baseline.ReferenceMs > 0 && t.Slowdown > 1.03 {
		s.Warnings = append(s.Warnings, "the machine was "+percent(t.Slowdown-1)+" slower than when the profile was made")
	}
	return s, nil
}

// percent writes a share in per cent, to a tenth.
func percent(x float64) string {
	return strconv.FormatFloat(math.Round(1000*x)/10, 'f', -1, 64) + " %"
}
