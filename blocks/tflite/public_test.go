package tflite

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"nas/blocks/onnx"
)

// TestPublicFiles runs the files of a folder, which other programs wrote, in TensorFlow Lite and here: floats within
// 1e-4 of the largest output, integers within a step. What is not read is logged with its reason. NAS_TFLITE_FILES names
// the folder. mobilenet_v2_quantized_1x3x224x224.tflite and person_detect.tflite lie in the repository
// tensorflow/tflite-micro, the networks of MLPerf Tiny in mlcommons/tiny, unsigned integers in google-coral/edgetpu.
func TestPublicFiles(t *testing.T) {
	dir := os.Getenv("NAS_TFLITE_FILES")
	if dir == "" || os.Getenv("NAS_TFLITE") == "" {
		t.Skip("skipped: NAS_TFLITE_FILES names no folder of .tflite files, or NAS_TFLITE no runtime")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tflite"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s (%v)", dir, err)
	}
	native := tensorFlowLite(t, os.Getenv("NAS_TFLITE"))
	read := 0
	for _, path := range files {
		name := filepath.Base(path)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		net, err := Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Logf("%s: not read: %v", name, err)
			continue
		}
		read++
		t.Run(name, func(t *testing.T) {
			m, err := Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			runPublic(t, native, m, net)
		})
	}
	t.Logf("%d of %d files are read", read, len(files))
}

// runPublic runs three images.
func runPublic(t *testing.T, native func(t *testing.T, jobs []job), m *Model, net *onnx.Model) {
	t.Helper()
	file, err := Encode(m) // without the mistakes of old converters, which runtimes refuse
	if err != nil {
		t.Fatal(err)
	}
	const images = 3
	in, out := &m.Tensors[m.Inputs[0]], &m.Tensors[m.Outputs[0]]
	r := rand.New(rand.NewPCG(21, 22))
	var raw []byte
	x := make([][]float32, images)
	for i := range x {
		x[i] = make([]float32, in.elems())
		for k := range x[i] {
			if x[i][k] = float32(r.NormFloat64()); in.onGrid() {
				g := in.grid()
				q := g.Low + int32(r.IntN(256))
				x[i][k], raw = g.Real(q), append(raw, byte(q))
			}
		}
		if !in.onGrid() {
			raw = append(raw, floatBytes(x[i])...)
		}
	}
	base := filepath.Join(t.TempDir(), "x")
	j := job{Model: base + ".tflite", Input: base + ".in", Output: base + ".out"}
	for path, data := range map[string][]byte{j.Model: file, j.Input: raw} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, note := range net.Notes {
		t.Logf("note: %s", note)
	}
	if native(t, []job{j}); t.Failed() {
		return
	}
	data, err := os.ReadFile(j.Output)
	if err != nil {
		t.Fatal(err)
	}
	if want := images * out.elems() * typeBytes[out.Type]; len(data) != want || out.Type == Int64 {
		t.Skipf("skipped: TensorFlow Lite returns %d bytes of %s, which are compared for floats and 8-bit integers", len(data),
			typeNames[out.Type])
	}
	var worst float64
	differ, values := 0, out.elems()
	for i := range x {
		var got []float32
		if m.Quantised() {
			outs, err := m.Run(x[i])
			if err != nil {
				t.Fatal(err)
			}
			got = outs[0]
		} else {
			got = runImages(t, net.Network, net.Weights, [][]float32{x[i]})[0]
		}
		want := (&Tensor{Type: out.Type, Dims: out.Dims, Data: data[i*len(data)/images:][:len(data)/images]}).unpacked(out)
		unit := 0.0
		if out.onGrid() {
			unit = float64(out.Scale[0])
		} else {
			for _, v := range want {
				unit = max(unit, math.Abs(float64(v)))
			}
		}
		for k := range want {
			d := math.Abs(float64(got[k]-want[k])) / unit
			if worst = max(worst, d); d > 1e-6 {
				differ++
			}
		}
	}
	what, limit := "of the largest output", 1e-4
	if out.onGrid() {
		what, limit = "steps", 1.01
	}
	t.Logf("%d of %d values differ, by at most %.3g %s", differ, images*values, worst, what)
	if m.Quantised() && !out.onGrid() {
		limit = 1 // a file of integers with an edge of floats: its own grid is inside
	}
	if !(worst <= limit) {
		t.Errorf("differs by %.3g %s, want %v at most", worst, what, limit)
	}
}

// unpacked returns the values of t on the grid of another tensor.
func (t *Tensor) unpacked(grid *Tensor) []float32 {
	if !grid.onGrid() {
		return t.reals()
	}
	v, g := make([]float32, t.elems()), grid.grid()
	for i := range v {
		v[i] = g.Real(int32(t.at(i)))
	}
	return v
}
