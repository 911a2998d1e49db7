package onnx

import (
	"errors"
	"fmt"
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

// TestSpacesAgree writes random networks of every shipped config's space, for opsets
// and numbers of images, has them checked, and compares the engine's output with ONNX
// Runtime's; then it reads the models back and compares again. Networks of large images
// are compared in their own size in one form, and in all forms for a quarter of height
// and width. NAS_ONNX_SAMPLES says how many of each space are written in all forms.
// Without it, one is, in three forms.
func TestSpacesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short")
	}
	runtimeDir(t)
	samples, err := strconv.Atoi(os.Getenv("NAS_ONNX_SAMPLES"))
	forms := writtenForms()
	if long := err == nil; !long {
		samples, forms = 1, []Options{forms[0], forms[4], forms[11]}
		t.Logf("3 of the %d forms, of one network a space: NAS_ONNX_SAMPLES=40 writes 40 in all", len(writtenForms()))
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
				a := s.Arch(s.Sample(r))
				if a.Input.Pixels() > manyPixels { // in its own size in one form after another, in all forms small
					agree(t, lowered(t, a), uint64(i), forms[i%len(forms):][:1])
					a.Input.H, a.Input.W = a.Input.H/4, a.Input.W/4
				}
				agree(t, lowered(t, a), uint64(i), forms)
			}
		})
	}
}

// manyPixels is what an image has that is compared in all forms.
const manyPixels = 1 << 17

// lowered returns the network of an arch.
func lowered(t *testing.T, a space.Arch) *blocks.Network {
	t.Helper()
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// writtenForms are the forms in which every network is to load: opsets by numbers of
// images, each other one with batch normalisation folded and HardSwish as an operator.
func writtenForms() (all []Options) {
	for _, opset := range []int{11, 13, 17, 21} {
		for _, batch := range []int{1, 8, OpenBatch} {
			odd := len(all)%2 == 1
			all = append(all, Options{Opset: opset, Batch: batch, FoldBN: odd, NativeHardSwish: odd && opset >= 14})
		}
	}
	return all
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
			agree(t, n, uint64(i), []Options{{}})
		})
	}
}

// images returns how many images a model that was written with o is run on.
func (o Options) images() int {
	if o.Batch == OpenBatch {
		return 3
	}
	return max(o.Batch, 1)
}

// agree writes n with weights from a seed in several forms, runs them here and in ONNX
// Runtime, reads them back and runs that.
func agree(t *testing.T, n *blocks.Network, seed uint64, forms []Options) {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	most := 1
	for _, o := range forms {
		most = max(most, o.images())
	}
	r := rand.New(rand.NewPCG(seed, 33))
	first := make([]float32, n.Input().Elems())
	var in, one []float32                         // one is what the first image gives, height first
	wants := make([][]float32, len(n.Returned())) // of each output, of all images
	runs := runner(t, n, w)
	for i := range most {
		x := make([]float32, n.Input().Elems())
		for k := range x {
			x[k] = float32(r.NormFloat64())
		}
		y := runs(x)
		if i == 0 {
			copy(first, x)
			one = y
		}
		in = append(in, chw(blocks.Tensor{Shape: n.Input(), Data: x})...)
		for k, node := range n.Returned() {
			s := n.Nodes[node].Shape
			wants[k] = append(wants[k], chw(blocks.Tensor{Shape: s, Data: y[:s.Elems()]})...)
			y = y[s.Elems():]
		}
	}
	dir := t.TempDir()
	defer os.RemoveAll(dir) // not at the test's end: a segmentation network's files take 2 GB
	var jobs []job
	for i, o := range forms {
		b := o.images()
		j := job{
			Model:  filepath.Join(dir, fmt.Sprintf("%d.onnx", i)),
			Input:  filepath.Join(dir, fmt.Sprintf("%d.in", b)), // the same of each form
			Dims:   []int{b, n.Input().C, n.Input().H, n.Input().W},
			Output: filepath.Join(dir, fmt.Sprintf("%d.out", i)),
			All:    true,
			in:     in[:b*len(first)],
			opset:  o.Opset,
		}
		writeModel(t, j.Model, n, w, o)
		jobs = append(jobs, j)
	}
	t.Run("checker", func(t *testing.T) { checkModels(t, jobs) })
	worst := 0.0
	runJobs(t, jobs)
	for i, o := range forms {
		var want []float32
		for _, w := range wants {
			want = append(want, w[:len(w)/most*o.images()]...)
		}
		ratio, err := compareFile(jobs[i].Output, want)
		if err != nil {
			t.Errorf("%s, %+v: %v", n.Name, o, err)
		}
		worst = max(worst, ratio)
		data, err := os.ReadFile(jobs[i].Model)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, ReadOptions{})
		if err != nil {
			t.Errorf("%s, %+v: %v", n.Name, o, err)
			continue
		}
		if _, err := compare(runner(t, m.Network, m.Weights)(first), one); err != nil {
			t.Errorf("%s, %+v, read back: %v", n.Name, o, err)
		}
		if err := errors.Join(os.Remove(jobs[i].Model), os.Remove(jobs[i].Output)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s: %d forms, max|a-b|/max|b| = %.2g", n.Name, len(forms), worst)
}

// writeModel writes a model's file.
func writeModel(t *testing.T, path string, n *blocks.Network, w *blocks.Weights, o Options) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Write(f, n, w, o), f.Close()); err != nil {
		t.Fatalf("%s, %+v: %v", n.Name, o, err)
	}
}

// runner returns a function that runs a network in the engine.
func runner(t *testing.T, n *blocks.Network, w *blocks.Weights) func(in []float32) []float32 {
	t.Helper()
	p, err := engine.Compile(n, engine.Host(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	return func(in []float32) []float32 {
		out := make([]float32, p.OutLen())
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
		return out
	}
}
