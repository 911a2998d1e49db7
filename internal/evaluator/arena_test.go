package evaluator

import (
	"math/rand/v2"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// TestArena checks that with runtime = "tflm" activation memory is the arena of the file that export writes, of
// candidates and of whole networks, and that it bounds them.
func TestArena(t *testing.T) {
	c, err := config.Load("../../configs/mcu.toml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	e := newEvaluator(nil, nil, nil, &c.Constraints)
	r := rand.New(rand.NewPCG(4, 18))
	for range 3 {
		a := s.Arch(s.Sample(r))
		x, err := e.lower(&a, "")
		if err != nil {
			t.Fatal(err)
		}
		got := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
		if err := e.predict(&got, x); err != nil {
			t.Fatal(err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := e.cheapValues(n)
		if err != nil {
			t.Fatal(err)
		}
		m, err := tflite.Quantize(n, blocks.NewWeights(n, 1), tflite.QuantizeOptions{
			Images: [][]float32{make([]float32, n.Input().Elems())}, Run: engine.Activations,
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := arena.Of(m)
		if err != nil {
			t.Fatal(err)
		}
		const key = runstore.KeyActivations
		if want := float64(p.Bytes); got.Parts[key] != want || whole.Parts[key] != want ||
			want < float64(n.Counts().PeakActivations) {
			t.Errorf("%s: %g and %g bytes, the file has an arena of %g", n.Name, got.Parts[key], whole.Parts[key], want)
		}
	}
}
