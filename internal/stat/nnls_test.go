package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// By hand: with x >= 0 the best fit of the second column is none at all.
func TestNNLSKnown(t *testing.T) {
	rows := [][]float64{{1, 0}, {1, 1}, {1, 2}}
	x := NNLS(rows, []float64{3, 2, 1}, 0)
	if math.Abs(x[0]-2) > 1e-9 || x[1] != 0 {
		t.Errorf("falling values: %v, want [2 0]", x)
	}
	x = NNLS(rows, []float64{1, 3, 5}, 0)
	if math.Abs(x[0]-1) > 1e-6 || math.Abs(x[1]-2) > 1e-6 {
		t.Errorf("a line: %v, want [1 2]", x)
	}
	if x := NNLS([][]float64{{1, 0}, {2, 0}}, []float64{1, 2}, 0); x[1] != 0 || math.Abs(x[0]-1) > 1e-9 {
		t.Errorf("an empty column: %v", x)
	}
}

// The conditions of Karush, Kuhn and Tucker hold for random problems.
func TestNNLSOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n, p := 20, 6
		rows, b := make([][]float64, n), make([]float64, n)
		for i := range rows {
			rows[i] = make([]float64, p)
			for j := range rows[i] {
				rows[i][j] = r.NormFloat64()
			}
			b[i] = r.NormFloat64()
		}
		x := NNLS(rows, b, 0)
		for j := range p {
			g := 0.0
			for i := range rows {
				e := -b[i]
				for k, v := range rows[i] {
					e += v * x[k]
				}
				g += e * rows[i][j]
			}
			if x[j] < 0 || g < -1e-6 || x[j] > 0 && math.Abs(g) > 1e-6 {
				t.Fatalf("x[%d] = %g with gradient %g", j, x[j], g)
			}
		}
	}
}
