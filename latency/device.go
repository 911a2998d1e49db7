package latency

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
)

// A Runtime times networks on a device. [Native] is this machine with the engine's
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

// A ReferenceTimer keeps timing a reference kernel, which shows how fast the machine is.
type ReferenceTimer interface {
	Timer
	// SlowPct is the share of the session's timings of the reference kernel that took
	// more than 5 % longer than undisturbed, in per cent.
	SlowPct() float64
}

// Baseline is what a device takes with nobody else on it. The zero value: not known.
type Baseline struct {
	ReferenceMs float64 `json:"reference_ms"`       // the reference kernel's time; 0: there is none
	ProbeNs     float64 `json:"probe_ns,omitempty"` // the probe's, in nanoseconds; 0: there is none
}

// Effort says how long to look at one network.
type Effort struct {
	Runs int // of the network, at least
	// MinTime is the least time to spend in timed runs of the whole; short networks
	// get more runs for it, at most 20 times Runs.
	MinTime time.Duration
	// MaxTime, if not 0, ends the runs after so long, once there are three.
	MaxTime time.Duration
	// Warm is how long to run before the first timing; two runs at least.
	Warm time.Duration
	// MaxRuns, if more than Runs, allows more: until the median's interval is
	// within Until of it on either side, or Budget has passed.
	MaxRuns int
	Until   float64
	Budget  time.Duration
	// Weights, if not nil, are those that the native device runs the network with;
	// nil: random ones. Recipes always write random ones.
	Weights *blocks.Weights
}

// Timing is what a timer found.
type Timing struct {
	Whole Sample // end to end
	// CallMs are the times of the network's unit calls in ms, and CallSpread their
	// standard errors relative to them; nil if only the network was timed.
	CallMs, CallSpread []float64
	Pace
	// Calm is in how many runs, in the mean, a part of the network was seen in a calm
	// moment, if the times are those of calm moments; 0: they are not.
	Calm        float64
	found       float64   // share of the time that was seen in them
	slow        float64   // what the rest was divided by
	laps        *lapTimes // nil: the device has none
	Runs        int       // all of them
	Interrupted int       // runs in which another task took a core
}

// Pace is how fast the machine was while something was measured.
type Pace struct {
	// Slow is by how much the machine was slower than undisturbed, as a factor, 1 if it
	// was not: its clock, where the times are of calm moments, else the reference kernel.
	// Beyond slowLimit the times of a Timing are those that its runs would have taken at the
	// undisturbed pace, if BaseMs is known.
	Slow   float64
	RefMs  float64 // the reference kernel's time then; 0: it does not count
	BaseMs float64 // undisturbed, as far as was known then; 0: it was not
	// Unsure: there were calm moments to be told, but too few.
	Unsure bool
}

const nativeName = "native"

// Ways to cut a network into units: the values of Device.Cut.
const (
	CutPlan   = ""       // the kernel calls of the engine's plan
	CutOps    = "ops"    // the same without block fusion: convolutions with what runtimes commonly fuse
	CutBlocks = "blocks" // as CutOps, but with the convolutions of each separable block as one unit "block"
)

// Calls cuts a network into the unit calls that the device is modelled by, in the order
// in which they run. It fails if the engine cannot compile the network.
func (d Device) Calls(n *blocks.Network) ([]engine.Call, error) {
	p, err := engine.Compile(n, d.Target, engine.Options{NoBlockFusion: d.Cut != CutPlan})
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	if d.Cut == CutBlocks {
		return inBlocks(p.Kernels()), nil
	}
	return p.Kernels(), nil
}

// inBlocks puts the calls of each block that has one depthwise convolution
// together, as a unit "block" as tables of blocks have it: from the input of its
// first convolution to the output of its last. Other calls of such a block
// (squeeze-and-excite) stay by themselves.
func inBlocks(calls []engine.Call) []engine.Call {
	var out []engine.Call
	for i := 0; i < len(calls); {
		j := i + 1
		for j < len(calls) && calls[j].Stage == calls[i].Stage && calls[j].Block == calls[i].Block && calls[i].Block > 0 {
			j++
		}
		out = append(out, oneBlock(calls[i:j])...)
		i = j
	}
	return out
}

func oneBlock(calls []engine.Call) []engine.Call {
	dw := -1
	for i := range calls {
		if calls[i].Unit.Name == "dwconv" {
			if dw >= 0 {
				return calls
			}
			dw = i
		}
	}
	if dw < 0 || len(calls) < 2 {
		return calls
	}
	d := calls[dw].Unit
	b := engine.Call{Unit: engine.Unit{
		Name: "block", In: d.In, Out: d.Out, Kernel: d.Kernel, Stride: d.Stride, Dilation: d.Dilation, Pad: d.Pad,
		Groups: 1, Mid: d.In.C, DWAct: d.Act, Batch: d.Batch,
	}, Stage: calls[dw].Stage, Block: calls[dw].Block}
	var rest []engine.Call
	for i := range calls {
		u := &calls[i].Unit
		switch {
		case i == dw:
		case u.Name == "conv" && u.Kernel == [2]int{1, 1} && u.In.Pixels() > 1 && i < dw:
			b.Unit.In, b.Unit.MidAct = u.In, u.Act
			b.Unit.Groups = max(b.Unit.Groups, u.Groups)
		case (u.Name == "conv" && u.Kernel == [2]int{1, 1} || u.Name == "scale_conv") && u.In.Pixels() > 1 && i > dw:
			b.Unit.Out, b.Unit.Act, b.Unit.Residual = u.Out, u.Act, u.Residual
			b.Unit.Groups = max(b.Unit.Groups, u.Groups)
		default:
			rest = append(rest, calls[i])
			continue
		}
		b.Nodes = append(b.Nodes, calls[i].Nodes...)
	}
	return append([]engine.Call{b}, rest...)
}

// Native is this machine, running the engine's kernels.
type Native struct {
	target engine.Target
	cpus   []int
}

// NewNative returns this machine for a number of threads (less than 1 means 1).
// cpus are the cores to measure on; none: the last of the fastest usable ones.
func NewNative(threads int, cpus ...int) *Native {
	threads = max(1, threads)
	if len(cpus) == 0 {
		cpus = lastCPUs(threads)
	}
	return &Native{target: engine.Host(threads), cpus: cpus}
}

// Device returns what is timed.
func (n *Native) Device() Device {
	return Device{
		Name: nativeName, CPU: HostFacts(n.cpus).CPU, Runtime: "nas kernels", Version: releaseVersion(), DType: "float32",
		Threads: n.target.Threads, CPUSet: ranges(n.cpus), Target: n.target,
	}
}

// Facts describes this machine now.
func (n *Native) Facts() Facts { return HostFacts(n.cpus) }

// Open starts a measuring session.
func (n *Native) Open(ctx context.Context, known Baseline) (Timer, error) {
	return newMeter(n.target, n.cpus, known)
}

func trimFloat(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// ranges writes sorted numbers as "0-3,6".
func ranges(xs []int) string {
	var b strings.Builder
	for i := 0; i < len(xs); {
		j := i
		for j+1 < len(xs) && xs[j+1] == xs[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(xs[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(xs[j]))
		}
		i = j + 1
	}
	return b.String()
}
