package recipe

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nas/latency/calibrate"
	"nas/latency/devices"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

// TestMain lets the test binary be the command of a recipe: it pretends to time
// the models that it is given.
func TestMain(m *testing.M) {
	switch os.Getenv("NAS_TEST_COMMAND") {
	case "":
		os.Exit(m.Run())
	case "time":
		for _, p := range os.Args[1:] {
			if i, err := os.Stat(p); err == nil { // 1 us a kilobyte
				println("model took", i.Size(), "ns")
			}
		}
	case "hang":
		time.Sleep(time.Minute)
	case "fail":
		println("cannot load the model")
		os.Exit(3)
	case "flood":
		line := strings.Repeat("x", 1<<16)
		for range 200 {
			println(line)
		}
	}
}

func testRecipe(t *testing.T, mode string) *Recipe {
	t.Helper()
	t.Setenv("NAS_TEST_COMMAND", mode)
	r, err := New(Spec{
		Name: "test", Runtime: "test", ISA: "neon", Command: []string{"sh", "-c", `"$0" "$@" 2>&1`, os.Args[0], "{models}"},
		Pattern: `took (\d+) ns`, Unit: "ns", TimeoutS: 20, Batch: 4,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	latencytest.Conformance(t, testRecipe(t, "time"))
}

func TestRecipeTimesModels(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	r := testRecipe(t, "time")
	nets := latencytest.Networks(t, 40, 12)
	p, err := calibrate.Device(context.Background(), r, slices.Values(nets), calibrate.Options{Budget: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.HeldOut) != 12 || p.Device.Name != "test" || p.Device.Target.ISA != "neon" {
		t.Errorf("%d networks of device %+v", len(p.HeldOut), p.Device)
	}
	for i, h := range p.HeldOut {
		// The file is the weights and little else.
		size := 4 * float64(nets[i].Counts().Params) / 1e6
		if ms := h.Measured.MedianMs; ms < 0.95*size || ms > 1.2*size+0.05 {
			t.Errorf("%s: %g ms, the file has %g MB", h.Name, ms, size)
		}
	}
}

func TestRecipeFails(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	nets := latencytest.Networks(t, 41, 1)
	for _, c := range []struct {
		mode string
		s    float64
		want string
	}{
		{"fail", 20, "cannot load the model"},
		{"hang", 0.3, "timeout_s = 0.3"},
		{"flood", 20, "more than"},
	} {
		r := testRecipe(t, c.mode)
		r.spec.TimeoutS = c.s
		_, err := calibrate.Device(context.Background(), r, slices.Values(nets), calibrate.Options{Budget: time.Hour})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.mode, err, c.want)
		}
	}
	r := testRecipe(t, "hang")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := timing.Measure(ctx, nets[0], r, timing.MeasureOptions{Runs: 1})
	if err == nil || time.Since(start) > 45*time.Second {
		t.Errorf("a canceled command ended after %v with %v", time.Since(start), err)
	}
}

// A command that takes longer than the budget is ended with it, whatever its own time limit.
func TestBudgetEndsCommand(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	r := testRecipe(t, "hang")
	r.spec.TimeoutS = 3600
	nets := slices.Values(latencytest.Networks(t, 41, 3))
	_, err := calibrate.Device(t.Context(), r, nets, calibrate.Options{Budget: time.Second})
	want := "the budget of 1s ended before the first times of 2 networks"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// What a command prints counts though a process that it leaves behind keeps the output open; that one is ended.
func TestProcessLeftBehind(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("processes are looked up in /proc")
	}
	file := filepath.Join(t.TempDir(), "pid")
	r, err := New(Spec{Name: "test", Runtime: "test", ISA: "neon", Pattern: `took (\d+) ns`, Unit: "ns",
		Command: []string{"sh", "-c", "trap '' TERM; sleep 600 & echo $! > " + file + "; echo took 5000 ns", "{model}"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Open(t.Context(), timing.Baseline{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	got, err := x.Time(t.Context(), latencytest.Networks(t, 1, 1)[0], timing.Effort{})
	if err != nil || got.EndToEnd.MedianMs != 0.005 {
		t.Errorf("%g ms, %v", got.EndToEnd.MedianMs, err)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // what has ended has no command line, even if nobody waits for it
		line, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "cmdline"))
		if err != nil || len(line) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the process that was left behind still runs")
}

func TestRecipeLimits(t *testing.T) {
	good := Spec{Name: "x", Runtime: "x", Command: []string{"x", "{model}"}, Unit: "us", Pattern: "(.)"}
	if _, err := New(good, nil); err != nil {
		t.Fatal(err)
	}
	for key, set := range map[string]func(s *Spec, v float64){
		"batch":     func(s *Spec, v float64) { s.Batch = int(v) },
		"retries":   func(s *Spec, v float64) { s.Retries = int(v) },
		"threads":   func(s *Spec, v float64) { s.Threads = int(v) },
		"timeout_s": func(s *Spec, v float64) { s.TimeoutS = v },
	} {
		for _, v := range []float64{-1, 1e9, math.NaN(), math.Inf(1), 1e300} {
			if v != v || v > 1e10 {
				if key != "timeout_s" {
					continue
				}
			}
			s := good
			set(&s, v)
			if _, err := New(s, nil); err == nil || !strings.Contains(err.Error(), ": "+key+": ") {
				t.Errorf("%s = %g: error %v", key, v, err)
			}
		}
	}
}

func TestRecipeReportsEverything(t *testing.T) {
	_, err := New(Spec{Command: []string{"x"}, Pattern: "ms", Unit: "h", Retries: -1, Files: []string{"a"}}, nil)
	for _, key := range []string{"name", "runtime", "command", "pattern", "unit", "retries", "files"} {
		if err == nil || !strings.Contains(err.Error(), ": "+key+": ") {
			t.Errorf("no word about %s in: %v", key, err)
		}
	}
}

func TestRecipeParse(t *testing.T) {
	r, err := New(Spec{Name: "x", Runtime: "x", Command: []string{"x", "{model}"}, Unit: "us",
		Pattern: `avg (?P<time>[0-9.]+) p10 (?P<p10>\d+) n (?P<runs>\d+)`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.parse([]byte("load\navg 1500.5 p10 1400 n 20\navg 3 p10 2 n 5\n"), 2)
	if err != nil || s[0].MedianMs != 1.5005 || math.Abs(s[0].P10Ms-1.4) > 1e-12 || s[0].Runs != 20 ||
		s[1].MedianMs != 0.003 {
		t.Errorf("%+v, %v", s, err)
	}
	if s[0].P90Ms != 0 {
		t.Errorf("a 90th percentile that nobody told: %+v", s[0])
	}
	if _, err := r.parse([]byte("Segmentation fault"), 1); err == nil || !strings.Contains(err.Error(), "Segmentation") {
		t.Errorf("output without a time: %v", err)
	}
	s, err = r.parse([]byte("avg 3 p10 4 n 5"), 1)
	if err != nil || s[0].P10Ms != 0 {
		t.Errorf("a median below its first decile: %+v, %v", s, err)
	}
	if _, err := r.parse([]byte("avg 0 p10 0 n 1"), 1); err == nil {
		t.Error("zero was taken for a time")
	}
}

// The statistics that benchmark_model prints before its summary count: of the runs, not of the warm-up.
func TestRecipeParseTFLite(t *testing.T) {
	r, err := New(Spec{Name: "x", Runtime: "x", Command: []string{"x", "{model}"}, Unit: "us",
		Pattern: `Inference timings in us:.*Inference \(avg\): (?P<time>[0-9.e+]+)`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const (
		warm    = "INFO: count=9 first=88000 min=51600 avg=58200 std=11500 p5=51600 median=52000 p95=88000\n"
		runs    = "INFO: count=1000 first=52200 max=6e+05 avg=63700 std=6e4 p5=49600 median=5.19e+04 p95=68600\n"
		old     = "count=50 first=52200 curr=49800 min=49100 max=690000 avg=63700 std=60700\n"
		one     = "count=1 curr=63700\n"
		summary = "INFO: Inference timings in us: Init: 119500, Warmup (avg): 58200, Inference (avg): 63700\n"
	)
	s, err := r.parse([]byte(warm+"\n"+runs+"\n"+summary+"Timings: "+runs+warm+old+summary+warm+one+summary+summary), 4)
	if err != nil {
		t.Fatal(err)
	}
	mean := timing.Sample{MedianMs: 63.7, LowMs: 63.7, HighMs: 63.7}
	want := []timing.Sample{
		{MedianMs: 51.9, LowMs: 51.9, HighMs: 51.9, P5Ms: 49.6, P95Ms: 68.6, Runs: 1000}, mean, mean, mean,
	}
	want[1].Runs, want[2].Runs, want[3].Runs = 50, 1, 1
	want[1].Warnings = []string{"the time is a mean: this version of benchmark_model tells no median"}
	for i := range s {
		s[i] = rounded(s[i])
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v,\nwant %+v", s, want)
	}
}

// rounded is without what multiplying by the unit adds in the last digit.
func rounded(s timing.Sample) timing.Sample {
	for _, v := range []*float64{&s.MedianMs, &s.LowMs, &s.HighMs, &s.P5Ms, &s.P95Ms} {
		*v = math.Round(*v*1e6) / 1e6
	}
	return s
}

func TestShippedRecipesAreThere(t *testing.T) {
	if len(devices.Recipes()) < 2 {
		t.Errorf("recipes %v", devices.Recipes())
	}
	if _, err := devices.Recipe("onnxruntime"); err != nil {
		t.Error(err)
	}
	if _, err := devices.Recipe("nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// The shipped recipe of ONNX Runtime, where NAS_ONNXRUNTIME names a folder with
// its package for Node.
func TestONNXRuntimeRecipe(t *testing.T) {
	dir := os.Getenv("NAS_ONNXRUNTIME")
	if dir == "" {
		t.Skip("skipped: no ONNX Runtime. npm install onnxruntime-node@1.30.0 somewhere " +
			"and set NAS_ONNXRUNTIME to that folder")
	}
	t.Chdir(dir)
	r, err := New(Spec{
		Name: "onnxruntime", Runtime: "onnxruntime", Files: []string{"onnxruntime.js"}, Batch: 12, TimeoutS: 120, Unit: "ms",
		Command: []string{"node", "{dir}/onnxruntime.js", "{threads}", "{runs}", "{models}"},
		Pattern: `time (?P<time>[0-9.]+) p10 (?P<p10>[0-9.]+) p90 (?P<p90>[0-9.]+) runs (?P<runs>[0-9]+)`,
	}, devices.Files)
	if err != nil {
		t.Fatal(err)
	}
	nets := slices.Values(latencytest.Networks(t, 70, 12))
	p, err := calibrate.Device(t.Context(), r, nets, calibrate.Options{Budget: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.HeldOut) != 12 || p.Calibration.ReferenceMs <= 0 {
		t.Errorf("%d networks, reference %g ms", len(p.HeldOut), p.Calibration.ReferenceMs)
	}
	for _, h := range p.HeldOut {
		if s := h.Measured; s.Runs < 30 || !(s.P10Ms <= s.MedianMs && s.MedianMs <= s.P90Ms) || s.MedianMs < 0.1 {
			t.Errorf("%s: %+v", h.Name, s)
		}
	}
}

// Whatever a command prints, parse gives times that are times, or an error.
func FuzzRecipeParse(f *testing.F) {
	r, err := New(Spec{Name: "x", Runtime: "x", Command: []string{"x", "{model}"}, Unit: "s",
		Pattern: `t (?P<time>\S+)(?: p10 (?P<p10>\S+) n (?P<runs>\S+))?`}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"t 1", "t 1e400", "t NaN", "t -1", "t 0x1p-2 p10 Inf n 1e300", "t 1 p10 x n -5", ""} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, out []byte, n int) {
		ss, err := r.parse(out, n)
		if err != nil {
			return
		}
		if len(ss) != n {
			t.Errorf("%d times of %d models", len(ss), n)
		}
		for _, s := range ss {
			if !(s.MedianMs > 0 && s.MedianMs < maxMs && s.P10Ms >= 0 && s.P10Ms < maxMs && s.Runs >= 0) {
				t.Errorf("%q: %+v", out, s)
			}
		}
	})
}
