package int8

import (
	"math/rand/v2"
	"time"

	"nas/blocks/kernels"
)

// PeakRate measures the rate of dot products on registers, in 10^9 operations a second: two for a multiply-add.
func (s *Set) PeakRate() float64 { return kernels.PeakRate(s.peakOps) }

func (s *Set) peakOps(n int) int { return 2 * s.Peak(n) }

// Measure times the layers of [kernels.BenchShapes] whose name contains filter, with random bytes and ReLU6, each for
// about the given time.
func (s *Set) Measure(filter string, each time.Duration) []kernels.Speed {
	m := kernels.Meter{Variant: s.Name(), ValueBytes: 1, Peak: s.peakOps, Layer: s.benchLayer}
	return m.Measure(filter, each)
}

// benchLayer makes a layer ready to be run.
func (s *Set) benchLayer(b kernels.BenchShape) (run func()) {
	g := b.Conv
	r := rand.New(rand.NewPCG(1, 1))
	w := Weights{Q: make([]int8, g.KH*g.KW*g.C/g.Groups*g.N), Scale: []float32{0.004}, Bias: make([]int32, g.N)}
	for i := range w.Q {
		w.Q[i] = int8(r.IntN(255) - 127)
	}
	src, dst := Dense(Alloc(g.H*g.W*g.C), g.H, g.W, g.C), Dense(Alloc(g.OH*g.OW*g.N), g.OH, g.OW, g.N)
	for i := range src.Data {
		src.Data[i] = byte(r.IntN(256))
	}
	out := Output{Grid: Grid{Scale: 0.05, Zero: 10}, Low: 10, High: 130}
	l := s.Layer(Alloc, g, w, Grid{Scale: 0.02, Zero: 128}, out)
	sc := NewScratch(s.Need(l))
	return func() { s.Conv(l, dst, src, g.All(), sc) }
}
