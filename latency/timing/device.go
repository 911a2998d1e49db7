package timing

import (
	"fmt"

	"nas/blocks/engine"
)

// Device is what a profile is of. Timings with equal Device can be compared and
// put together. It is comparable.
type Device struct {
	Name    string        `json:"name"`              // "native", a recipe's or a table's name
	CPU     string        `json:"cpu"`               // model name of the processor
	Runtime string        `json:"runtime"`           // "nas kernels", "onnxruntime 1.30.0"
	Version string        `json:"version,omitempty"` // of the runtime; empty: not a release
	DType   string        `json:"dtype"`
	Threads int           `json:"threads"`
	Cut     string        `json:"cut,omitempty"` // how networks are cut into units; empty: as the engine's plan
	CPUSet  string        `json:"cpu_set"`       // cores, "1" or "0-3"; empty: any
	Target  engine.Target `json:"target"`
}

// String names the device for people and plots.
func (d Device) String() string {
	th := "1 thread"
	if d.Threads > 1 {
		th = fmt.Sprintf("%d threads", d.Threads)
	}
	return fmt.Sprintf("%s on %s, %s", d.Runtime, d.CPU, th)
}

// Match returns an error that names the first difference between two devices.
// The set of cores does not count, as long as their number is the same.
func (d Device) Match(o Device) error {
	for _, f := range []struct {
		what string
		a, b any
	}{
		{"device", d.Name, o.Name}, {"processor", d.CPU, o.CPU}, {"runtime", d.Runtime, o.Runtime}, {"runtime version", d.Version, o.Version},
		{"data type", d.DType, o.DType}, {"threads", d.Threads, o.Threads}, {"cut", d.Cut, o.Cut}, {"target", d.Target, o.Target},
	} {
		if f.a != f.b {
			return fmt.Errorf("the profile's %s is %v, here it is %v", f.what, f.a, f.b)
		}
	}
	return nil
}

// PhoneTarget is a processor with the caches of a phone's.
func PhoneTarget(threads int) engine.Target {
	return engine.Target{ISA: "neon", L1: 32 << 10, L2: 512 << 10, L3: 4 << 20, Threads: max(1, threads)}
}
