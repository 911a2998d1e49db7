package device

import (
	"os"
	"testing"

	"nas/blocks/zoo"
	"nas/latency/timing"
)

// TestRuntimes times networks by the shipped recipes whose runtimes are here.
func TestRuntimes(t *testing.T) {
	for _, c := range []struct{ device, env, install string }{
		{"onnxruntime", "NAS_ONNXRUNTIME", "npm install onnxruntime-node@1.30.0"},
		{"onnxruntime-int8", "NAS_ONNXRUNTIME", "npm install onnxruntime-node@1.30.0"},
		{"tflite", "NAS_TFLITE", "npm install --ignore-scripts tfjs-tflite-node@0.0.2"},
		{"tflite-int8", "NAS_TFLITE", "npm install --ignore-scripts tfjs-tflite-node@0.0.2"},
		{"litert-wasm", "NAS_LITERT", "npm install --ignore-scripts @litertjs/core@2.5.3"},
		{"litert-wasm-int8", "NAS_LITERT", "npm install --ignore-scripts @litertjs/core@2.5.3"},
	} {
		t.Run(c.device, func(t *testing.T) {
			dir := os.Getenv(c.env)
			if dir == "" {
				t.Skipf("skipped: the runtime is not here. %s somewhere and set %s to that folder", c.install, c.env)
			}
			t.Chdir(dir)
			rt, err := Choice{Device: c.device}.Runtime()
			if err != nil {
				t.Fatal(err)
			}
			x, err := rt.Open(t.Context(), timing.Baseline{})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			// One network, and one with nine times the work.
			var ms []float64
			for _, res := range []string{"64", "192"} {
				n, err := zoo.Get("mobilenet_v1@width=0.5,res=" + res)
				if err != nil {
					t.Fatal(err)
				}
				got, err := x.Time(t.Context(), n, timing.Effort{})
				if err != nil {
					t.Fatal(err)
				}
				s := got.EndToEnd
				if s.Runs < 30 || s.MedianMs < 0.05 || s.P90Ms != 0 && s.P90Ms < s.MedianMs {
					t.Errorf("%s: %+v", n.Name, s)
				}
				ms = append(ms, s.MedianMs)
			}
			if ratio := ms[1] / ms[0]; ratio < 2 || ratio > 20 {
				t.Errorf("nine times the work takes %.1f times as long, %v ms", ratio, ms)
			}
		})
	}
}
