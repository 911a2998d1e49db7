package engine

import (
	"math"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// tolerance is relative to the largest value of a tensor. The engine sums in
// float32 and the oracle in float64; the depth of the random networks multiplies
// the difference.
const tolerance = 2e-5

func target(isa string, threads int) Target {
	return Target{ISA: isa, L1: 32 << 10, L2: 1 << 20, L3: 32 << 20, Threads: threads}
}

// small has caches so small that blocks are fused in tiny networks too.
func small(isa string, threads int) Target {
	return Target{ISA: isa, L1: 1 << 10, L2: 2 << 10, L3: 8 << 10, Threads: threads}
}

func mustRun(t testing.TB, n *blocks.Network, w *blocks.Weights, tg Target, o Options, in []float32) []float32 {
	t.Helper()
	p, err := Compile(n, tg, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, p.OutLen())
	for i := range out {
		out[i] = float32(math.NaN())
	}
	for i := range p.arena {
		p.arena[i] = float32(math.NaN())
	}
	for range 2 { // the second run must not see what the first one left
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func scaleOf(x []float32) float64 {
	m := 1e-30
	for _, v := range x {
		m = max(m, math.Abs(float64(v)))
	}
	return m
}

func near(t testing.TB, what string, got, want []float32, tol float64) {
	t.Helper()
	limit := tol * scaleOf(want)
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= limit) {
			t.Fatalf("%s: value %d is %v, want %v (off by %.2g, allowed %.2g)", what, i, got[i], want[i], d, limit)
		}
	}
}

func identical(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && got[i] != want[i] {
			t.Fatalf("%s: value %d is %v, want the same as %v", what, i, got[i], want[i])
		}
	}
}

func oracle(t testing.TB, n *blocks.Network, w *blocks.Weights, in []float32, batch int) []float32 {
	t.Helper()
	var out []float32
	e := n.Input().Elems()
	for k := range batch {
		acts, err := n.Eval(w, in[k*e:][:e])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, acts[len(acts)-1].Data...)
	}
	return out
}

func TestRandomNetworks(t *testing.T) {
	count := uint64(250)
	if testing.Short() {
		count = 40
	}
	units := map[string]bool{}
	for seed := range count {
		n := randomNet(t, seed)
		w := randomWeights(t, n, seed)
		const batch = 3
		in := noise(batch*n.Input().Elems(), seed)
		want := oracle(t, n, w, in, batch)
		for _, isa := range kernels.Supported() {
			name := n.Name + " " + isa
			got := mustRun(t, n, w, small(isa, 1), Options{Batch: batch}, in)
			near(t, name, got, want, tolerance)
			identical(t, name+" two threads", mustRun(t, n, w, small(isa, 2), Options{Batch: batch}, in), got)
			identical(t, name+" three threads", mustRun(t, n, w, small(isa, 3), Options{Batch: batch}, in), got)
			identical(t, name+" unfused", mustRun(t, n, w, small(isa, 1), Options{Batch: batch, NoBlockFusion: true}, in), got)
			e, o := n.Input().Elems(), n.Output().Elems()
			for k := range batch {
				identical(t, name+" single", mustRun(t, n, w, target(isa, 1), Options{}, in[k*e:][:e]), got[k*o:][:o])
			}
		}
		p, err := Compile(n, small("avx2", 1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Kernels() {
			units[c.Unit.Name] = true
			if u, err := ParseUnit(c.Unit.Key()); err != nil || u != c.Unit {
				t.Fatalf("%s: read back as %+v, %v", c.Unit.Key(), u, err)
			}
		}
	}
	if !testing.Short() {
		for name := range routines {
			if !units[name] && name != "batchnorm" {
				t.Errorf("no random network has a %s", name)
			}
		}
	}
}
