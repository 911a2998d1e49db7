package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// hills are n points of a function of the first of two inputs, with a little noise.
func hills(n int) (x *mat.Dense, y []float64) {
	r := rand.New(rand.NewPCG(3, 3))
	x = mat.NewDense(n, 2, nil)
	for i := range n {
		a, b := r.NormFloat64(), r.NormFloat64()
		x.SetRow(i, []float64{a, b})
		y = append(y, 10+3*math.Sin(2*a)+0.01*r.NormFloat64())
	}
	return x, y
}

// Two points, by hand: the weights are K^-1 t with t = -+1/sqrt 2, and K is
// symmetric, so that they are t over (diagonal - off-diagonal).
func TestGPTwoPoints(t *testing.T) {
	k := Kernel{Matern: 2, Linear: 0.5, Noise: 0.1, Length: []float64{2}}
	g, err := FitGP(k, mat.NewDense(2, 1, []float64{-1, 1}), []float64{4, 6})
	if err != nil {
		t.Fatal(err)
	}
	s := math.Sqrt(5) // a distance of 2 over a length of 2
	m := (1 + s + s*s/3) * math.Exp(-s)
	diagonal, off := 1+0.5+2+0.1, 1-0.5+2*m
	want := 1 / math.Sqrt2 / (diagonal - off)
	if g.Mean != 5 || math.Abs(g.SD-math.Sqrt2) > 1e-15 || math.Abs(g.Alpha[1]-want) > 1e-12 ||
		math.Abs(g.Alpha[0]+want) > 1e-12 {
		t.Fatalf("mean %v, sd %v, weights %v; want 5, sqrt 2, -+%v", g.Mean, g.SD, g.Alpha, want)
	}
	got := g.Predict(mat.NewDense(2, 1, []float64{1, 0}))
	at1 := 5 + math.Sqrt2*want*(1+0.5+2-off)
	if math.Abs(got[0]-at1) > 1e-12 || math.Abs(got[1]-5) > 1e-12 {
		t.Errorf("predicted %v, want %v and, between the points, 5", got, at1)
	}
}

// A Trend of 1/d each is the linear part without one.
func TestGPTrend(t *testing.T) {
	x, y := hills(30)
	plain := Kernel{Matern: 1, Linear: 0.7, Noise: 0.01, Length: []float64{1, 2}}
	trend := plain
	trend.Trend = []float64{0.5, 0.5}
	a, err := FitGP(plain, x, y)
	if err != nil {
		t.Fatal(err)
	}
	b, err := FitGP(trend, x, y)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range a.Predict(x) {
		if w := b.Predict(x)[i]; math.Abs(v-w) > 1e-9 {
			t.Fatalf("point %d: %v without Trend, %v with", i, v, w)
		}
	}
}

// With all rows as inducing points the approximation is the process itself.
func TestInducingGP(t *testing.T) {
	x, y := hills(40)
	k := Kernel{Matern: 1, Linear: 0.5, Noise: 0.05, Length: []float64{1, 1}}
	full, err := FitGP(k, x, y)
	if err != nil {
		t.Fatal(err)
	}
	all, err := FitInducingGP(k, x, y, SampleRows(40, 40, 1))
	if err != nil {
		t.Fatal(err)
	}
	few, err := FitInducingGP(k, x, y, SampleRows(40, 12, 1))
	if err != nil {
		t.Fatal(err)
	}
	at, _ := hills(7)
	want, got, rough := full.Predict(at), all.Predict(at), few.Predict(at)
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-4 {
			t.Errorf("point %d: %v through all rows, %v without", i, got[i], want[i])
		}
		if math.Abs(rough[i]-want[i]) > 3 {
			t.Errorf("point %d: %v through twelve rows, %v without", i, rough[i], want[i])
		}
	}
}

func TestGPNotPositive(t *testing.T) {
	x := mat.NewDense(3, 1, []float64{1, 1, 1})
	_, err := FitGP(Kernel{Matern: 1, Linear: 1, Length: []float64{1}}, x, []float64{1, 2, 3})
	if !errors.Is(err, ErrNotPositive) {
		t.Errorf("one point three times and no noise: %v", err)
	}
}

func TestKernelLikelihoodGradient(t *testing.T) {
	x, y := hills(15)
	target, _, _ := standardise(y)
	l := &kernelLikelihood{x: x, t: target, dots: mat.NewDense(15, 15, nil)}
	l.dots.Mul(x, x.T())
	p := []float64{-0.2, -0.9, -3, 0.3, 1}
	_, g := l.at(p)
	for j := range p {
		const h = 1e-5
		q := slices.Clone(p)
		q[j] += h
		up, _ := l.at(q)
		q[j] -= 2 * h
		down, _ := l.at(q)
		if d := (up - down) / (2 * h); math.Abs(d-g[j]) > 1e-4*max(1, math.Abs(d)) {
			t.Errorf("parameter %d: gradient %g, difference %g", j, g[j], d)
		}
	}
}

// Tuning finds the input that matters, and the same bits on one processor and on all.
func TestTuneKernel(t *testing.T) {
	x, y := hills(60)
	k, err := TuneKernel(x, y, 40)
	if err != nil {
		t.Fatal(err)
	}
	if k.Length[1] < 2*k.Length[0] || k.Noise > 0.05 {
		t.Errorf("%+v: the second input does nothing, and there is little noise", k)
	}
	g, err := FitGP(k, x, y)
	if err != nil {
		t.Fatal(err)
	}
	for a := -1.0; a <= 1; a += 0.25 {
		if got, want := g.Predict(mat.NewDense(1, 2, []float64{a, 0.3}))[0], 10+3*math.Sin(2*a); math.Abs(got-want) > 0.3 {
			t.Errorf("at %v: %v, the function is %v", a, got, want)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again, err := TuneKernel(x, y, 40)
	if err != nil || again.Matern != k.Matern || !slices.Equal(again.Length, k.Length) {
		t.Errorf("one processor finds %+v (%v), all find %+v", again, err, k)
	}
}

func TestSampleRows(t *testing.T) {
	s := SampleRows(20, 8, 5)
	if len(s) != 8 || len(SampleRows(3, 8, 5)) != 3 || !slices.Equal(s, SampleRows(20, 8, 5)) {
		t.Errorf("%v", s)
	}
	slices.Sort(s)
	if len(slices.Compact(s)) != 8 || s[0] < 0 || s[7] >= 20 {
		t.Errorf("%v: want different rows", s)
	}
}
