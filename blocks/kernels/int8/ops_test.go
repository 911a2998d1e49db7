package int8

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks/kernels"
	"nas/blocks/kernels/integer"
)

// TestPairs compares sums, products and tables with the reference.
func TestPairs(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() {
			r := rand.New(rand.NewPCG(uint64(seed), 4))
			h, w, c := 1+r.IntN(4), 1+r.IntN(6), 1+r.IntN(200)
			a, b := newMap(r, h, w, c, r.IntN(2)*r.IntN(5)), newMap(r, h, w, c, r.IntN(2)*r.IntN(5))
			ga, gb, out := randomGrid(r), randomGrid(r), randomOutput(r, randomGrid(r))
			if r.IntN(8) == 0 {
				out.Scale = float32(math.Exp2(60*r.Float64() - 30))
			}
			m := kernels.Map{W: w, C: c, Y1: h}
			want := make([]int32, h*w*c)
			limits := out.reference(out.Low, out.High)
			try := func(what string, run func(d View)) {
				t.Helper()
				d := newMap(r, h, w, c, r.IntN(2)*r.IntN(5))
				run(d.View)
				d.holds(t, fmt.Sprintf("%s of %dx%dx%d, seed %d", what, h, w, c, seed), want, out.Table)
			}
			integer.Add(want, operand(&a, ga), operand(&b, gb), 1, limits)
			try("sum", func(d View) { s.Add(m, d, a.View, b.View, NewSum(ga, gb, out)) })
			integer.Mul(want, operand(&a, ga), operand(&b, gb), limits)
			try("product", func(d View) { s.Mul(m, d, a.View, b.View, NewProduct(ga, gb, out)) })
			integer.Rescale(want, a.ints(), ga.reference(0, 255), limits)
			try("another grid", func(d View) { s.Rescale(m, d, a.View, ga, out) })
			factors := newMap(r, 1, 1, c, 0)
			by := operand(&factors, gb)
			by.At = func(i int) int { return i % c }
			integer.Mul(want, operand(&a, ga), by, limits)
			try("scaling", func(d View) { s.Scale(m, d, a.View, factors.Data, NewProduct(ga, gb, out)) })
			if out.Table = randomTable(r); true {
				want = a.ints()
				try("table", func(d View) { s.Lookup(m, d, a.View, out.Table) })
			}
		}
	})
}

// TestPools compares maxima and means with the reference.
func TestPools(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() / 2 {
			r := rand.New(rand.NewPCG(uint64(seed), 5))
			g := kernels.Pool{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: 1 + r.IntN(140), SH: 1 + r.IntN(3), SW: 1 + r.IntN(3)}
			g.KH, g.KW = 1+r.IntN(min(g.H, 5)), 1+r.IntN(min(g.W, 5))
			g.PadT, g.PadL = r.IntN(g.KH), r.IntN(g.KW)
			g.OH, g.OW = (g.H+g.PadT-g.KH)/g.SH+1, (g.W+g.PadL-g.KW)/g.SW+1
			what := fmt.Sprintf("%+v", g)
			src := newMap(r, g.H, g.W, g.C, r.IntN(2)*r.IntN(5))
			sc := NewScratch(PoolNeed(g.C))
			win := integer.Window{H: g.H, W: g.W, C: g.C, OutH: g.OH, OutW: g.OW, OutC: g.C, KH: g.KH, KW: g.KW,
				StrideH: g.SH, StrideW: g.SW, Top: g.PadT, Left: g.PadL}
			want := make([]int32, g.OH*g.OW*g.C)
			n := min(g.C, 16*r.IntN(4))
			y := r.IntN(g.OH + 1)
			ranges := []kernels.Range{{Y0: 0, Y1: g.OH, N0: 0, N1: n}, {Y0: 0, Y1: y, N0: n, N1: g.C},
				{Y0: y, Y1: g.OH, N0: n, N1: g.C}}
			integer.MaxPool(want, src.ints(), win, Grid{}.reference(0, 255))
			d := newMap(r, g.OH, g.OW, g.C, r.IntN(2)*r.IntN(5))
			for _, p := range ranges {
				s.MaxPool(&g, d.View, src.View, p, sc)
			}
			d.holds(t, "maxima "+what, want, nil)

			offset := int32(r.IntN(2) * 128)
			stored := src.ints()
			for i := range stored {
				stored[i] -= offset
			}
			integer.AveragePool(want, stored, win, integer.Grid{Low: -128, High: 255})
			for i := range want {
				want[i] += offset
			}
			d = newMap(r, g.OH, g.OW, g.C, r.IntN(2)*r.IntN(5))
			for _, p := range ranges {
				s.AvgPool(&g, offset, d.View, src.View, p, sc)
			}
			d.holds(t, "means "+what, want, nil)

			in, out := randomGrid(r), randomOutput(r, randomGrid(r))
			want = want[:g.C]
			integer.Mean(want, src.ints(), g.C, in.reference(0, 255), out.reference(out.Low, out.High))
			d = newMap(r, 1, 1, g.C, 0)
			s.Mean(d.Data, src.View, g.H, g.W, g.C, in, out, sc)
			d.holds(t, "mean "+what, want, out.Table)
		}
	})
}

// TestDivider compares quotients with those of the processor, at the edges of each of them.
func TestDivider(t *testing.T) {
	for n := int32(1); n < 1<<13; n = n*9/8 + 1 {
		d := newDivider(n)
		for q := int32(0); q <= 255; q++ {
			for _, sum := range []int32{q*n - n/2 - 1, q*n - n/2, q*n + n/2 - 1, q*n + n/2} {
				sum = max(0, min(sum, 255*n))
				if want := (sum + n/2) / n; d.rounded(sum) != want || d.rounded(-sum) != -want {
					t.Fatalf("%d / %d is %d and %d, want %d", sum, n, d.rounded(sum), d.rounded(-sum), want)
				}
			}
		}
	}
}

// TestReals compares the ways from reals to bytes and back with the reference.
func TestReals(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() / 4 {
			r := rand.New(rand.NewPCG(uint64(seed), 6))
			g, n := randomGrid(r), 1+r.IntN(300)
			src := make([]float32, n)
			for i := range src {
				src[i] = float32(r.NormFloat64()) * 100 * g.Scale
				switch r.IntN(20) {
				case 0:
					src[i] = (float32(r.IntN(300)) - 150.5) * g.Scale
				case 1:
					src[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(250)-125)))
				case 2:
					src[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[r.IntN(3)]
				}
			}
			want := make([]int32, n)
			g.reference(0, 255).Convert(want, src)
			d := newMap(r, 1, 1, n, 0)
			s.Quantize(d.Data, src, g)
			d.holds(t, fmt.Sprintf("bytes of %d reals, seed %d", n, seed), want, nil)
			got, reals := make([]float32, n), make([]float32, n)
			for i, q := range d.Data {
				reals[i] = g.reference(0, 255).Real(int32(q))
			}
			s.Dequantize(got, d.Data, g)
			if !slices.Equal(got, reals) {
				t.Fatalf("reals of %d bytes, seed %d: %v, want %v", n, seed, got, reals)
			}
		}
	})
}

// TestNames wants the generic set everywhere, and an error that lists the sets for a name that is none.
func TestNames(t *testing.T) {
	if names := Supported(); names[0] != "generic" {
		t.Errorf("sets %v, want generic first", names)
	}
	if _, err := ByName("mmx"); err == nil {
		t.Error("mmx is a set")
	}
	if _, err := For("mmx"); err == nil {
		t.Error("a set goes with mmx")
	}
	for isa := range fits {
		if s, err := For(isa); err != nil || s == nil {
			t.Errorf("no set goes with %s: %v", isa, err)
		}
	}
}
