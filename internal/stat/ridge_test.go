package stat

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Without a penalty a plane is found; weights of 0 leave a row out.
func TestRidgePlane(t *testing.T) {
	x := mat.NewDense(5, 2, []float64{0, 0, 1, 0, 0, 1, 1, 1, 9, 9})
	y := []float64{3, 5, 2, 4, 1000}
	c, b, err := Ridge(x, y, []float64{1, 2, 1, 1, 0}, []float64{0, 0})
	if err != nil || math.Abs(b-3) > 1e-6 || math.Abs(c[0]-2) > 1e-6 || math.Abs(c[1]+1) > 1e-6 {
		t.Errorf("%v + %v x (%v), want 3 + [2 -1] x", b, c, err)
	}
}

// The gradient of what it minimises vanishes, for random problems.
func TestRidgeOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 20 {
		const n, d = 15, 4
		x := mat.NewDense(n, d, nil)
		y, w, ridge := make([]float64, n), make([]float64, n), make([]float64, d)
		for i := range n {
			for j := range d {
				x.Set(i, j, r.NormFloat64())
			}
			y[i], w[i] = r.NormFloat64(), r.Float64()
		}
		for j := range d {
			ridge[j] = 2 * r.Float64()
		}
		c, b, err := Ridge(x, y, w, ridge)
		if err != nil {
			t.Fatal(err)
		}
		sum, grad := 0.0, make([]float64, d)
		for i := range n {
			e := y[i] - b - mat.Dot(x.RowView(i), mat.NewVecDense(d, c))
			sum += w[i] * e
			for j := range d {
				grad[j] += w[i] * e * x.At(i, j)
			}
		}
		for j := range d {
			if g := grad[j] - ridge[j]*c[j]; math.Abs(g) > 1e-6 || math.Abs(sum) > 1e-9 {
				t.Fatalf("gradient %g of coefficient %d, %g of the intercept", g, j, sum)
			}
		}
	}
}

// One wild point in forty hardly moves the line, and its own left-out error says how
// wild it is.
func TestHuberRidge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	x, y := make([][]float64, 200), make([]float64, 200)
	for i := range x {
		v := r.NormFloat64()
		x[i], y[i] = []float64{1, v}, 0.5+0.2*v+0.01*r.NormFloat64()
		if i%40 == 7 {
			y[i] += 50
		}
	}
	w, left := HuberRidge(x, y)
	if math.Abs(w[0]-0.5) > 0.005 || math.Abs(w[1]-0.2) > 0.01 {
		t.Errorf("weights %v, want 0.5 and 0.2", w)
	}
	if math.Abs(left[7]-50) > 0.1 || math.Abs(left[8]) > 0.05 {
		t.Errorf("left-out errors %v of a wild point and %v of a tame one", left[7], left[8])
	}
}

// The left-out errors are those of fits without the point: of a mean, n/(n-1) times
// the plain ones.
func TestHuberRidgeLeftOut(t *testing.T) {
	y := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	x := make([][]float64, len(y))
	for i := range x {
		x[i] = []float64{1}
	}
	w, left := HuberRidge(x, y)
	if math.Abs(w[0]-4.5) > 1e-6 {
		t.Fatalf("mean %v, want 4.5", w[0])
	}
	for i, v := range y {
		if want := (v - 4.5) * 8 / 7; math.Abs(left[i]-want) > 1e-6 {
			t.Errorf("point %v: %v, want %v", v, left[i], want)
		}
	}
}

// TestHuberRowScales: errors up to 1.345 of their scale count in full, an error of four times that counts a quarter,
// so that its row is halved.
func TestHuberRowScales(t *testing.T) {
	abs := []float64{1, 1, 1, 4 * 1.345 * 1.4826, 0}
	w := make([]float64, len(abs))
	HuberRowScales(w, abs)
	for i, want := range []float64{1, 1, 1, 0.5, 1} {
		if math.Abs(w[i]-want) > 1e-12 {
			t.Errorf("an error of %g scales its row by %g, want %g", abs[i], w[i], want)
		}
	}
}
