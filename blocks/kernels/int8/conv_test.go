package int8

import (
	"math/rand/v2"
	"testing"

	"nas/blocks/kernels"
	"nas/blocks/kernels/integer"
)

// layers is the number of random layers that a set is tried on.
func layers() int {
	if testing.Short() {
		return 150
	}
	return 1500
}

// checkConv compares a random layer with the reference.
func checkConv(t *testing.T, s *Set, r *rand.Rand) {
	g := randomConv(r)
	in, grid := randomGrid(r), randomGrid(r)
	checkLayer(t, s, r, g, randomWeights(r, &g, in, grid), in, randomOutput(r, grid))
}

// checkLayer compares a layer with the reference: the whole map, in ranges, with sums.
func checkLayer(t *testing.T, s *Set, r *rand.Rand, g kernels.Conv, w Weights, in Grid, out Output) {
	asked := 0
	l := s.Layer(func(n int) []byte { asked += n; return Alloc(n) }, g, w, in, out)
	if asked > LayerLen(&g) {
		t.Fatalf("%s: %d bytes of weights, LayerLen says %d", describe(&g), asked, LayerLen(&g))
	}
	src := newMap(r, g.H, g.W, g.C, r.IntN(2)*r.IntN(9))
	want := reference(&g, w, src.ints(), in, out)
	sc := NewScratch(s.Need(l))
	dst := newMap(r, g.OH, g.OW, g.N, r.IntN(2)*r.IntN(9))
	s.Conv(l, dst.View, src.View, g.All(), sc)
	dst.holds(t, describe(&g), want, out.Table)

	parts := newMap(r, g.OH, g.OW, g.N, r.IntN(3))
	y, n := r.IntN(g.OH+1), min(g.N, 16*r.IntN(3))
	if g.Groups > 1 && !g.Depthwise() {
		n = 0
	}
	for _, p := range []kernels.Range{{Y0: 0, Y1: y, N0: 0, N1: n}, {Y0: 0, Y1: y, N0: n, N1: g.N},
		{Y0: y, Y1: g.OH, N0: 0, N1: g.N}} {
		s.Conv(l, parts.View, src.View, p, sc)
	}
	parts.holds(t, "ranges of "+describe(&g), want, out.Table)

	grown, sum := randomOutput(r, randomGrid(r)), newMap(r, g.OH, g.OW, g.N, r.IntN(3))
	resGrid := randomGrid(r)
	stored := operand(&dst, out.Grid)
	total := make([]int32, len(want))
	integer.Add(total, stored, operand(&sum, resGrid), 1, grown.reference(grown.Low, grown.High))
	s.ConvAdd(l, sum.View, src.View, sum.View, NewSum(out.Grid, resGrid, grown), g.All(), sc)
	sum.holds(t, "sum of "+describe(&g), total, grown.Table)
}

// operand is m for the reference.
func operand(m *memory, g Grid) integer.Operand {
	return integer.Operand{Q: m.ints(), Grid: g.reference(0, 255), At: func(i int) int { return i }}
}

func TestConv(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() {
			checkConv(t, s, rand.New(rand.NewPCG(uint64(seed), 1)))
		}
	})
}

// TestDepthwise runs layers wider than a few tiles, some of them with biases that leave what float32 holds exactly.
func TestDepthwise(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() / 2 {
			r := rand.New(rand.NewPCG(uint64(seed), 5))
			k, stride := 3+2*r.IntN(2), 1+r.IntN(2)
			g := kernels.Conv{H: 1 + r.IntN(6), W: 1 + r.IntN(70), C: 1 + r.IntN(50), KH: k, KW: k, SH: stride, SW: stride,
				DH: 1, DW: 1, PadT: r.IntN(k), PadL: r.IntN(k)}
			g.OH = max(1, (g.H+g.PadT+r.IntN(k)-k)/stride+1)
			g.OW = max(1, (g.W+g.PadL+r.IntN(k)-k)/stride+1)
			g.N, g.Groups = g.C, g.C
			in, grid := randomGrid(r), randomGrid(r)
			w := randomWeights(r, &g, in, grid)
			if r.IntN(4) == 0 {
				w.Bias = make([]int32, g.N)
				w.Bias[r.IntN(g.N)] = (1<<24 - int32(r.IntN(600_000))) * int32(1-2*r.IntN(2))
				for i := range w.Scale { // sums near 2^24 are in the middle of the output
					w.Scale[i] = 100 * grid.Scale / in.Scale / (1 << 24)
				}
			}
			checkLayer(t, s, r, g, w, in, randomOutput(r, grid))
		}
	})
}

// FuzzConv tries layers that a seed stands for.
func FuzzConv(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		eachSet(t, func(t *testing.T, s *Set) { checkConv(t, s, rand.New(rand.NewPCG(seed, 2))) })
	})
}

// TestRings runs layers row by row from a ring of input rows to a ring of output rows.
func TestRings(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for seed := range layers() / 4 {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			g := randomConv(r)
			in, out := randomGrid(r), randomOutput(r, randomGrid(r))
			w := randomWeights(r, &g, in, out.Grid)
			l := s.Layer(Alloc, g, w, in, out)
			src := newMap(r, g.H, g.W, g.C, 0)
			want := reference(&g, w, src.ints(), in, out)
			sc := NewScratch(s.Need(l))
			rows := min(g.H, (g.KH-1)*g.DH+1+r.IntN(3))
			ring := View{Data: Alloc(rows * src.Row), Row: src.Row, Pix: src.Pix, Ring: rows}
			kept := 1 + r.IntN(3)
			outs := View{Data: Alloc(kept * g.OW * g.N), Row: g.OW * g.N, Pix: g.N, Ring: kept}
			for y, have := 0, 0; y < g.OH; y++ {
				for ; have < min(g.H, y*g.SH-g.PadT+(g.KH-1)*g.DH+1); have++ {
					copy(ring.Data[have%rows*ring.Row:][:ring.Row], src.Data[have*src.Row:])
				}
				s.Conv(l, outs, ring, kernels.Range{Y0: y, Y1: y + 1, N1: g.N}, sc)
				row := memory{View{Data: outs.row(y, g.OW, g.N), Pix: g.N}, nil, 1, g.OW, g.N}
				for i, q := range row.ints() {
					b := byte(want[y*g.OW*g.N+i])
					if out.Table != nil {
						b = out.Table[b]
					}
					if byte(q) != b {
						t.Fatalf("%s from a ring of %d: row %d, value %d is %d, want %d", describe(&g), rows, y, i, q, b)
					}
				}
			}
		}
	})
}
