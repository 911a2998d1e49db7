package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/netfile"
)

// The engine's process answers the protocol, and its output is the network's.
func TestServeEngine(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2@width=0.25,res=32,classes=10")
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	in := make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = float32(math.Sin(float64(i)))
	}
	values, err := n.Eval(w, in)
	if err != nil {
		t.Fatal(err)
	}
	want := values[len(values)-1].Data
	dir := t.TempDir()
	input, output := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(input, floatBytes(in), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*peer{onnxRuntime, tensorFlowLite} {
		model := filepath.Join(dir, "model."+p.format)
		data, err := netfile.Encode(p.format, n, func() (*blocks.Weights, error) { return w, nil }, netfile.Form{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(model, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var to bytes.Buffer
		err = serveEngine(model, []string{input, "1"}, strings.NewReader("run 3\noutput "+output+"\n"), &to)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(to.String(), "\n")
		if len(lines) != 4 || lines[0] != "ready" || len(strings.Fields(lines[1])) != 3 || lines[2] != "done" {
			t.Errorf("%s: answers %q", p.format, lines)
		}
		got, err := readFloats(output)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d (%v)", p.format, len(got), len(want), err)
		}
		for i, x := range want {
			if math.Abs(float64(got[i]-x)) > 1e-4 {
				t.Errorf("%s: output %d is %g, want %g", p.format, i, got[i], x)
			}
		}
		if err := serveEngine(model, []string{input, "1"}, strings.NewReader("walk\n"), &to); err == nil {
			t.Errorf("%s: an unknown line is no error", p.format)
		}
	}
}

// The interval of few rounds is all of them; that of many leaves out the ends.
func TestInterval(t *testing.T) {
	if low, high := interval([]float64{3, 1, 2}); low != 1 || high != 3 {
		t.Errorf("three rounds: %g to %g", low, high)
	}
	if low, high := interval([]float64{9, 1, 2, 3, 4, 5, 6, 7, 8, 0}); low != 1 || high != 8 {
		t.Errorf("ten rounds: %g to %g", low, high)
	}
}
