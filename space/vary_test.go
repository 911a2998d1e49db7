package space

import (
	"math"
	"slices"
	"testing"
)

// flatSpace has stages of four genes of three choices that are all live and all canonical.
func flatSpace(t *testing.T, stages int) *Space {
	t.Helper()
	spec := Spec{Input: []int{64, 64, 3}, Classes: 2}
	for range stages {
		spec.Stage = append(spec.Stage, StageSpec{Channels: Ints{16, 24, 32}, Kernel: Kernels{3, 5, 7},
			Expansion: Floats{2, 3, 4}, Activation: Strings{"relu", "relu6", "hswish"}})
	}
	s, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// chiSquare fails where observed counts are not those expected: beyond five standard
// deviations of the statistic, whose mean is the degrees of freedom.
func chiSquare(t *testing.T, what string, got, want []float64) {
	t.Helper()
	sum := 0.0
	for i := range got {
		sum += (got[i] - want[i]) * (got[i] - want[i]) / want[i]
	}
	df := float64(len(got) - 1)
	t.Logf("%s: chi-square %.1f with %.0f degrees of freedom", what, sum, df)
	if sum > df+5*math.Sqrt(2*df) {
		t.Errorf("%s: chi-square is %.1f with %.0f degrees of freedom: %v, want %v", what, sum, df, got, want)
	}
}

// binomial is the probability of k among n of probability 1/n each.
func binomial(n, k int) float64 {
	p := 1.0
	for i := range k {
		p *= float64(n-i) / float64(i+1) / float64(n)
	}
	return p * math.Pow(1-1/float64(n), float64(n-k))
}

// TestMutateLaw: the number of genes that Mutate changes is binomial with a mean of
// 1, but one instead of none; which ones, and to what, is uniform.
func TestMutateLaw(t *testing.T) {
	const draws = 200000
	for _, stages := range []int{1, 5, 20} {
		s, r := flatSpace(t, stages), newRand(uint64(stages))
		n := len(s.genes)
		if n != 4*stages {
			t.Fatalf("%d genes, want %d", n, 4*stages)
		}
		g := s.Sample(r)
		const most = 5 // counts from here on are one class
		number, position, pairs := make([]float64, most), make([]float64, n), make([]float64, n)
		up, two := 0.0, 0.0
		for range draws {
			m := s.Mutate(g, r)
			var at []int
			for i := range g {
				if m[i] != g[i] {
					at = append(at, i)
					position[i]++
					if m[i] == (g[i]+1)%3 {
						up++
					}
				}
			}
			if len(at) == 0 {
				t.Fatal("nothing changed")
			}
			number[min(len(at), most)-1]++
			if len(at) == 2 { // by how far apart
				pairs[at[1]-at[0]]++
				two++
			}
		}
		want := make([]float64, most)
		for k := range n + 1 {
			want[min(max(k, 1), most)-1] += draws * binomial(n, k)
		}
		for len(want) > 2 && want[len(want)-1] < 20 {
			k := len(want) - 1
			want[k-1], number[k-1] = want[k-1]+want[k], number[k-1]+number[k]
			want, number = want[:k], number[:k]
		}
		chiSquare(t, "number of changes", number, want)
		changes := 0.0
		for _, c := range position {
			changes += c
		}
		chiSquare(t, "positions", position, slices.Repeat([]float64{changes / float64(n)}, n))
		// n-d of the n(n-1)/2 pairs are d apart.
		want = nil
		for d := 1; d < n; d++ {
			want = append(want, two*float64(n-d)/(float64(n)*float64(n-1)/2))
		}
		chiSquare(t, "distance of two changes", pairs[1:], want)
		chiSquare(t, "values", []float64{up, changes - up}, []float64{changes / 2, changes / 2})
	}
}

// TestMutateDepth: one gene in count changes where others are absent, and those that
// come to life are uniform.
func TestMutateDepth(t *testing.T) {
	s, err := New(Spec{Input: []int{32, 32, 3}, Classes: 2, Stage: []StageSpec{
		{Channels: Ints{16}, Depth: Ints{1, 2}, Kernel: Kernels{3, 5, 7}, Expansion: Floats{2, 3}}}})
	if err != nil {
		t.Fatal(err)
	}
	// Genes: depth, kernel and expansion of block 1, of block 2. Three are live: with
	// a probability of 1/3 each, or one of them for certain where none changed.
	const draws, p = 100000, 1./3 + 8./27/3
	r := newRand(1)
	g := Genes{0, 1, 1, 0, 0}
	deeper, changed, fresh := 0.0, [2]float64{}, make([]float64, 6)
	for range draws {
		m := s.Mutate(g, r)
		for k := range changed {
			if m[1+k] != g[1+k] {
				changed[k]++
			}
		}
		if m[0] == 1 {
			deeper++
			fresh[2*m[3]+m[4]]++
		} else if m[3] != 0 || m[4] != 0 {
			t.Fatalf("%v has genes of an absent block", m)
		}
	}
	chiSquare(t, "depth", []float64{deeper, draws - deeper}, []float64{draws * p, draws * (1 - p)})
	for _, c := range changed {
		chiSquare(t, "gene of block 1", []float64{c, draws - c}, []float64{draws * p, draws * (1 - p)})
	}
	chiSquare(t, "genes that come to life", fresh, slices.Repeat([]float64{deeper / 6}, 6))
}

// TestBlockCacheForgets: the results are the same if every block evicts another one from the
// cache.
func TestBlockCacheForgets(t *testing.T) {
	s := mobileSpace(t)
	small := mobileSpace(t)
	small.built = newBlockCache(0)
	r := newRand(5)
	for range 200 {
		g := s.Sample(r)
		text, _ := s.Describe(g)
		if again, _ := small.Describe(g); again != text {
			t.Fatalf("described as\n%s\nwith a small cache, want\n%s", again, text)
		}
		h := s.Mutate(g, r)
		for i := range h {
			h[i] = uint16(r.IntN(len(s.genes[i].Choices)))
		}
		if a, b := small.Canonical(h), s.Canonical(h); !slices.Equal(a, b) {
			t.Fatalf("canonical form %v with a small cache, want %v", a, b)
		}
	}
}

// Strides that an output stride turns into dilations multiply up without a bound until a
// network is built. The cache must tell blocks at different ones apart.
func TestBlockCacheOfAnyDilation(t *testing.T) {
	spec := Spec{Input: []int{64, 64, 3}, Classes: 2, OutputStride: Ints{2, 1024}}
	for range 13 {
		spec.Stage = append(spec.Stage, StageSpec{Block: Strings{"skip", "conv"}, Channels: Ints{8}, Stride: Ints{8},
			Kernel: Kernels{3, 5}})
	}
	s, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	r := newRand(6)
	for range 500 {
		g := s.Sample(r)
		if text, _ := s.Describe(g); text != s.Arch(g).String() {
			t.Fatalf("described as\n%s\nwant\n%s", text, s.Arch(g))
		}
	}
}
