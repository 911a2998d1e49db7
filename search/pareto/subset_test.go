package pareto

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSubset holds the two ways to choose a subset against trying all of them.
func TestSubset(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		m := 1 + r.IntN(9)
		var front [][]float64
		x, y := 0.0, 1.2
		for range m {
			x, y = x+0.2*r.Float64(), y-0.2*r.Float64()
			front = append(front, []float64{x, y})
		}
		ref := []float64{1, 1}
		n := 1 + r.IntN(m)
		best := 0.0
		for mask := range 1 << m {
			var points [][]float64
			for i := range m {
				if mask>>i&1 == 1 {
					points = append(points, front[i])
				}
			}
			if len(points) <= n {
				best = max(best, Hypervolume(points, ref))
			}
		}
		of := func(chosen []int) float64 {
			var points [][]float64
			for _, i := range chosen {
				points = append(points, front[i])
			}
			return Hypervolume(points, ref)
		}
		if best == 0 {
			continue
		}
		chosen := Subset(front, ref, n)
		if v := of(chosen); len(chosen) > n || math.Abs(v-best) > 1e-12 {
			t.Fatalf("%d of %v: %v holds %v, the best subset %v", n, front, chosen, v, best)
		}
		if v := of(greedySubset(front, ref, n)); v < (1-1/math.E)*best {
			t.Fatalf("%d of %v: greedy holds %v of %v", n, front, v, best)
		}
	}
}
