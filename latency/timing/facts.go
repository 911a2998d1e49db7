package timing

import (
	"fmt"
	"runtime"
	"slices"

	"nas/internal/buildinfo"
	"nas/internal/plural"
	"nas/latency/internal/host"
)

// Facts describe the machine that timings come from, as far as it tells.
// Fields that a system does not show stay empty.
type Facts struct {
	CPU      string `json:"cpu"` // model name
	OS       string `json:"os"`
	Arch     string `json:"arch"` // GOARCH
	Kernel   string `json:"kernel,omitempty"`
	Host     string `json:"host,omitempty"`
	Virtual  bool   `json:"virtual,omitempty"`  // a hypervisor is underneath
	Cores    int    `json:"cores"`              // that this process may use
	CPUSet   []int  `json:"cpu_set"`            // the cores that measured
	Clusters []int  `json:"clusters,omitempty"` // capacity of each core, where they differ (big and little)
	L1       int    `json:"l1_bytes"`
	L2       int    `json:"l2_bytes"`
	L3       int    `json:"l3_bytes"`
	// Governor is the clock policy of the measuring cores, MHz their clock at
	// the start and TempC the hottest sensor then.
	Governor string  `json:"clock_policy,omitempty"`
	MHz      float64 `json:"clock_mhz,omitempty"`
	TempC    float64 `json:"temperature_c,omitempty"`
	Go       string  `json:"go"`
	Program  string  `json:"program,omitempty"` // module version or revision
	// Load is the number of runnable tasks of others, averaged over the minute
	// before; -1 if unknown.
	Load float64 `json:"load"`
}

// HostFacts asks this machine, for measurements on the given cores (nil: any).
func HostFacts(cpus []int) Facts {
	f := Facts{
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(),
		Cores: len(host.UsableCPUs()), CPUSet: slices.Clone(cpus), Load: -1, Program: buildinfo.Version(),
	}
	if f.Cores == 0 {
		f.Cores = runtime.NumCPU()
	}
	hostFacts(&f)
	if f.CPU == "" {
		f.CPU = "unknown " + runtime.GOARCH
	}
	return f
}

// Warnings says what makes timings on such a machine doubtful.
func (f *Facts) Warnings(threads int) []string {
	var w []string
	if f.Governor != "" && f.Governor != "performance" {
		w = append(w, fmt.Sprintf("the clock policy is %q: timings depend on how busy the core was before", f.Governor))
	}
	if threads > f.Cores {
		w = append(w, fmt.Sprintf("%d threads share %s", threads, plural.Of(f.Cores, "core")))
	}
	// One thread notices itself when others take its core. The load average counts
	// the measuring process, too, when it has been running for a while, so only
	// what exceeds it can be somebody else's.
	if threads > 1 && f.Load >= 0 && f.Load > float64(f.Cores-threads)+0.75 {
		w = append(w, fmt.Sprintf("the load average was %.1f at the start: other programs compete for %s",
			f.Load, plural.Of(f.Cores, "core")))
	}
	return w
}
