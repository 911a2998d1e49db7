package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"nas/blocks/pytorch"
)

// TestInferLayouts: an ONNX file takes and gives tensors as it declares them, every
// other network H x W x C; --layout overrides, and a wrong layout is named.
func TestInferLayouts(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, shape []int, values []float32) string {
		var b bytes.Buffer
		if err := pytorch.WriteNPY(&b, values, shape); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return file(name)
	}
	const c, h, w = 3, 32, 32
	chw, hwc := make([]float32, c*h*w), make([]float32, c*h*w)
	for k := range c {
		for p := range h * w {
			v := float32(math.Sin(float64(7*p + 3*k)))
			chw[k*h*w+p], hwc[p*c+k] = v, v
		}
	}
	first, last := write("chw.npy", []int{1, c, h, w}, chw), write("hwc.npy", []int{1, h, w, c}, hwc)
	onnx := file("net.onnx")
	wantExit(t, 0, "", "export", tinyArch, "--seed", "3", "--out", onnx)
	read := func(name string) []float32 {
		v, _, err := readNPY(file(name))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	infer := func(arch, in, out string, more ...string) []string {
		return append([]string{"infer", arch, "--input", in, "--output", file(out), "--seed", "3"}, more...)
	}
	wantExit(t, 0, "", infer(tinyArch, last, "a.npy")...)
	wantExit(t, 0, "", infer(tinyArch, first, "b.npy", "--layout", "chw")...)
	wantExit(t, 0, "", infer(onnx, first, "c.npy")...)
	wantExit(t, 0, "", infer(onnx, last, "d.npy", "--layout", "hwc")...)
	want := read("a.npy")
	for _, name := range []string{"b.npy", "c.npy", "d.npy"} {
		if !slices.EqualFunc(read(name), want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }) {
			t.Errorf("%s: %v, want %v", name, read(name), want)
		}
	}
	wantExit(t, 2, "--layout chw", infer(tinyArch, first, "e.npy")...)
	wantExit(t, 2, "--layout hwc", infer(onnx, last, "e.npy")...)
	wantExit(t, 2, "want hwc or chw", infer(onnx, last, "e.npy", "--layout", "nhwc")...)
}

// TestInferIntegers: --dtype int8 computes what the exported file of integers computes, with the same ranges.
func TestInferIntegers(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	x := make([]float32, 3*32*32*3)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, x, []int{3, 32, 32, 3}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("x.npy"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, ranges := range [][]string{nil, {"--calibrate", file("x.npy")}} {
		wantExit(t, 0, "", append([]string{
			"export", tinyArch, "--seed", "3", "--quantize", "int8", "--out", file("q.tflite"),
		}, ranges...)...)
		infer := func(arch, out string, more ...string) []float32 {
			wantExit(t, 0, "", append([]string{
				"infer", arch, "--input", file("x.npy"), "--output", file(out), "--seed", "3",
			}, more...)...)
			v, _, err := readNPY(file(out))
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		want, floats := infer(file("q.tflite"), "a.npy"), infer(tinyArch, "f.npy")
		got := infer(tinyArch, "b.npy", append([]string{"--dtype", "int8"}, ranges...)...)
		if !slices.Equal(got, want) {
			t.Errorf("with %v: %v, the file gives %v", ranges, got, want)
		}
		if slices.Equal(got, floats) {
			t.Errorf("with %v: integers give what floats give", ranges)
		}
	}
	wantExit(t, 2, "want float32 or int8", "infer", tinyArch, "--dtype", "int4", "--input", "x", "--output", "y")
	wantExit(t, 2, "goes with --dtype int8", "infer", tinyArch, "--calibrate", "x", "--input", "x", "--output", "y")
	wantExit(t, 2, "want float32 or int8", "bench", tinyArch, "--dtype", "int4")
}

const cases = "../../blocks/onnx/testdata/cases/"

// Every output of a model is counted and written, unless one is chosen.
func TestInferSeveralOutputs(t *testing.T) {
	dir := t.TempDir()
	x, y := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, make([]float32, 2*3*32*32), []int{2, 3, 32, 32}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(x, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	model := cases + "outputs_early_first.onnx"
	wantExit(t, 0, "", "infer", model, "--input", x, "--output", y)
	for name, want := range map[string][]int{"a1": {2, 8, 16, 16}, "b1": nil, "c1": nil} {
		_, shape, err := readNPY(filepath.Join(dir, "y."+name+".npy"))
		if err != nil || want != nil && !slices.Equal(shape, want) || shape[0] != 2 {
			t.Errorf("output %s: %v, %v", name, shape, err)
		}
	}
	wantExit(t, 0, "y.npy: [2 8 16 16]", "infer", model, "--output-name", "a1", "--input", x, "--output", y)
	wantExit(t, 2, `["a1" "b1" "c1"]`, "show", model, "--output-name", "z")
	wantExit(t, 2, "--input-shape", "show", cases+"open_height_width.onnx")
	wantExit(t, 0, "", "show", cases+"open_height_width.onnx", "--input-shape", "1,3,64,48")
	wantExit(t, 0, "", "show", cases+"open_height_width.onnx@res=64x48")
}

// A model that mixes the images of its batch takes and gives the whole batch.
func TestInferWholeBatch(t *testing.T) {
	for model, c := range map[string]struct {
		in   []int
		want string
	}{
		"constant_five_dims.onnx": {[]int{2, 3, 3, 3}, "y.npy: [1 3 3 3]"},
		"gemm_bias_column.onnx":   {[]int{3, 4, 1, 1}, "y.npy: [3 3]"},
	} {
		dir := t.TempDir()
		x, n := filepath.Join(dir, "x.npy"), c.in[0]*c.in[1]*c.in[2]*c.in[3]
		var b bytes.Buffer
		if err := pytorch.WriteNPY(&b, make([]float32, n), c.in); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(x, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		wantExit(t, 0, c.want, "infer", cases+model, "--input", x, "--output", filepath.Join(dir, "y.npy"))
	}
}
