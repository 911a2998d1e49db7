package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"nas/accuracy/benchmark"
	"nas/blocks/engine"
	"nas/blocks/kernels"
	"nas/internal/buildinfo"
	"nas/internal/profiles"
	"nas/latency"
	"nas/latency/devices"
	"nas/latency/native"
	"nas/latency/recipe"
	"nas/latency/timing"
)

func newDoctor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what this machine offers, and whether it is idle enough to measure",
		Long: `Doctor lists the instruction set and its peak, cores, caches, clock, the latency
profiles in the cache and their age, what a calibration takes, the devices and
runtimes that can be timed from here, the tables of trained networks that scores
can be judged on, and how much timings vary right now.`,
		Example: `  nas doctor
  nas doctor --json`,
		Args: cobra.NoArgs,
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
	Facts      timing.Facts      `json:"machine"`
	ISA        string            `json:"isa"`
	PeakGFLOPs float64           `json:"peak_gflops"`
	NoisePct   float64           `json:"noise_pct"`
	Calibrate  calibrationNeed   `json:"calibration"`
	Profiles   []profileView     `json:"profiles"`
	Devices    []deviceView      `json:"devices"`
	Programs   map[string]string `json:"programs"`
	Benchmarks []string          `json:"benchmarks"`
	Advice     []string          `json:"advice"`
}

// calibrationNeed is what nas calibrate takes without flags.
type calibrationNeed struct {
	WallS       float64 `json:"wall_s"`
	MemoryBytes int64   `json:"memory_bytes"` // at most, about
}

// Memory of a calibration, in bytes: the program with its measurements, and for each parameter of the largest network
// its packed weight and, for a time, the random one that it is made of.
const (
	calibrationBase     = 80 << 20
	calibrationPerParam = 8
)

func needOfCalibration() calibrationNeed {
	most := int64(0)
	for n := range profiles.NetworksOf(nil, 0) {
		c := n.Counts()
		most = max(most, calibrationPerParam*c.Params+4*c.PeakActivations)
	}
	return calibrationNeed{60, calibrationBase + most}
}

// deviceView is something that --device can name.
type deviceView struct {
	Name    string   `json:"name"`
	Runtime string   `json:"runtime"`
	Missing []string `json:"missing"` // programs that its recipe starts and that are not here
}

type profileView struct {
	Path    string    `json:"path"`
	Device  string    `json:"device"`
	Threads int       `json:"threads"`
	Created time.Time `json:"created"`
	MAPEPct float64   `json:"mape_pct"`
	Busy    string    `json:"busy,omitempty"` // why it should not be trusted
	Heat    string    `json:"heat,omitempty"` // of the hot device: its load, and what its clock did

	device timing.Device
}

// programs are those that documents use beside those that recipes start.
var programs = []string{"dot", "chromium"}

// noiseLimit is the spread of equal timings, in per cent, above which a calibration is
// unreliable.
const noiseLimit = 10

func examine() (*doctorView, error) {
	set, err := kernels.Default()
	if err != nil {
		return nil, err
	}
	v := &doctorView{Version: buildinfo.Version(), Facts: timing.HostFacts(nil), ISA: engine.Host(1).ISA,
		Calibrate: needOfCalibration(), Profiles: cachedProfiles(), Programs: map[string]string{},
		Benchmarks: benchmark.Names(), Advice: []string{}}
	v.PeakGFLOPs = set.Peak()
	v.NoisePct = noise(set)
	if v.Devices, err = knownDevices(v.Programs); err != nil {
		return nil, err
	}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			v.Programs[name] = path
		}
	}
	own := func(p profileView) bool { return p.Device == native.New(p.Threads).Device().String() }
	if !slices.ContainsFunc(v.Profiles, own) {
		v.Advice = append(v.Advice,
			"no latency profile of this machine yet: nas calibrate makes one, and so does the first nas run")
	}
	if v.NoisePct > noiseLimit {
		v.Advice = append(v.Advice, fmt.Sprintf("equal timings spread by %.1f %% right now: "+
			"end other programs before you calibrate or measure", v.NoisePct))
	} else {
		v.Advice = append(v.Advice, "the machine is quiet: a good minute for nas calibrate")
	}
	for _, p := range v.Profiles {
		if p.Busy != "" {
			v.Advice = append(v.Advice, fmt.Sprintf("the profile %s is of a busy hour (%s): "+
				"nas calibrate in a quiet minute", p.Path, p.Busy))
		}
	}
	if g := v.Facts.Governor; g != "" && g != "performance" {
		v.Advice = append(v.Advice, "the clock policy is "+g+": timings vary less under performance")
	}
	if v.Facts.Virtual {
		v.Advice = append(v.Advice, "a hypervisor is underneath: neighbours that this machine cannot see may slow it down")
	}
	return v, nil
}

// cachedProfiles lists the latency profiles in the user's cache; those that this
// version does not read are left out, as predict and run leave them out.
func cachedProfiles() []profileView {
	views := []profileView{}
	path, err := latency.CachePath(native.New(1).Device())
	if err != nil {
		return views
	}
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.json"))
	for _, f := range files {
		p, err := latency.Load(f)
		if err != nil {
			continue
		}
		view := profileView{Path: f, Device: p.Device.String(), Threads: p.Device.Threads, Created: p.Created,
			Busy: p.Busy(), device: p.Device}
		if h := p.Calibration.Heat; h != nil {
			view.Heat = h.String()
		}
		if p.Validation != nil {
			view.MAPEPct = p.Validation.MAPEPct
		}
		views = append(views, view)
	}
	return views
}

// knownDevices lists the shipped recipes with what they lack here, and adds the
// programs that it finds.
func knownDevices(found map[string]string) ([]deviceView, error) {
	views := []deviceView{{Name: "native", Runtime: "nas kernels", Missing: []string{}}}
	for _, name := range devices.Recipes() {
		text, err := devices.Recipe(name)
		if err != nil {
			return nil, err
		}
		var r recipe.Spec
		if _, err := toml.Decode(string(text), &r); err != nil {
			return nil, fmt.Errorf("the recipe %s: %w", name, err)
		}
		v := deviceView{Name: name, Runtime: r.Runtime, Missing: []string{}}
		for _, command := range append([][]string{r.Convert, r.Push, r.Command, r.Cleanup, r.Facts}, r.Setup...) {
			if len(command) == 0 || strings.HasPrefix(command[0], "{") { // which another command makes
				continue
			}
			program := command[0]
			if program == "sh" && len(command) > 2 {
				program = strings.Fields(command[2])[0]
			}
			if path, err := exec.LookPath(program); err == nil {
				found[program] = path
			} else if !slices.Contains(v.Missing, program) {
				v.Missing = append(v.Missing, program)
			}
		}
		views = append(views, v)
	}
	return views, nil
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
	s := timing.NewSample(ms)
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
	row("nas calibrate", "%.0f s, at most about %d MB of memory; with --space %d MB, and %d more for each million "+
		"parameters of its largest network",
		v.Calibrate.WallS, v.Calibrate.MemoryBytes>>20, calibrationBase>>20, calibrationPerParam)
	for _, p := range v.Profiles {
		row("profile", "%s, %s old, error %.1f %%%s: %s", p.Device, age(time.Since(p.Created)), p.MAPEPct,
			optional(", ", p.Heat), p.Path)
	}
	for _, d := range v.Devices {
		state := "its programs are here"
		if len(d.Missing) > 0 {
			state = "needs " + strings.Join(d.Missing, ", ")
		} else if d.Name == "native" {
			state = "ready"
		}
		row("device", "%s (%s): %s", d.Name, d.Runtime, state)
	}
	row("trained networks", "%s (nas validate accuracy)", strings.Join(v.Benchmarks, ", "))
	if found := slices.Sorted(maps.Keys(v.Programs)); found != nil {
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
