package device

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks/zoo"
	"nas/latency/timing"
)

// Stand-ins for the clients of two farms of devices. What they return has the form that the documents of the clients
// give: times of AI Hub in microseconds, of ST in milliseconds.
const (
	aiHub = `
import os
class Device:
    def __init__(self, name): self.name = name
class Status:
    success, message = True, ""
class Job:
    def __init__(self, us): self.us = us
    def wait(self): return Status()
    def download_profile(self):
        return {"execution_summary": {
            "estimated_inference_time": self.us * 0.8, "first_load_time": 1374293, "warm_load_time": 277823,
            "inference_memory_peak_range": (2654208, 39406752),
            "all_inference_times": [self.us * k / 100 for k in range(80, 121)]},
            "execution_detail": [{"name": "conv", "type": "CONV_2D", "compute_unit": "NPU"}]}
def submit_profile_job(model, device, name=None, options=""):
    assert device.name == "Samsung Galaxy S24 (Family)" and options == "--compute_unit npu"
    return Job(os.path.getsize(model))
`
	stEdgeAI = `
import collections, os
Board = collections.namedtuple("Board", "name boardCpu")
Result = collections.namedtuple("Result", "duration_ms cycles ram_size rom_size device")
class CloudBackend:
    def __init__(self, user, password, version=None): assert user == "me" and password == "secret"
class CliParameters:
    def __init__(self, model): self.model = model
class Stm32Ai:
    sizes = {}
    def __init__(self, backend): pass
    def get_benchmark_boards(self): return [Board("STM32H747I-DISCO", "STM32H7")]
    def upload_model(self, path): self.sizes[os.path.basename(path)] = os.path.getsize(path)
    def delete_model(self, name): del self.sizes[name]
    def benchmark(self, p, board, timeout=1500):
        return Result(self.sizes[p.model] / 1000, 4711, 1000, 2000, board)
`
)

// TestFarms times files by the recipes of farms, with a stand-in for each client.
func TestFarms(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("skipped: there is no python3 here (Debian: apt-get install python3)")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"qai_hub.py": aiHub, "common/stm32ai_dc/__init__.py": stEdgeAI} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PYTHONPATH", dir)
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	t.Setenv("STM32AI_SERVICES", dir)
	t.Setenv("STM32AI_USERNAME", "me")
	t.Setenv("STM32AI_PASSWORD", "secret")
	n, err := zoo.Get("mobilenet_v1@width=0.25,res=32")
	if err != nil {
		t.Fatal(err)
	}
	size := float64(n.Counts().Params) / 1e6 // of a file of int8 in megabytes, roughly
	for _, c := range []struct {
		device, warning string
		runs            int
		ms, p10, p90    float64 // for a megabyte
	}{
		{"qualcomm-aihub-int8:Samsung Galaxy S24 (Family)", "", 41, 1e3, 840, 1160},
		{"stedgeai-cloud:STM32H747I-DISCO", "the time is a mean", 1, 1e3, 0, 0},
	} {
		rt, err := Choice{Device: c.device}.Runtime()
		if err != nil {
			t.Fatal(err)
		}
		x, err := rt.Open(t.Context(), timing.Baseline{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Time(t.Context(), n, timing.Effort{})
		x.Close()
		if err != nil {
			t.Fatal(err)
		}
		s := got.EndToEnd
		about := func(got, want float64) bool { return got >= want && got < want*1.5 || got == want }
		if !about(s.MedianMs, c.ms*size) || !about(s.P10Ms, c.p10*size) || !about(s.P90Ms, c.p90*size) || s.Runs != c.runs ||
			!strings.HasPrefix(strings.Join(s.Warnings, " "), c.warning) ||
			c.warning == "" && len(s.Warnings) > 0 {
			t.Errorf("%s: %+v, want %g ms", c.device, s, c.ms*size)
		}
	}
	rt, err := Choice{Device: "stedgeai-cloud:STM32F4"}.Runtime()
	if err != nil {
		t.Fatal(err)
	}
	x, err := rt.Open(t.Context(), timing.Baseline{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if _, err := x.Time(t.Context(), n, timing.Effort{}); err == nil ||
		!strings.Contains(err.Error(), "there are STM32H747I-DISCO") {
		t.Errorf("a board that is not there: %v", err)
	}
}
