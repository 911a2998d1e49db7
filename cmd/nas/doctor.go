package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nas/blocks/engine"
	"nas/blocks/kernels"
	pipeline "nas/internal/run"
	"nas/latency"
)

func newDoctor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What this machine offers, and whether it is quiet enough to measure",
		Long: `Doctor lists the instruction set and its peak, cores, caches, clock, the latency
profiles of this machine and their age, other programs that device recipes use,
and how much timings vary right now.`,
		Example: `  nas doctor`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v, err := examine()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(v)
			}
			v.print(a)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

type doctorView struct {
	Version    string            `json:"version"`
	Facts      latency.Facts     `json:"machine"`
	ISA        string            `json:"isa"`
	PeakGFLOPs float64           `json:"peak_gflops"`
	NoisePct   float64           `json:"noise_pct"`
	Profiles   []profileView     `json:"profiles"`
	Programs   map[string]string `json:"programs"`
	Advice     []string          `json:"advice"`
}

type profileView struct {
	Path    string    `json:"path"`
	Threads int       `json:"threads"`
	Created time.Time `json:"created"`
	MAPEPct float64   `json:"mape_pct"`
}

// programs are those that device recipes and documents use.
var programs = []string{"adb", "ssh", "benchmark_model", "onnxruntime_perf_test", "dot"}

// noiseLimit is the spread of equal timings, in per cent, above which a
// calibration is not worth much.
const noiseLimit = 10

func examine() (*doctorView, error) {
	set, err := kernels.Default()
	if err != nil {
		return nil, err
	}
	v := &doctorView{Version: pipeline.Version(), Facts: latency.HostFacts(nil), ISA: engine.Host(1).ISA,
		Profiles: []profileView{}, Programs: map[string]string{}, Advice: []string{}}
	v.PeakGFLOPs = set.Peak()
	v.NoisePct = noise(set)
	for threads := 1; threads <= max(1, v.Facts.Cores); threads *= 2 {
		dev := latency.NewNative(threads).Device()
		p, err := latency.Cached(dev)
		if err != nil {
			continue
		}
		path, _ := latency.CachePath(dev)
		view := profileView{Path: path, Threads: threads, Created: p.Created}
		if p.Validation != nil {
			view.MAPEPct = p.Validation.MAPEPct
		}
		v.Profiles = append(v.Profiles, view)
	}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			v.Programs[name] = path
		}
	}
	if len(v.Profiles) == 0 {
		v.Advice = append(v.Advice, "no latency profile of this machine yet: nas calibrate makes one, and so does the first nas run")
	}
	if v.NoisePct > noiseLimit {
		v.Advice = append(v.Advice, fmt.Sprintf("equal timings spread by %.1f %% right now: end other programs before you calibrate or measure", v.NoisePct))
	}
	if g := v.Facts.Governor; g != "" && g != "performance" {
		v.Advice = append(v.Advice, "the clock policy is "+g+": timings vary less under performance")
	}
	if v.Facts.Virtual {
		v.Advice = append(v.Advice, "a hypervisor is underneath: neighbours that this machine cannot see may slow it down")
	}
	return v, nil
}

// noise runs one layer for half a second and returns the spread of its times: 10th
// to 90th percentile, in per cent of the median.
func noise(set *kernels.Set) float64 {
	b := set.NewBench(kernels.BenchShapes()[0])
	b.Run()
	var ms []float64
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
		t := time.Now()
		b.Run()
		ms = append(ms, time.Since(t).Seconds()*1e3)
	}
	s := latency.NewSample(ms)
	return 100 * (s.P90Ms - s.P10Ms) / s.MedianMs
}

func (v *doctorView) print(a *app) {
	f := v.Facts
	a.printf("nas %s\n\n", v.Version)
	row := func(name, format string, args ...any) { a.printf("  %-18s %s\n", name, fmt.Sprintf(format, args...)) }
	row("processor", "%s, %s/%s", f.CPU, f.OS, f.Arch)
	row("cores", "%d", f.Cores)
	row("caches", "%d kB, %d kB, %d kB", f.L1>>10, f.L2>>10, f.L3>>10)
	row("kernels", "%s, peak %.1f GFLOP/s on one core", v.ISA, v.PeakGFLOPs)
	row("noise right now", "%.1f %% from the 10th to the 90th percentile of equal timings", v.NoisePct)
	if f.Load >= 0 {
		row("other tasks", "%.1f on average over the last minute", f.Load)
	}
	if f.MHz > 0 {
		row("clock", "%.0f MHz%s", f.MHz, optional(", policy ", f.Governor))
	}
	for _, p := range v.Profiles {
		row("profile", "%d thread(s), %s old, error %.1f %%: %s", p.Threads, age(time.Since(p.Created)), p.MAPEPct, p.Path)
	}
	var found []string
	for _, name := range programs {
		if v.Programs[name] != "" {
			found = append(found, name)
		}
	}
	if found != nil {
		row("programs", "%s", strings.Join(found, ", "))
	}
	for i, s := range v.Advice {
		if i == 0 {
			a.printf("\n")
		}
		a.printf("- %s\n", s)
	}
}

func optional(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// age is a time span in the largest unit that fits.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}
