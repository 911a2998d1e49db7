package train

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/space"
)

// TestPyTorch compares the losses of 20 steps with those that PyTorch had, from the same weights and images:
// testdata/record.py wrote them.
func TestPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/steps.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Cases map[string]struct {
			Arch                             string
			Seed                             uint64
			Batch                            int
			Rate, Decay, Momentum, Smoothing float64
			Losses                           []float64
		}
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	for name, c := range recorded.Cases {
		arch, err := space.Parse(c.Arch)
		if err != nil {
			t.Fatal(err)
		}
		n, err := arch.Network()
		if err != nil {
			t.Fatal(err)
		}
		m, err := compile(n, kernels.Best(), c.Batch)
		if err != nil {
			t.Fatal(err)
		}
		m.setWeights(blocks.NewWeights(n, c.Seed))
		m.track = func(int, float64) {}
		team := newTeam(m.set, 2)
		defer team.close()
		opt := newOptimizer(name, c.Decay, c.Momentum, len(m.values))
		if len(c.Losses) < 20 {
			t.Errorf("%s: %d steps were recorded", name, len(c.Losses))
		}
		for step, want := range c.Losses {
			load := func(_ *worker, s span, dst []float32) {
				for i := range dst {
					at := uint64(s.first*n.Input().Elems()+i) + uint64(step*1000003)
					dst[i] = scaled[(at*6364136223846793005+1442695040888963407)>>56]
				}
			}
			loss, _ := m.gradients(team, load, func(i int) int { return (7*i + 3*step) % 10 }, c.Smoothing)
			m.reduce(team, m.chunks())
			for _, k := range m.chunks() {
				opt.step(m.values, m.grads[0], k.from, k.to, c.Rate, step+1, k.decays, 1)
			}
			if e := math.Abs(loss-want) / want; e > 1e-4 {
				t.Errorf("%s: the loss of step %d is %.6f, and PyTorch had %.6f: %.1e apart", name, step+1, loss, want, e)
			}
		}
	}
}
