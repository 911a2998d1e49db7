package onnx

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// A file that was read is written with its own layouts, whatever they are.
func TestWriteKeepsLayout(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	kept := 0
	for _, file := range files {
		m, err := readCase(t, filepath.Base(file), ReadOptions{H: 32, W: 32})
		if err != nil {
			continue // TestCases says whether it is to be refused
		}
		if m.Input.Batch == 1 && m.Input.Dims[0] > 1 {
			continue // images that meet are one image
		}
		o := Options{Input: m.Input, Outputs: m.Outputs, Batch: m.Input.Batch}
		if o.Batch == 0 {
			o.Batch = OpenBatch
		}
		var b bytes.Buffer
		if err := Write(&b, m.Network, m.Weights, o); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		again, err := Read(b.Bytes(), ReadOptions{})
		if err != nil {
			t.Errorf("%s is written, but not read again: %v", file, err)
			continue
		}
		if !slices.Equal(again.Input.Dims, m.Input.Dims) || again.Input.Name != m.Input.Name {
			t.Errorf("%s: input %+v becomes %+v", file, m.Input, again.Input)
			continue
		}
		r := rand.New(rand.NewPCG(1, 2))
		in := make([]float32, m.Input.perImage())
		for i := range in {
			in[i] = float32(r.NormFloat64())
		}
		want, got := evalFile(t, m, in), evalFile(t, again, in)
		for i, out := range m.Outputs {
			if !slices.Equal(again.Outputs[i].Dims, out.Dims) || again.Outputs[i].Name != out.Name {
				t.Errorf("%s: output %+v becomes %+v", file, out, again.Outputs[i])
			}
			if _, err := compare(got[i], want[i]); err != nil {
				t.Errorf("%s: output %s: %v", file, out.Name, err)
			}
		}
		kept++
	}
	t.Logf("%d of %d files", kept, len(files))
	if kept < 20 {
		t.Errorf("only %d of %d files were compared", kept, len(files))
	}
}
