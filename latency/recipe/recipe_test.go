package recipe

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
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
	case "flood": // without end
		line := strings.Repeat("x", 1<<16)
		for start := time.Now(); time.Since(start) < time.Minute; {
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
		{"flood", 100, "more than"},
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
		Command: []string{
			"sh",
			"-c",
			"trap '' TERM; sleep 600 & echo $! > " + file + "; echo took 5000 ns",
			"{model}",
		}}, nil)
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
	_, err := New(Spec{Command: []string{"x"}, Pattern: "ms", Unit: "h", Retries: -1, Files: []string{"a"}, ISA: "sse",
		Converted: "bin"}, nil)
	for _, key := range []string{
		"name", "runtime", "command", "pattern", "unit", "retries", "files", "isa", "converted",
	} {
		if err == nil || !strings.Contains(err.Error(), ": "+key+": ") {
			t.Errorf("no word about %s in: %v", key, err)
		}
	}
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

// spec is a recipe without faults.
func spec() Spec {
	return Spec{Name: "x", Runtime: "x", Command: []string{"x", "{model}"}, Unit: "us", Pattern: "(.)"}
}

func TestCores(t *testing.T) {
	for set, want := range map[string]string{"": "ffff", "0": "1", "4-7": "f0", "0,2,63": "8000000000000005"} {
		s := spec()
		s.Command, s.CPUSet, s.CPU = []string{"taskset", "{mask}", "{model}"}, set, "X1"
		r, err := New(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.expand(s.Command, start{})[1]; got != want {
			t.Errorf("cores %q are %s, want %s", set, got, want)
		}
		if cpu := r.Device().CPU; set == "4-7" && cpu != "X1, cores 4-7" || set == "" && cpu != "X1" {
			t.Errorf("with cores %q the processor is %q", set, cpu)
		}
	}
	for _, set := range []string{"a", "64", "-1", "1-", "1,,2", "3-2", "0-99999999999"} {
		if mask, err := maskOf(set); err == nil {
			t.Errorf("cores %q are %s, want an error", set, mask)
		}
	}
}

// TestModel checks that what the recipe says of files is heard.
func TestModel(t *testing.T) {
	s := spec()
	s.Format, s.DType, s.Quant = "tflite", "int8", "best"
	if _, err := New(s, nil); err == nil || !strings.Contains(err.Error(), "quant: \"best\"") {
		t.Errorf("error %v", err)
	}
	s.Quant = ""
	r, err := New(s, nil)
	if err != nil || r.Device().DType != "int8" || r.model.Format != "tflite" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = New(spec(), nil); err != nil || r.Device().DType != "float32" || r.model.Format != "onnx" {
		t.Errorf("%+v, %v", r, err)
	}
}
