package timing

import (
	"context"
	"strconv"
	"strings"

	"nas/blocks/engine"
	"nas/internal/buildinfo"
)

// NativeName is the Device.Name of [Native].
const NativeName = "native"

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
		Name: NativeName, CPU: HostFacts(n.cpus).CPU, Runtime: "nas kernels", Version: buildinfo.Release(), DType: "float32",
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
