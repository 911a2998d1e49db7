package integer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var unit = Grid{Scale: 1, Low: -128, High: 127}

// randomGrid has a scale of 2^-8 to 4.
func randomGrid(r *rand.Rand) Grid {
	return Grid{Scale: float32(math.Exp2(10*r.Float64() - 8)), Zero: int32(r.IntN(256) - 128), Low: -128, High: 127}
}

func randomInts(r *rand.Rand, n int) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(r.IntN(256) - 128)
	}
	return v
}

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		v    float32
		want int32
	}{{2.5, 2}, {3.5, 4}, {-2.5, -2}, {1000, 127}, {-1e30, -128}, {float32(math.Inf(1)), 127}, {float32(math.NaN()), 0}} {
		if got := unit.Quantize(c.v); got != c.want {
			t.Errorf("%v becomes %d, want %d", c.v, got, c.want)
		}
	}
	for _, c := range []struct {
		sum   int32
		scale float32
		want  int32
	}{{5, 0.5, 2}, {7, 0.5, 4}, {-5, 0.5, -2}, {math.MaxInt32, 100, 127}, {math.MinInt32, 100, -128}} {
		if got := unit.requantize(c.sum, c.scale); got != c.want {
			t.Errorf("%d x %v becomes %d, want %d", c.sum, c.scale, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		g := randomGrid(r)
		if q := int32(r.IntN(256) - 128); g.Quantize(g.Real(q)) != q {
			t.Fatalf("%d does not stay on grid %+v", q, g)
		}
	}
}

// TestConvert wants products with the reciprocal of a scale, which near halves are other points than quotients.
func TestConvert(t *testing.T) {
	g, apart := Grid{Scale: 0.029001262, Zero: 3, Low: -128, High: 127}, 0
	for half := float32(-100.5); half < 100; half++ {
		v, dst := half*g.Scale, make([]int32, 1)
		for range 8 {
			v = math.Nextafter32(v, 1000)
			g.Convert(dst, []float32{v})
			if want := int32(math.RoundToEven(float64(v*(1/g.Scale)))) + 3; dst[0] != want {
				t.Fatalf("%v becomes %d, want %d", v, dst[0], want)
			}
			if dst[0] != g.Quantize(v) {
				apart++
			}
		}
	}
	if apart == 0 {
		t.Error("quotients give the same points, so the difference is not tested")
	}
}

// near wants every value of got within step of the reals, on grid g.
func near(t *testing.T, what string, got []int32, want []float64, g Grid, step int32) {
	t.Helper()
	for i, q := range got {
		w := g.Quantize(float32(want[i]))
		if d := q - w; d > step || d < -step {
			t.Fatalf("%s: value %d is %d, want %d on grid %+v", what, i, q, w, g)
		}
	}
}

// TestConv compares random convolutions with sums of reals.
func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		groups, each, part := 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(3)
		s := Window{
			H:       1 + r.IntN(6),
			W:       1 + r.IntN(6),
			C:       groups * each,
			OutC:    groups * part,
			Groups:  groups,
			KH:      1 + r.IntN(3),
			KW:      1 + r.IntN(3),
			StrideH: 1 + r.IntN(2),
			StrideW: 1 + r.IntN(2),
			DilH:    1 + r.IntN(2),
			DilW:    1,
			Top:     r.IntN(2),
			Left:    r.IntN(2),
		}
		s.OutH, s.OutW = 1+r.IntN(4), 1+r.IntN(4)
		in, out := randomGrid(r), randomGrid(r)
		taps := s.KH * s.KW
		w := Weights{Q: randomInts(r, s.OutC*taps*each), Zero: int32(r.IntN(3)), Out: taps * each, Tap: each, In: 1}
		for range s.OutC {
			w.Scale = append(w.Scale, float32(math.Exp2(-4*r.Float64())))
			w.Bias = append(w.Bias, int32(r.IntN(1000)-500))
		}
		src, dst := randomInts(r, s.H*s.W*s.C), make([]int32, s.OutH*s.OutW*s.OutC)
		Conv(dst, src, s, w, in, out)
		want := make([]float64, len(dst))
		for i := range want {
			y, x, o := i/s.OutC/s.OutW, i/s.OutC%s.OutW, i%s.OutC
			ws := float64(w.Scale[o])
			want[i] = float64(w.Bias[o]) * float64(in.Scale) * ws
			for t := range taps {
				iy, ix := y*s.StrideH-s.Top+t/s.KW*s.DilH, x*s.StrideW-s.Left+t%s.KW*s.DilW
				if iy < 0 || ix < 0 || iy >= s.H || ix >= s.W {
					continue
				}
				for c := range each {
					q := src[(iy*s.W+ix)*s.C+o/part*each+c]
					want[i] += float64(in.Real(q)) * float64(w.Q[o*w.Out+t*w.Tap+c]-w.Zero) * ws
				}
			}
		}
		near(t, "conv", dst, want, out, 1) // a half may fall to either side
	}
}

// TestPairs compares sums, differences and products with those of reals. The operands' scales lie within what
// [Add]'s integers resolve.
func TestPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 300 {
		var ops [2]Operand
		for k := range ops {
			ops[k] = Operand{Q: randomInts(r, 50), Grid: randomGrid(r), At: func(i int) int { return i }}
		}
		out, dst := randomGrid(r), make([]int32, 50)
		sum, difference, product := make([]float64, 50), make([]float64, 50), make([]float64, 50)
		for i := range dst {
			a, b := float64(ops[0].Real(ops[0].Q[i])), float64(ops[1].Real(ops[1].Q[i]))
			sum[i], difference[i], product[i] = a+b, a-b, a*b
		}
		Add(dst, ops[0], ops[1], 1, out)
		near(t, "add", dst, sum, out, 1)
		Add(dst, ops[0], ops[1], -1, out)
		near(t, "sub", dst, difference, out, 1)
		Mul(dst, ops[0], ops[1], out)
		near(t, "mul", dst, product, out, 1)
	}
}

func TestPool(t *testing.T) {
	s := Window{H: 1, W: 4, C: 1, OutH: 1, OutW: 2, OutC: 1, KH: 1, KW: 2, StrideH: 1, StrideW: 2}
	dst := make([]int32, 2)
	AveragePool(dst, []int32{-3, -2, 3, 2}, s, unit)
	if want := []int32{-3, 3}; !slices.Equal(dst, want) {
		t.Errorf("means of halves are %v, want %v: away from 0", dst, want)
	}
	MaxPool(dst, []int32{-3, -2, 3, 2}, s, unit)
	if want := []int32{-2, 3}; !slices.Equal(dst, want) {
		t.Errorf("maxima are %v, want %v", dst, want)
	}
	s.Left, s.StrideW = 1, 3 // the first window has one value inside
	AveragePool(dst, []int32{8, 0, 1, 3}, s, unit)
	if want := []int32{8, 2}; !slices.Equal(dst, want) {
		t.Errorf("means inside the input are %v, want %v", dst, want)
	}
	Mean(dst, []int32{1, 10, 2, 20, 6, 60}, 2, unit, unit)
	if want := []int32{3, 30}; !slices.Equal(dst, want) {
		t.Errorf("means of channels are %v, want %v", dst, want)
	}
}

// TestHardSwish wants the arithmetic on 16 bits within a step and a half of the exact value.
func TestHardSwish(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	f := func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 }
	for range 200 {
		in := Grid{Scale: float32(0.01 + 0.1*r.Float64()), Zero: int32(r.IntN(256) - 128), Low: -128, High: 127}
		out := Grid{
			Scale: in.Scale * float32(0.4+0.6*r.Float64()),
			Zero:  int32(r.IntN(100) - 120),
			Low:   -128,
			High:  127,
		}
		got, want := HardSwishTable(in, out), Table(in, out, f)
		for i := range got {
			if d := got[i] - want[i]; d > 1 || d < -1 {
				t.Fatalf("%d becomes %d, want %d; grids %+v and %+v", in.Low+int32(i), got[i], want[i], in, out)
			}
		}
	}
}

func TestSoftmaxAndBlend(t *testing.T) {
	out := Grid{Scale: 1. / 256, Zero: -128, Low: -128, High: 127}
	dst := make([]int32, 4)
	Softmax(dst, []int32{7, 7, -100, 127}, 2, 1, false, unit, out)
	if want := []int32{0, 0, -128, 127}; !slices.Equal(dst, want) {
		t.Errorf("shares are %v, want %v", dst, want)
	}
	Softmax(dst, []int32{7, 7, 7, 7}, 4, 1, true, unit, Grid{Scale: 1. / 16, Zero: 127, Low: -128, High: 127})
	if want := int32(127 + math.RoundToEven(-16*math.Log(4))); dst[0] != want {
		t.Errorf("the logarithm of a quarter is %d, want %d", dst[0], want)
	}
	q := [][]int32{{-128, 0, 10}, {127, 0, 20}, {-128, 0, 30}, {127, 0, 40}}
	Blend(dst[:3], q[0], q[1], q[2], q[3], 0, 0)
	if !slices.Equal(dst[:3], q[0]) {
		t.Errorf("the upper left pixel alone is %v, want %v", dst[:3], q[0])
	}
	Blend(dst[:3], q[0], q[1], q[2], q[3], 0.5, 0.5)
	if want := []int32{0, 0, 25}; !slices.Equal(dst[:3], want) { // -0.5 is rounded up
		t.Errorf("the middle is %v, want %v", dst[:3], want)
	}
}

// TestConvShortcuts wants the sums of [Window.grouped] from the ways that are faster: those of one group, and of one
// channel a group, of any number of channels, with padding and the largest values.
func TestConvShortcuts(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for k := range 200 {
		s := Window{
			H: 1 + r.IntN(5), W: 1 + r.IntN(5), C: 1 + r.IntN(20), Groups: 1, KH: 1 + r.IntN(3), KW: 1 + r.IntN(3),
			StrideH: 1 + r.IntN(2), StrideW: 1 + r.IntN(2), DilH: 1 + r.IntN(2), DilW: 1 + r.IntN(2),
			Top: r.IntN(3), Left: r.IntN(3), OutC: 1 + r.IntN(20),
		}
		in, taps := randomGrid(r), s.KH*s.KW
		w := Weights{Out: taps * s.C, Tap: s.C, In: 1, Zero: int32(r.IntN(3))}
		if k%2 == 1 {
			s.Groups, s.OutC = s.C, s.C
			w.Out, w.Tap = 1, s.C
		}
		w.Q = randomInts(r, s.OutC*taps*s.C/s.Groups)
		src := randomInts(r, s.H*s.W*s.C)
		if r.IntN(4) == 0 { // the largest sums of either sign
			in.Zero = -128
			for i := range src {
				src[i] = 127
			}
			for i := range w.Q {
				w.Q[i] = int32(i%2*255) - 128
			}
		}
		got, want := make([]int32, s.OutC), make([]int32, s.OutC)
		for o := range got {
			got[o] = int32(r.IntN(2e6) - 1e6)
		}
		copy(want, got)
		y, x := r.IntN(3), r.IntN(3)
		s.grouped(want, src, w, in.Zero, y, x)
		if k%2 == 1 {
			s.depthwise(got, src, w, in.Zero, y, x)
		} else if d := newDense(s, w, in); d != nil {
			d.sum(got, src, w, in.Zero, y, x)
		} else {
			t.Fatalf("%+v is not dense", s)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: sums %v, want %v", s, got, want)
		}
	}
}

// TestDenseBounds wants no shortcut where two sums would run into each other.
func TestDenseBounds(t *testing.T) {
	s := Window{H: 1, W: 1, C: 2, OutH: 1, OutW: 1, OutC: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1}
	w := Weights{Q: []int32{-128, 127}, Out: 2, Tap: 2, In: 1}
	if newDense(s, w, unit) == nil {
		t.Error("bytes are not dense")
	}
	wide := unit
	wide.Zero = 1 << 20
	if newDense(s, w, wide) != nil {
		t.Error("a zero point outside the bytes is taken")
	}
	w.Q = []int32{1 << 20, 0}
	if newDense(s, w, unit) != nil {
		t.Error("a weight of 21 bits is taken")
	}
	s.C = 1<<15 + 1
	w = Weights{Q: make([]int32, s.C), Out: s.C, Tap: s.C, In: 1}
	if newDense(s, w, unit) != nil {
		t.Error("a window of more than 32,768 values is taken")
	}
}
