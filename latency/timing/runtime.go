package timing

import (
	"context"
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
