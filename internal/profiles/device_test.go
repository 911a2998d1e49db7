package profiles

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/latency"
	"nas/latency/timing"
)

// TestSameType: a run is not resumed on a device that computes in another data type than its profile.
func TestSameType(t *testing.T) {
	file := filepath.Join(t.TempDir(), "board.toml")
	recipe := "name = \"board\"\nruntime = \"x\"\ncpu = \"x\"\nisa = \"neon\"\ndtype = \"int8\"\nformat = \"tflite\"\n" +
		"command = [\"true\", \"{model}\"]\npattern = '(?P<time>.)'\nunit = \"us\"\nbatch = 1\ntimeout_s = 20\n"
	if err := os.WriteFile(file, []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ device, was, want string }{
		{file, "int8", ""},
		{file, "float32", `of dtype = "float32"`},
		{"native", "float32", ""},
		{"native", "int8", `native is of dtype = "float32"`},
		{filepath.Join(t.TempDir(), "gone.toml"), "int8", ""},
	} {
		own := ownDevice{config: &config.Config{Latency: config.Latency{Device: c.device, Threads: 1}}}
		err := own.sameType(&latency.Profile{Device: timing.Device{DType: c.was}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s after %s: error is %v, want %q", c.device, c.was, err, c.want)
		}
	}
}
