package tflite

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
)

// TestPublicFiles runs the files of a folder, which other programs wrote, in runtimes and here: floats within 1e-4 of
// the largest output, integers within a step. Unsigned integers are compared in LiteRT.js only: XNNPACK of TensorFlow
// Lite 2.9 does not take them, and its own kernels differ from XNNPACK by steps in each layer. What is not read is
// logged with its reason. NAS_TFLITE_FILES names the folder. mobilenet_v2_quantized_1x3x224x224.tflite and
// person_detect.tflite lie in the repository tensorflow/tflite-micro, the networks of MLPerf Tiny in mlcommons/tiny,
// unsigned integers in google-coral/edgetpu.
func TestPublicFiles(t *testing.T) {
	dir := os.Getenv("NAS_TFLITE_FILES")
	if dir == "" {
		t.Skip("skipped: NAS_TFLITE_FILES names no folder of .tflite files")
	}
	list := peers(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.tflite"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s (%v)", dir, err)
	}
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
			for _, note := range net.Notes {
				t.Logf("note: %s", note)
			}
			m, err := Decode(file) // without the mistakes of old converters, which runtimes refuse
			if err != nil {
				t.Fatal(err)
			}
			runPublic(t, list, m, net)
		})
	}
	t.Logf("%d of %d files are read", read, len(files))
}

// runPublic runs three images with edges of floats.
func runPublic(t *testing.T, list []peer, m *Model, net *onnx.Model) {
	t.Helper()
	m.endBeforeChoice()
	if slices.ContainsFunc(
		net.Notes,
		func(s string) bool { return strings.Contains(s, "another scale than its input") },
	) {
		t.Skip("skipped: runtimes differ where an operator that moves integers changes their scale")
	}
	in, out := &m.Tensors[m.Inputs[0]], m.Tensors[m.Outputs[0]]
	r, images := rand.New(rand.NewPCG(21, 22)), normalImages(blocks.Shape{H: 1, W: 1, C: in.elems()}, 3)
	if in.onGrid() {
		g := in.grid()
		for _, x := range images {
			for k := range x {
				x[k] = g.Real(g.Low + int32(r.IntN(256)))
			}
		}
	}
	// A file whose weights alone are integers is computed with floats here, and with rounded activations in runtimes.
	integers, hybrid := m.Quantised(), slices.ContainsFunc(
		net.Notes,
		func(s string) bool { return strings.Contains(s, "are floats") },
	)
	limit, what, unit := 1e-4, "of the largest output", 0.0
	if hybrid {
		limit = 0.05
	}
	var want [][]float32
	if integers {
		for _, x := range images {
			outs, err := m.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, outs[0])
		}
	} else {
		want = runImages(t, net.Network, net.Weights, images)
	}
	for _, v := range want[0] {
		unit = max(unit, math.Abs(float64(v)))
	}
	if out.onGrid() {
		limit, what, unit = 1.01, "steps", float64(out.Scale[0])
		if in.onGrid() {
			m.floatEdges()
		}
	}
	for _, p := range list {
		if out.Type == UInt8 && p.name != "LiteRT.js" {
			continue
		}
		worst, differ, values := 0.0, 0, 0
		for i, got := range p.outputs(t, m, images) {
			for k := range got {
				d := math.Abs(float64(got[k]-want[i][k])) / unit
				if values++; d > limit/100 {
					differ++
				}
				worst = max(worst, d)
			}
		}
		t.Logf("%s: %d of %d values differ, by at most %.3g %s", p.name, differ, values, worst, what)
		if !(worst <= limit) {
			t.Errorf("%s: differs by %.3g %s, want %v at most", p.name, worst, what, limit)
		}
	}
}

// endBeforeChoice makes what an ARG_MAX chooses among the output.
func (m *Model) endBeforeChoice() {
	last := len(m.Operators) - 1
	if op := &m.Operators[last]; m.chooses(op) {
		m.Outputs, m.Operators = []int{op.Inputs[0]}, m.Operators[:last]
	}
}
