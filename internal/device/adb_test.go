//go:build unix

package device

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/latency/devices"
	"nas/latency/timing"
)

// The log of TensorFlow Lite's benchmark_model, in the form of its source (tools/benchmark, release 2.16), for a model
// that takes as many microseconds as its file has bytes, and half of that again on the mean.
const benchmarkModel = `#!/bin/sh
for a; do case "$a" in --graph=*) file=${a#--graph=};; --num_threads=*) threads=${a#--num_threads=};; esac; done
[ "$threads" = 1 ] && [ -f "$file" ] || { echo "ERROR: Failed to load $file" >&2; exit 1; }
us=$(($(wc -c < "$file")))
cat <<LOG
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [$file]
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: Running benchmark for at least 3 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=3 first=$((us*9)) curr=$((us*2)) min=$us max=$((us*9)) avg=$((us*4)) std=11 p5=$us median=$((us*2)) p95=$((us*9))

INFO: Running benchmark for at least 30 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=31 first=$us curr=$us min=$us max=$((us*3)) avg=$((us*3/2)) std=9 p5=$((us-us/10)) median=$us p95=$((us*2))

INFO: Inference timings in us: Init: 4311, First inference: $((us*9)), Warmup (avg): $((us*4)), Inference (avg): $((us*3/2))
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE.
LOG
`

const adb = `#!/bin/sh
[ "$1 $2" = "-s 0A1B2C" ] || { echo "adb: device '$2' not found" >&2; exit 1; }
verb=$3
shift 3
if [ $verb = shell ]; then exec sh -c "$*"; fi
for last; do :; done
while [ $# -gt 1 ]; do cp "$1" "$last" || exit 1; shift; done
`

// TestADB times files by the recipe tflite-adb, with a stand-in for adb and for the program on the phone.
func TestADB(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("skipped: there is no taskset here (Debian: apt-get install util-linux)")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"bin/adb": adb, "phone/benchmark_model": benchmarkModel} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	text, err := devices.Recipe("tflite-adb")
	if err != nil {
		t.Fatal(err)
	}
	n, err := zoo.Get("mobilenet_v1@width=0.25,res=96")
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]float64{}
	for _, dtype := range []string{"float32", "int8"} {
		copied := strings.NewReplacer(
			`"/data/local/tmp/nas"`,
			fmt.Sprintf("%q", filepath.Join(dir, "phone")),
			`"float32"`,
			fmt.Sprintf("%q", dtype),
			"threads    = 1",
			"threads = 1\ncpu_set = \"0\"",
		).Replace(string(text))
		file := filepath.Join(dir, dtype+".toml")
		if err := os.WriteFile(file, []byte(copied), 0o600); err != nil {
			t.Fatal(err)
		}
		sizes[dtype] = timeOnce(t, file+":0A1B2C", n)
	}
	if r := sizes["int8"] / sizes["float32"]; !(r > 0.2 && r < 0.5) {
		t.Errorf("a file of int8 is %.2f times as large as one of float32, want a quarter and something", r)
	}
	left, err := filepath.Glob(filepath.Join(dir, "phone", "*.tflite"))
	if err != nil || len(left) > 0 {
		t.Errorf("files stay on the phone: %v, %v", left, err)
	}
}

// timeOnce returns the median that a device tells of a network, in milliseconds, and checks the rest.
func timeOnce(t *testing.T, device string, n *blocks.Network) float64 {
	t.Helper()
	rt, err := Choice{Device: device}.Runtime()
	if err != nil {
		t.Fatal(err)
	}
	x, err := rt.Open(t.Context(), timing.Baseline{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	got, err := x.Time(t.Context(), n, timing.Effort{})
	if err != nil {
		t.Fatal(err)
	}
	s := got.EndToEnd
	if s.Runs != 31 || !(s.P5Ms < s.MedianMs && s.MedianMs*1.9 < s.P95Ms) || len(s.Warnings) > 0 {
		t.Errorf("%s: %+v, want median and percentiles of 31 runs", device, s)
	}
	return s.MedianMs
}
