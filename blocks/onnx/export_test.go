package onnx

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// The tests of package onnx_test, which may import packages that import this one, use these.

// RuntimeDir skips a test where ONNX Runtime is not installed.
func RuntimeDir(t *testing.T) { runtimeDir(t) }

// RunFiles runs models in ONNX Runtime on inputs of the dims given, and returns their first outputs.
func RunFiles(t *testing.T, models [][]byte, in [][]float32, dims [][]int) [][]float32 {
	t.Helper()
	dir := t.TempDir()
	var jobs []job
	for i, m := range models {
		base := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(base+".onnx", m, 0o600); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{Model: base + ".onnx", Input: base + ".in", Output: base + ".out", Dims: dims[i], in: in[i]})
	}
	return runRuntime(t, jobs)
}

// CHW turns one image from HWC to CHW order.
var CHW = chw
