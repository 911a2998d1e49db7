package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// all is the whole output.
func (g *Pool) all() Range   { return Range{0, g.OH, 0, g.C} }
func (g *Resize) all() Range { return Range{0, g.OH, 0, g.C} }

// strided returns a view of an h x w x c map in guarded memory whose pixels are
// c+gap floats apart, with the same values densely packed.
func strided(r *rand.Rand, h, w, c, gap int, fill bool) (v View, dense []float32) {
	pix := c + gap
	v = View{Data: guarded(r, (h*w-1)*pix+c, false), Row: w * pix, Pix: pix}
	dense = make([]float32, h*w*c)
	if fill {
		for p := range h * w {
			for i := range c {
				x := float32(r.NormFloat64() * 3)
				v.Data[p*pix+i], dense[p*c+i] = x, x
			}
		}
	}
	return
}

// holds fails unless v holds want and nothing beside it was written.
func holds(t *testing.T, what string, v View, h, w, c int, want []float32, tol float64) {
	t.Helper()
	intact(t, what, v.Data)
	for p := range h * w {
		for i := range c {
			got, w := v.Data[p*v.Pix+i], want[p*c+i]
			if !same(got, w) && !(math.Abs(float64(got-w)) <= tol*(1+math.Abs(float64(w)))) {
				t.Fatalf("%s: pixel %d channel %d is %v, want %v", what, p, i, got, w)
			}
		}
		for i := c; i < v.Pix && p*v.Pix+i < len(v.Data); i++ {
			if x := v.Data[p*v.Pix+i]; x == x {
				t.Fatalf("%s: written between the pixels", what)
			}
		}
	}
}

func TestElementwise(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(3, 4))
		sc := NewScratch(Need{})
		for c := 1; c <= 140; c++ {
			h, w, gap := 1+r.IntN(3), 1+r.IntN(4), r.IntN(3)
			act := Act(c % int(numActs))
			a, da := strided(r, h, w, c, gap, true)
			b, db := strided(r, h, w, c, r.IntN(2)*3, true)
			m := Map{W: w, C: c, Y1: h}
			want := make([]float32, h*w*c)
			do := func(op string, f func(i int) float32, run func(d View)) {
				t.Helper()
				for i := range want {
					want[i] = f(i)
				}
				d, _ := strided(r, h, w, c, gap, false)
				run(d)
				holds(t, fmt.Sprintf("%s %v %dx%dx%d", op, act, h, w, c), d, h, w, c, want, 0)
			}
			do("add", func(i int) float32 { return act.apply(da[i] + db[i]) }, func(d View) { s.Add(m, d, a, b, act, sc) })
			do("mul", func(i int) float32 { return act.apply(float32(da[i] * db[i])) },
				func(d View) { s.Mul(m, d, a, b, act, sc) })
			do("activate", func(i int) float32 { return act.apply(da[i]) }, func(d View) { s.Activate(m, d, a, act, sc) })
			scale, shift := guarded(r, c, true), guarded(r, c, true)
			do("scale", func(i int) float32 { return da[i] * scale[i%c] }, func(d View) { s.Scale(m, d, a, scale, sc) })
			do("affine", func(i int) float32 { return act.apply(fma32(da[i], scale[i%c], shift[i%c])) },
				func(d View) { s.Affine(m, d, a, scale, shift, act, sc) })
			do("prelu", func(i int) float32 { return prelu32(da[i], scale[i%c]) },
				func(d View) { s.PReLU(m, d, a, scale, sc) })
			do("grid", func(i int) float32 {
				return float32(math.RoundToEven(float64(min(max(da[i]/scale[i%c], -5), 4)))) * scale[i%c]
			}, func(d View) { s.Grid(m, d, a, scale, -5, 4, sc) })
			do("clamp", func(i int) float32 { return min(max(da[i], -2), 1.5) }, func(d View) { s.Clamp(m, d, a, -2, 1.5, sc) })
			do("copy", func(i int) float32 { return da[i] }, func(d View) { s.Copy(m, d, a) })
			// In place.
			for i := range want {
				want[i] = act.apply(da[i] + db[i])
			}
			s.Add(m, a, a, b, act, sc)
			holds(t, "add in place", a, h, w, c, want, 0)
		}
	})
}

func TestPool(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(5, 6))
		for c := 1; c <= 70; c++ {
			k, st, pad := 1+r.IntN(4), 1+r.IntN(3), r.IntN(2)
			if k == 1 {
				pad = 0
			}
			h, w := k+r.IntN(9), k+r.IntN(9)
			g := Pool{H: h, W: w, C: c, OH: (h+2*pad-k)/st + 1, OW: (w+2*pad-k)/st + 1, KH: k, KW: k, SH: st, SW: st,
				PadT: pad, PadL: pad, CountPad: c%2 == 0}
			src, dense := strided(r, h, w, c, c%3, true)
			sc := NewScratch(g.Need())
			want := make([]float32, g.OH*g.OW*c)
			for _, avg := range []bool{false, true} {
				dst, _ := strided(r, g.OH, g.OW, c, 1, false)
				refPool(&g, want, dense, avg)
				tol := 0.0
				for _, part := range []Range{{0, g.OH / 2, 0, c}, {g.OH / 2, g.OH, 0, c / 2}, {g.OH / 2, g.OH, c / 2, c}} {
					if avg {
						tol = 1e-5
						s.AvgPool(&g, dst, src, part, sc)
					} else {
						s.MaxPool(&g, dst, src, part, sc)
					}
				}
				holds(t, fmt.Sprintf("pool %+v average %v", g, avg), dst, g.OH, g.OW, c, want, tol)
			}
		}
	})
}

func TestGlobalAvgAndMoments(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(7, 8))
		for c := 1; c <= 140; c += 1 + c/20 {
			h, w := 1+r.IntN(30), 1+r.IntN(30)
			src, dense := strided(r, h, w, c, c%2, true)
			sc := NewScratch(MomentsNeed(c))
			got := guarded(r, c, false)
			s.GlobalAvg(got, src, h, w, c, sc)
			intact(t, "average", got)
			mean, variance := make([]float64, c), make([]float64, c)
			rm, rv := make([]float64, c), make([]float64, c)
			s.Moments(mean, variance, src.Data, h*w, src.Pix, c, sc)
			refMoments(rm, rv, dense, h*w, c)
			for i := range c {
				if math.Abs(float64(got[i])-rm[i]) > 1e-5*(1+math.Abs(rm[i])) {
					t.Fatalf("average of channel %d of %dx%dx%d is %v, want %v", i, h, w, c, got[i], rm[i])
				}
				if math.Abs(mean[i]-rm[i]) > 1e-6*(1+math.Abs(rm[i])) || math.Abs(variance[i]-rv[i]) > 1e-5*(1+rv[i]) {
					t.Fatalf("moments of channel %d are %v %v, want %v %v", i, mean[i], variance[i], rm[i], rv[i])
				}
			}
		}
	})
}

func TestResize(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(9, 10))
		for c := 1; c <= 40; c++ {
			g := Resize{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: c, OH: 1 + r.IntN(20), OW: 1 + r.IntN(20), AlignCorners: c%2 == 0}
			src, dense := strided(r, g.H, g.W, c, c%2, true)
			dst, _ := strided(r, g.OH, g.OW, c, 2, false)
			want := make([]float32, g.OH*g.OW*c)
			refBilinear(&g, want, dense)
			sc := NewScratch(g.Need())
			s.Bilinear(&g, dst, src, Range{0, g.OH / 2, 0, c}, sc)
			s.Bilinear(&g, dst, src, Range{g.OH / 2, g.OH, 0, c}, sc)
			holds(t, fmt.Sprintf("bilinear %+v", g), dst, g.OH, g.OW, c, want, 1e-5)
			for p := range g.OH * g.OW {
				for i := range c {
					want[p*c+i] = dense[(p/g.OW*g.H/g.OH*g.W+p%g.OW*g.W/g.OW)*c+i]
				}
			}
			s.Nearest(&g, dst, src, g.all())
			holds(t, fmt.Sprintf("nearest %+v", g), dst, g.OH, g.OW, c, want, 0)
		}
		// Known answer: corners aligned, a ramp stays a ramp.
		g := Resize{H: 2, W: 2, C: 1, OH: 3, OW: 3, AlignCorners: true}
		dst := make([]float32, 9)
		s.Bilinear(&g, Dense(dst, 3, 3, 1), Dense([]float32{0, 2, 4, 6}, 2, 2, 1), g.all(), NewScratch(g.Need()))
		equal(t, "ramp", dst, []float32{0, 1, 2, 2, 3, 4, 4, 5, 6})
	})
}

func TestSoftmax(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(11, 12))
		sc := NewScratch(Need{})
		for n := 1; n <= 70; n++ {
			src, dst, logs := guarded(r, 2*n, true), guarded(r, 2*n, false), guarded(r, n, false)
			want := make([]float32, n)
			src[0] = 300
			s.Softmax(dst, src, n, sc)
			intact(t, "softmax", dst)
			for b := range 2 {
				refSoftmax(want, src[b*n:][:n])
				for i, w := range want {
					if math.Abs(float64(dst[b*n+i]-w)) > 2e-6 {
						t.Fatalf("softmax of %d: value %d is %v, want %v", n, i, dst[b*n+i], w)
					}
				}
				s.LogSoftmax(logs, src[b*n:][:n], n, sc)
				intact(t, "logarithm of softmax", logs)
				for i, w := range want {
					if math.Abs(math.Exp(float64(logs[i]))-float64(w)) > 2e-6 || src[b*n+i] < 0 && w == 0 && logs[i] > -290 {
						t.Fatalf("logarithm of softmax of %d: value %d is %v, want that of %v", n, i, logs[i], w)
					}
				}
			}
		}
	})
}

// TestExpError states the error of the exponential over a dense sample of its
// domain, and that all variants give the same bits.
func TestExpError(t *testing.T) {
	const n = 1 << 16
	x, y := make([]float32, n), make([]float32, n)
	ends := []float32{0, -87.3, 88, -200, 200, 1e-30, -1e-30, float32(math.Copysign(0, -1))}
	r := rand.New(rand.NewPCG(13, 14))
	for i := range x {
		x[i] = float32(-87.33 + r.Float64()*(88+87.33))
	}
	copy(x, ends)
	worst := 0.0
	for i, v := range x {
		y[i] = exp32(v)
		if v >= expLo && v <= expHi {
			e := math.Exp(float64(v))
			worst = max(worst, math.Abs(float64(y[i])-e)/e)
		}
	}
	t.Logf("largest relative error %.3g", worst)
	if worst > 1.2e-7 {
		t.Errorf("relative error %.3g", worst)
	}
	eachSet(t, func(t *testing.T, s *Set) {
		got := make([]float32, n)
		sc := NewScratch(Need{})
		v := &sc.vec
		v.assign(&got[0], n, &x[0], n, nil, 0, 1, n)
		s.vec[vecExp](v)
		equal(t, "exp", got, y)
		s.Exp(got, x, sc)
		equal(t, "Exp", got, y)
		for a := HSwish; a < numActs; a++ {
			s.Activate(Map{W: 1, C: n, Y1: 1}, Dense(got, 1, 1, n), Dense(x, 1, 1, n), a, sc)
			for i, v := range x {
				if w := a.apply(v); !same(got[i], w) {
					t.Fatalf("%v(%v) is %v, want %v", a, v, got[i], w)
				}
				if w := refAct(float64(v), a); a <= Sigmoid && math.Abs(float64(got[i])-w) > 4e-7*(1e-3+math.Abs(w)) {
					t.Fatalf("%v(%v) is %v, far from %v", a, v, got[i], w)
				}
			}
		}
	})
}

// TestSigmoidError states the errors of the logistic function and of swish.
func TestSigmoidError(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for _, c := range []struct{ lo, hi, bound float64 }{{-16, 16, 3.5e-7}, {-87, 88, 1.4e-6}} {
		worst := map[Act]float64{}
		for range 1 << 17 {
			x := float32(c.lo + r.Float64()*(c.hi-c.lo))
			for _, a := range []Act{Sigmoid, Swish} {
				want := refAct(float64(x), a)
				worst[a] = max(worst[a], math.Abs(float64(a.apply(x))-want)/math.Abs(want))
			}
		}
		t.Logf("[%g, %g]: largest relative errors %v", c.lo, c.hi, worst)
		if e := max(worst[Sigmoid], worst[Swish]); e > c.bound {
			t.Errorf("[%g, %g]: relative error %.3g", c.lo, c.hi, e)
		}
	}
	if y := Sigmoid.apply(0); y != 0.5 {
		t.Errorf("sigmoid(0) is %v", y)
	}
}

// TestRationalError states the errors of erf and tanh relative to the value, and of GELU
// relative to half its argument. All level off at what float32 knows.
func TestRationalError(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for range 1 << 18 {
		x := float32((r.Float64() - 0.5) * 24)
		if r.IntN(4) == 0 {
			x *= 1e-4
		}
		for _, a := range []Act{Erf, Tanh, GELU} {
			want, size := refAct(float64(x), a), math.Abs(float64(x))/2
			if a != GELU {
				size = math.Abs(want)
			}
			if e := math.Abs(float64(a.apply(x))-want) / size; !(e < 5e-7) {
				t.Fatalf("%v(%v) is %v, want %v: error %.3g", a, x, a.apply(x), want, e)
			}
		}
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		a    Act
		x, y float32
	}{{Erf, inf, 1}, {Erf, -inf, -1}, {Tanh, 30, 1}, {Tanh, -inf, -1}, {GELU, inf, inf}, {GELU, -20, 0}, {Tanh, 0, 0}} {
		if y := c.a.apply(c.x); y != c.y {
			t.Errorf("%v(%v) is %v, want %v", c.a, c.x, y, c.y)
		}
	}
}

// TestFMA compares fma32 with exact arithmetic where the second rounding of a
// float64 sum would go wrong, and on random values.
func TestFMA(t *testing.T) {
	// 1 + 2^-24 + 2^-60: the float64 sum is the midpoint 1 + 2^-24, which ties to 1.
	if got := fma32(1+1.0/(1<<12), 1-1.0/(1<<12), 1.0/(1<<24)); got != 1 {
		t.Errorf("exact one: %v", got)
	}
	tiny := float32(math.Ldexp(1, -60))
	if got, want := fma32(tiny, 1, 1), float32(1); got != want {
		t.Errorf("1 + 2^-60 = %v", got)
	}
	a, c := float32(1+1.0/(1<<23)), float32(math.Ldexp(1, -24))
	// a*1 + c is a tie; with something below it must go up, above zero or not.
	if got := fma32(a, 1, c); got != float32(1+2.0/(1<<23)) {
		t.Errorf("tie to even: %v", got)
	}
	x := float32(math.Ldexp(1+1.0/(1<<23), -30))
	y := float32(math.Ldexp(1, -30))
	// 1 + 2^-24 as c is not a float32, so build the tie from a product: p = 2^-24 + tiny.
	p := float32(math.Ldexp(1+1.0/(1<<23), -12))
	q := float32(math.Ldexp(1-1.0/(1<<23), -12))
	if got := fma32(p, q, 1); got != 1 { // 2^-24 (1 - 2^-46): just below the tie
		t.Errorf("below the tie: %v", got)
	}
	if got := fma32(p, p, 1); got != float32(1+1.0/(1<<23)) { // above it
		t.Errorf("above the tie: %v", got)
	}
	_, _ = x, y
	if v := fma32(float32(math.Inf(1)), 1, 1); !math.IsInf(float64(v), 1) {
		t.Errorf("infinity: %v", v)
	}
	if v := fma32(nan, 1, 1); v == v {
		t.Errorf("NaN: %v", v)
	}
}

func TestByName(t *testing.T) {
	if _, err := ByName("mmx"); err == nil {
		t.Error("unknown set: no error")
	}
	for _, a := range isas() {
		s, err := ByName(a.name)
		if err == nil != a.has() {
			t.Errorf("ByName(%q): %v", a.name, err)
		}
		if err == nil && s.Name() != a.name {
			t.Errorf("ByName(%q).Name() = %q", a.name, s.Name())
		}
	}
	t.Setenv(EnvName, "generic")
	if s, err := Default(); err != nil || s.Name() != "generic" {
		t.Errorf("Default with generic forced: %v, %v", s, err)
	}
	t.Setenv(EnvName, "nonsense")
	if _, err := Default(); err == nil {
		t.Error("nonsense forced: no error")
	}
	t.Setenv(EnvName, "")
	if s, err := Default(); err != nil || s != Best() {
		t.Errorf("Default: %v, %v", s, err)
	}
}

// TestRegistry checks that every row has a function and a name of its own, and
// that a set lacks nothing.
func TestRegistry(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRows() {
		if seen[r.name] {
			t.Errorf("%s: twice", r.name)
		}
		seen[r.name] = true
		if r.gemm == nil && r.taps == nil && r.pair == nil && r.vecf == nil && r.outer == nil {
			t.Errorf("%s: no function", r.name)
		}
	}
	for _, s := range sets() {
		for op, f := range s.vec {
			if f == nil {
				t.Errorf("%s has no %s", s.name, vecNames[op])
			}
		}
		for op, f := range s.tap {
			if f == nil {
				t.Errorf("%s has no tap kernel %d", s.name, op)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for _, g := range []Conv{
			conv(6, 6, 3, 20, 3, 2, 1, 1, 1), conv(5, 5, 32, 24, 3, 1, 1, 1, 2),
			conv(5, 5, 20, 20, 1, 1, 1, 0, 1), conv(7, 7, 40, 40, 5, 1, 2, 4, 40),
		} {
			b := s.NewBench(BenchShape{Conv: g})
			if n := testing.AllocsPerRun(3, b.Run); n != 0 {
				t.Errorf("%+v: %v allocations", g, n)
			}
		}
	})
}

// TestNaN checks that a NaN in the input is not hidden by a clamp.
func TestNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for _, g := range []Conv{
			conv(3, 3, 20, 20, 1, 1, 1, 0, 1), conv(3, 3, 20, 20, 3, 1, 1, 1, 1),
			conv(3, 3, 20, 20, 3, 1, 1, 1, 20), conv(3, 3, 3, 20, 3, 1, 1, 1, 1),
		} {
			for act := range numActs {
				b := s.NewBench(BenchShape{Conv: g})
				for i := range g.C {
					b.src.Data[4*g.C+i] = nan
				}
				s.Conv(&g, b.w, b.bias, b.dst, b.src, Epilogue{Act: act}, g.All(), b.sc)
				for i, v := range b.dst.Data[4*g.N : 5*g.N] {
					if v == v {
						t.Fatalf("%+v %v: channel %d is %v", g, act, i, v)
					}
				}
			}
		}
	})
}

// TestNaNMaxPool checks that a NaN at any place of a window is its maximum.
func TestNaNMaxPool(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		g := Pool{H: 3, W: 3, C: 23, OH: 1, OW: 1, KH: 3, KW: 3, SH: 1, SW: 1}
		dst, sc := Alloc(g.C), NewScratch(g.Need())
		for at := range g.H * g.W {
			src := Alloc(g.H * g.W * g.C)
			for i := range g.C {
				src[at*g.C+i] = nan
			}
			s.MaxPool(&g, Dense(dst, 1, 1, g.C), Dense(src, g.H, g.W, g.C), g.all(), sc)
			for i, v := range dst {
				if v == v {
					t.Fatalf("NaN in pixel %d: channel %d is %v", at, i, v)
				}
			}
		}
	})
}

// TestLinear checks a fully connected layer of several samples against a sum.
func TestLinear(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(15, 16))
		for _, l := range []Linear{{1, 5, 3}, {1, 300, 200}, {7, 33, 21}} {
			g := l.Conv()
			x, w, bias := guarded(r, l.Batch*l.K, true), guarded(r, l.K*l.N, true), guarded(r, l.N, true)
			pw, pb := Alloc(g.PackedLen()), Alloc(g.BiasLen())
			g.Pack(pw, w)
			g.PackBias(pb, bias)
			dst := guarded(r, l.Batch*l.N, false)
			out, in := Dense(dst, 1, l.Batch, l.N), Dense(x, 1, l.Batch, l.K)
			s.Conv(&g, pw, pb, out, in, Epilogue{}, g.All(), NewScratch(s.ConvNeed(&g)))
			intact(t, "linear", dst)
			for b := range l.Batch {
				for n := range l.N {
					sum := float64(bias[n])
					for k := range l.K {
						sum += float64(x[b*l.K+k]) * float64(w[k*l.N+n])
					}
					if got := float64(dst[b*l.N+n]); math.Abs(got-sum) > 1e-4*(1+math.Abs(sum)) {
						t.Fatalf("%+v: sample %d output %d is %v, want %v", l, b, n, got, sum)
					}
				}
			}
		}
	})
}
