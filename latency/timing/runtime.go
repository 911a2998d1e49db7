package timing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/fault"
)

// A Runtime times networks on a device. Package native is this machine with the engine's
// kernels; a recipe makes one of any program that times a model file. What an
// implementation must promise is run by package latencytest.
type Runtime interface {
	// Device identifies what is timed: device, processor, software, threads. It must be
	// the same at every call, since profiles are found and compared by it.
	Device() Device
	// Facts describe the machine underneath, as it is now.
	Facts() Facts
	// Open prepares for timing on the calling goroutine, which must be the one that
	// uses and closes the Timer. known is the Baseline of the device's profile, the
	// zero value if there is none.
	Open(ctx context.Context, known Baseline) (Timer, error)
}

// A Timer times networks until it is closed. It may be a [UnitTimer], a [BatchTimer]
// and a [ReferenceTimer], too.
type Timer interface {
	// Time measures the end-to-end latency of a network. It returns the cause of ctx's
	// end, wrapped, as soon as it can.
	Time(ctx context.Context, n *blocks.Network, e Effort) (Timing, error)
	// Baseline returns what this session found the device to take undisturbed.
	Baseline() Baseline
	// Close ends the session and returns warnings about its timings.
	Close() []string
}

// A UnitTimer also tells what each unit of a network takes. Runtimes without it are
// calibrated from end-to-end latencies alone.
type UnitTimer interface {
	Timer
	// TimeUnits is Time with the times of the units: Timing.CallMs and CallSpread, in
	// the order of Device.Calls.
	TimeUnits(ctx context.Context, n *blocks.Network, e Effort) (Timing, error)
}

// A BatchTimer times several networks for less than one after the other takes, such as
// a command that takes seconds to start.
type BatchTimer interface {
	Timer
	// Batch is the number of networks to pass at once, at least 1.
	Batch() int
	// TimeBatch returns one Timing for each network, in order.
	TimeBatch(ctx context.Context, ns []*blocks.Network, e Effort) ([]Timing, error)
}

// A Collector is a Timer that keeps the garbage collector off while it is open.
type Collector interface {
	Timer
	// CollectGarbage collects what was dropped, if that is much. It is to be called now and then by
	// who works between timings.
	CollectGarbage()
	// Collecting runs f, which times nothing, with the collector on.
	Collecting(f func())
}

// A ReferenceTimer keeps timing a reference kernel, which shows how fast the machine is.
type ReferenceTimer interface {
	Timer
	// SlowPct is the share of the session's timings of the reference kernel that took
	// more than 5 % longer than undisturbed, in per cent.
	SlowPct() float64
}

// Baseline is what an undisturbed device takes for work that never changes. The zero value:
// not known.
type Baseline struct {
	ReferenceMs float64 `json:"reference_ms"`       // of the reference network; 0: there is none
	ProbeNs     float64 `json:"probe_ns,omitempty"` // of a probe, in nanoseconds; 0: there is none
	// ClockNs is the time of a chain of dependent operations, in nanoseconds; 0: there is none. It follows the clock, and
	// hardly the load.
	ClockNs float64 `json:"clock_ns,omitempty"`
}

// Effort says how long to time one network. Runtimes without a use for a field ignore it.
type Effort struct {
	Runs int // number of timed runs, at least
	// MinTime is the least time to spend in timed runs. Short networks get more runs for it,
	// but not more than 20 times Runs.
	MinTime time.Duration
	// MaxTime, if not 0, ends the runs after that time, once there are three.
	MaxTime time.Duration
	// Warm is how long to run the network before the first timing. It is run twice at least.
	Warm time.Duration
	// MaxRuns, if more than Runs, allows more runs, until half the width of the median's
	// interval relative to it is at most Until, or Budget has passed.
	MaxRuns int
	Until   float64
	Budget  time.Duration
	// Weights are those that package native runs the network with; nil: random ones.
	Weights *blocks.Weights
}

// Stopped returns the cause of the end of ctx, wrapped; nil if it has not ended.
func Stopped(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fault.Errorf("latency: stopped: %w", err)
	}
	return nil
}

// A Heater is a Timer that can bring its device to the state of steady work before anything is timed, and keep it
// there.
type Heater interface {
	Timer
	// Heat puts the device under load for so long, and under load in every pause between timings from then on.
	// What is known of the undisturbed device is learnt anew, hot. seen is called about once a second with Heated. It
	// must be called before the first timing, at most once.
	Heat(ctx context.Context, load time.Duration, seen func(Heat)) error
	// Heated returns how the device took it so far.
	Heated() Heat
}

// Heat is how long a device was under load before it was timed, and what its clock did. The zero value: it was not.
type Heat struct {
	LoadS float64 `json:"load_s"`
	// Clock is the clock of the measuring core from the beginning of the load to the end of the timings, by the time that
	// a fixed chain of dependent operations takes.
	Clock []ClockPoint `json:"clock"`
}

// ClockPoint is the clock, MHz, S seconds after the load began.
type ClockPoint struct {
	S   float64 `json:"s"`
	MHz float64 `json:"mhz"`
}

// String says in a few words how long the load was and what the clock did: the mean of the faster half of its first up
// to ten measurements against that of its last ones.
func (h *Heat) String() string {
	text := fmt.Sprintf("after %v of load", (time.Duration(h.LoadS * float64(time.Second))).Round(time.Second))
	if len(h.Clock) < 2 {
		return text
	}
	n := min(10, (len(h.Clock)+1)/2)
	first, last := steady(h.Clock[:n]), steady(h.Clock[len(h.Clock)-n:])
	switch fell := 100 * (1 - last/first); {
	case !(first > 0):
		return text
	case fell >= 1:
		return fmt.Sprintf("%s the clock was lower by %.1f %%: %.0f MHz, not %.0f MHz", text, fell, last, first)
	case fell <= -1:
		return fmt.Sprintf("%s the clock was higher by %.1f %%: %.0f MHz, not %.0f MHz", text, -fell, last, first)
	}
	return fmt.Sprintf("%s the clock was as before, %.0f MHz", text, last)
}

// steady is the mean of the faster half: a measurement can be too slow, when another program takes the core, and not
// too fast.
func steady(points []ClockPoint) float64 {
	var mhz []float64
	for _, p := range points {
		mhz = append(mhz, p.MHz)
	}
	slices.Sort(mhz)
	half := mhz[len(mhz)/2:]
	sum := 0.0
	for _, v := range half {
		sum += v
	}
	return sum / float64(len(half))
}
