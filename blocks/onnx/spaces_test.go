package onnx

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// TestSpacesAgree writes random networks of every shipped config's space and
// compares the engine's output with ONNX Runtime's; then it reads the model back
// and compares again. NAS_ONNX_SAMPLES says how many of each space, 1 without it.
func TestSpacesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short")
	}
	runtimeDir(t)
	samples := 1
	if s, err := strconv.Atoi(os.Getenv("NAS_ONNX_SAMPLES")); err == nil {
		samples = s
	}
	files, err := filepath.Glob("../../configs/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := config.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := space.New(c.Space)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(31, 32))
			for i := range samples {
				n, err := s.Arch(s.Sample(r)).Network()
				if err != nil {
					t.Fatal(err)
				}
				agree(t, n, uint64(i), Options{FoldBN: i%2 == 1})
			}
		})
	}
}

// TestZooAgrees does the same with every network of the zoo in its full size.
// It takes minutes and so waits for NAS_ONNX_SAMPLES.
func TestZooAgrees(t *testing.T) {
	if os.Getenv("NAS_ONNX_SAMPLES") == "" {
		t.Skip("skipped: the zoo in full size is compared when NAS_ONNX_SAMPLES is set")
	}
	runtimeDir(t)
	for i, e := range zoo.Entries() {
		t.Run(e.Name, func(t *testing.T) {
			n, err := zoo.Get(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, n, uint64(i), Options{})
		})
	}
}

// agree writes n with weights from a seed, runs it here and in ONNX Runtime,
// reads it back and runs that.
func agree(t *testing.T, n *blocks.Network, seed uint64, o Options) {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 33))
	in := make([]float32, n.Input().Elems())
	for k := range in {
		in[k] = float32(r.NormFloat64())
	}
	dir := t.TempDir()
	j := job{
		Model:  filepath.Join(dir, "model.onnx"),
		Input:  filepath.Join(dir, "in"),
		Dims:   []int{1, n.Input().C, n.Input().H, n.Input().W},
		Output: filepath.Join(dir, "out"),
		in:     chw(blocks.Tensor{Shape: n.Input(), Data: in}),
	}
	var b bytes.Buffer
	if err := errors.Join(Write(&b, n, w, o), os.WriteFile(j.Model, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	want := runRuntime(t, []job{j})[0]
	if err := os.Remove(j.Model); err != nil {
		t.Fatal(err)
	}
	m, err := Read(b.Bytes(), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written, err1 := compare(chw(blocks.Tensor{Shape: n.Output(), Data: run(t, n, w, in)}), want)
	back, err2 := compare(chw(blocks.Tensor{Shape: n.Output(), Data: run(t, m.Network, m.Weights, in)}), want)
	if err := errors.Join(err1, err2); err != nil {
		t.Errorf("%s: %v", n.Name, err)
	}
	t.Logf("%s: max|a-b|/max|b| = %.2g, read back %.2g", n.Name, written, back)
}

// run runs a network in the engine.
func run(t *testing.T, n *blocks.Network, w *blocks.Weights, in []float32) []float32 {
	t.Helper()
	p, err := engine.Compile(n, engine.Host(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, n.Output().Elems())
	if err := p.Run(out, in); err != nil {
		t.Fatal(err)
	}
	return out
}
