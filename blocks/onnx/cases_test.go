package onnx

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
)

// readCase reads a model of testdata/cases, its weights perhaps from a file beside it.
func readCase(t testing.TB, name string, o ReadOptions) (*Model, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "cases", name))
	if err != nil {
		t.Fatal(err)
	}
	external, closeAll := Beside(filepath.Join("testdata", "cases"))
	defer closeAll()
	o.External = external
	return Read(data, o)
}

// evalFile runs a model on tensors in the file's layout and returns its outputs.
func evalFile(t testing.TB, m *Model, in []float32) [][]float32 {
	t.Helper()
	n := m.Input.perImage()
	images := len(in) / n
	var outs [][]float32
	for k := range images {
		x := make([]float32, n)
		if err := m.Input.FromFile(x, in[k*n:][:n]); err != nil {
			t.Fatal(err)
		}
		acts, err := m.Network.Eval(m.Weights, x)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range m.Outputs {
			y := make([]float32, o.perImage())
			if err := o.ToFile(y, acts[o.Node].Data); err != nil {
				t.Fatal(err)
			}
			if k == 0 {
				outs = append(outs, nil)
			}
			outs[i] = append(outs[i], y...)
		}
	}
	return outs
}

var npyHeader = regexp.MustCompile(`'descr': '([^']*)'.*'fortran_order': (\w+).*'shape': \(([^)]*)\)`)

// npz reads the float arrays of an .npz file.
func npz(t testing.TB, path string) map[string][]float32 {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]float32{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		end := bytes.IndexByte(b, '\n')
		h := npyHeader.FindStringSubmatch(string(b[:end]))
		if h == nil || h[1] != "<f4" || h[2] != "False" {
			t.Fatalf("%s: %s: %q", path, f.Name, b[:end])
		}
		out[strings.TrimSuffix(f.Name, ".npy")] = floats(b[end+1:])
	}
	return out
}

// TestCases reads small models rebuilt from public reports, with ONNX Runtime's
// answers; see testdata/cases/README.md.
func TestCases(t *testing.T) {
	// Right answers that are refusals, with what they name.
	refused := map[string]string{
		"bn_training_mode": "training_mode", "dropout_training": "training_mode",
		"outputs_early_first": "", "unmarked_w4": "", "unmarked_w6": "", "unmarked_w8": "",
	}
	files, err := filepath.Glob("testdata/cases/*.npz")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".npz")
		t.Run(name, func(t *testing.T) {
			m, err := readCase(t, name+".onnx", ReadOptions{})
			if want, ok := refused[name]; ok {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("%v, want an error that names %q", err, want)
				}
				return
			}
			arrays := npz(t, f)
			x, y := arrays["x"], arrays["y"]
			if err != nil && strings.Contains(err.Error(), "leaves extents open") {
				e := int(math.Sqrt(float64(len(x) / 3)))
				m, err = readCase(t, name+".onnx", ReadOptions{H: e, W: e})
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(y) == 0 {
				return // ONNX Runtime does not run it
			}
			if _, err := close(evalFile(t, m, x)[0], y, 1e-3); err != nil {
				t.Error(err)
			}
		})
	}
}

// close wants max|a-b| <= tolerance max|b|.
func close(got, want []float32, tolerance float64) (ratio float64, err error) {
	if len(got) != len(want) {
		return 0, fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	var diff, size float64
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(float64(got[i])) != math.IsNaN(float64(want[i])) {
			return 0, fmt.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
		if got[i] == want[i] || math.IsNaN(d) {
			continue
		}
		diff, size = max(diff, d), max(size, math.Abs(float64(want[i])))
	}
	if diff > tolerance*max(size, 1e-3) {
		return 0, fmt.Errorf("largest difference %.3g, largest value %.3g", diff, size)
	}
	return diff / max(size, 1e-3), nil
}

// TestCaseSums compares with the figures that were kept of ONNX Runtime's outputs.
func TestCaseSums(t *testing.T) {
	f, err := os.Open("testdata/cases/expected.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			var dims []int
			n := 1
			for _, s := range strings.Split(row[1], "x") {
				d, _ := strconv.Atoi(s)
				dims = append(dims, d)
				n *= d
			}
			m, err := readCase(t, row[0], ReadOptions{Shape: dims})
			if err != nil {
				t.Fatal(err)
			}
			x := randn(n)
			y := evalFile(t, m, x)[0]
			var sum, largest float64
			for _, v := range y {
				sum += float64(v)
				largest = max(largest, math.Abs(float64(v)))
			}
			got := []float64{float64(len(y)), sum, largest, float64(y[0]), float64(y[1]), float64(y[2])}
			for i, g := range got {
				want, _ := strconv.ParseFloat(row[3+i], 64)
				slack := 1e-4 * (math.Abs(want) + largest)
				if i == 1 {
					slack *= 20
				}
				if math.Abs(g-want) > slack {
					t.Errorf("%s is %v, want %v", rows[0][3+i], g, want)
				}
			}
			if row[0] == "shared_conv.onnx" {
				if p := m.Network.Counts().Params; p != 81 {
					t.Errorf("%d params, want 81: the weights are shared", p)
				}
			}
			if row[0] == "outputs_early_first.onnx" {
				if c := m.Network.Counts(); c.MACs != 106496 || c.Params != 448 {
					t.Errorf("%+v, want 106,496 MACs and 448 params: those of all outputs", c)
				}
			}
		})
	}
}

// randn is numpy.random.RandomState(0).randn: MT19937 and the polar method.
func randn(n int) []float32 {
	var mt [624]uint32
	mt[0] = 0
	for i := 1; i < 624; i++ {
		mt[i] = 1812433253*(mt[i-1]^mt[i-1]>>30) + uint32(i)
	}
	at := 624
	next := func() uint32 {
		if at == 624 {
			for i := range 624 {
				y := mt[i]&0x80000000 | mt[(i+1)%624]&0x7fffffff
				v := mt[(i+397)%624] ^ y>>1
				if y&1 == 1 {
					v ^= 0x9908b0df
				}
				mt[i] = v
			}
			at = 0
		}
		y := mt[at]
		at++
		y ^= y >> 11
		y ^= y << 7 & 0x9d2c5680
		y ^= y << 15 & 0xefc60000
		return y ^ y>>18
	}
	double := func() float64 {
		a, b := next()>>5, next()>>6
		return (float64(a)*67108864 + float64(b)) / 9007199254740992
	}
	out := make([]float32, 0, n+1)
	for len(out) < n {
		x1, x2 := 2*double()-1, 2*double()-1
		r := x1*x1 + x2*x2
		if r >= 1 || r == 0 {
			continue
		}
		f := math.Sqrt(-2 * math.Log(r) / r)
		out = append(out, float32(f*x2), float32(f*x1))
	}
	return out[:n]
}

var _ = blocks.Shape{}
