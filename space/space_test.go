package space

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// subset draws up to n of the values, in random order.
func subset[T any](r *rand.Rand, n int, values ...T) []T {
	values = slices.Clone(values)
	r.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return values[:1+r.IntN(min(n, len(values)))]
}

// randomSpec draws a small space that mixes everything a Spec can say, with
// small numbers, so that rounding makes choices coincide.
func randomSpec(r *rand.Rand) Spec {
	s := Spec{Input: []int{32, 64, 3}, Classes: 1 + r.IntN(9),
		Resolution: subset(r, 2, 32, 64), Width: subset(r, 3, 0.25, 0.3, 0.5, 1, 1.25),
		Stem: StemSpec{Channels: subset(r, 2, 16, 24), Activation: subset(r, 2, "relu", "hswish")}}
	s.Divisor = []int{0, 0, 4, 12}[r.IntN(4)]
	limited := r.IntN(3) == 0
	if limited {
		s.OutputStride = subset(r, 2, 2, 4, 8, 0)
	}
	if r.IntN(4) == 0 {
		s.Stem.Channels = Ints{0}
	}
	for range 1 + r.IntN(3) {
		st := StageSpec{Channels: subset(r, 2, 16, 20, 24), Stride: subset(r, 2, 1, 2), Depth: subset(r, 2, 1, 2, 3)}
		if limited {
			st.Stride = st.Stride[:1]
		}
		if r.IntN(3) == 0 {
			st.Per = "stage"
		}
		if r.IntN(3) == 0 {
			st.Choice = subset(r, 3, ChoiceSpec{Block: Strings{"skip"}},
				ChoiceSpec{Block: Strings{"conv"}, Kernel: Kernels{1}, Activation: Strings{"identity"}},
				ChoiceSpec{Block: Strings{"mbconv"}, Expansion: Floats{1}},
				ChoiceSpec{Block: Strings{"ds"}, ActivationAfter: Strings{"depthwise"}, Residual: Bools{true}},
				ChoiceSpec{Block: Strings{"fused"}, Expansion: Floats{1}},
				ChoiceSpec{Block: Strings{"conv"}, Residual: Bools{true}})
			s.Stage = append(s.Stage, st)
			continue
		}
		st.Block = subset(r, 3, "ds", "mbconv", "fused", "conv", "skip", "grouped", "xception", "uib", "bottleneck")
		has := func(g blockGene) bool {
			return slices.ContainsFunc(st.Block, func(b string) bool { return Kind(slices.Index(kindWords, b)).has(g) })
		}
		if has(gKernel) {
			st.Kernel = subset[KernelSize](r, 2, 1, 2, 3, 5, Rectangle(1, 3), Rectangle(4, 2))
			st.Activation = subset(r, 2, "identity", "relu", "swish")
			if slices.Contains(st.Block, "bottleneck") {
				st.Activation = subset(r, 2, "relu", "swish")
			}
			if r.IntN(2) == 0 {
				st.Dilation = subset(r, 2, 1, 2)
			}
		}
		randomUniversal(r, &st)
		if has(gExpansion) {
			st.Expansion = subset(r, 3, 1, 1.05, 2, 3)
		}
		if has(gAfter) && r.IntN(2) == 0 {
			st.ActivationAfter = subset(r, 2, "both", "depthwise", "pointwise")
		}
		if has(gGroups) {
			st.Groups = subset(r, 2, 2, 4, 1)
			st.Channels = subset(r, 2, 16, 24)
			if len(s.Stage) == 0 && s.Stem.Channels[0] == 0 {
				st.Groups = Ints{1}
			}
		}
		if has(gSE) && r.IntN(2) == 0 {
			st.SE = subset(r, 3, 0, 0.1, 0.2, 0.25)
			st.SEFrom = subset(r, 1, "input", "expanded")[0]
		}
		if has(gAttention) && r.IntN(3) == 0 {
			st.Attention = subset(r, 3, "none", "se", "eca", "cbam")
		}
		if has(gExperts) {
			randomExperts(r, &st)
		}
		randomRest(r, &st, has)
		s.Stage = append(s.Stage, st)
	}
	s.Head.Channels = subset(r, 2, 0, 16, 24, 32)
	s.Head.Hidden = subset(r, 2, 0, 16)
	s.Head.Activation = subset(r, 2, "relu", "relu6")
	s.Head.Scale = subset(r, 1, "always", "up", "never")[0]
	return s
}

// randomRest draws the genes that few kinds have.
func randomRest(r *rand.Rand, st *StageSpec, has func(blockGene) bool) {
	if has(gMultiplier) && r.IntN(3) == 0 {
		st.Multiplier = subset(r, 2, 1, 2)
	}
	if has(gResidual) && r.IntN(2) == 0 {
		st.Residual = subset(r, 2, true, false)
	}
}

// randomExperts draws those of mixed convolutions.
func randomExperts(r *rand.Rand, st *StageSpec) {
	if r.IntN(3) == 0 {
		st.Experts = subset(r, 2, 1, 2, 4)
		st.ExpertsIn = subset(r, 1, "depthwise", "pointwise", "both")[0]
	}
}

// randomUniversal draws the genes of uib blocks.
func randomUniversal(r *rand.Rand, st *StageSpec) {
	if slices.Contains(st.Block, "uib") {
		st.KernelBefore = subset(r, 2, 0, 1, 3, 4)
		if !slices.ContainsFunc(st.Block, func(b string) bool { return b != "uib" && b != "skip" }) {
			st.Kernel = subset[KernelSize](r, 3, 0, 1, 3, Rectangle(3, 1))
		}
	}
}

// raw counts the genotypes, dead genes included.
func raw(s *Space) float64 {
	n := 1.0
	for _, g := range s.Genes() {
		n *= float64(len(g.Choices))
	}
	return n
}

// TestCanonicalBruteForce lists every genotype of many small random spaces:
// two genotypes have one canonical form exactly if they have one arch, and Size
// and All agree with the list.
func TestCanonicalBruteForce(t *testing.T) {
	r := newRand(1)
	tested, genotypes := 0, 0
	for i := 0; tested < 300; i++ {
		spec := randomSpec(r)
		s, err := New(spec)
		if err != nil {
			t.Fatalf("spec %d: %v", i, err)
		}
		if raw(s) > 20000 {
			continue
		}
		tested++
		forms := map[string]string{} // arch to canonical form
		g := make(Genes, len(s.Genes()))
		for done := false; !done; {
			genotypes++
			c := s.Canonical(g)
			arch := s.Arch(g).String()
			if form, ok := forms[arch]; ok && form != fmt.Sprint(c) {
				t.Fatalf("spec %d %+v:\n%s\nhas canonical forms %s and %v", i, spec, arch, form, c)
			}
			forms[arch] = fmt.Sprint(c)
			if back := s.Arch(c).String(); back != arch {
				t.Fatalf("spec %d %+v: %v: canonical %v changes\n%s to\n%s", i, spec, g, c, arch, back)
			}
			done = true
			for k := range g {
				if g[k]++; int(g[k]) < len(s.Genes()[k].Choices) {
					done = false
					break
				}
				g[k] = 0
			}
		}
		if got := s.Size(); got.Int64() != int64(len(forms)) {
			t.Fatalf("spec %d %+v: size %v, want %d", i, spec, got, len(forms))
		}
		var last Genes
		n := 0
		for g := range s.All() {
			if n++; last != nil && slices.Compare(last, g) >= 0 {
				t.Fatalf("spec %d: All yields %v after %v", i, g, last)
			}
			last = g
		}
		if n != len(forms) {
			t.Fatalf("spec %d %+v: All yields %d, want %d", i, spec, n, len(forms))
		}
	}
	t.Logf("%d genotypes", genotypes)
}

// TestOperators draws from random spaces: everything that comes out is
// canonical, in range, lowers, and reads back.
func TestOperators(t *testing.T) {
	r := newRand(2)
	for i := range 150 {
		spec := randomSpec(r)
		s, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		single := s.Size().Int64() == 1
		check := func(what string, g Genes) {
			t.Helper()
			if err := s.Check(g); err != nil {
				t.Fatalf("spec %d: %s: %v", i, what, err)
			}
			if c := s.Canonical(g); !slices.Equal(c, g) {
				t.Fatalf("spec %d: %s: %v is not canonical: %v", i, what, g, c)
			}
			a := s.Arch(g)
			n, err := a.Network()
			if err != nil {
				t.Fatalf("spec %d: %s: %v\n%v", i, what, err, a)
			}
			if back, err := FromNetwork(n); recoverable(a) && (err != nil || back.String() != a.String()) {
				t.Fatalf("spec %d: %s: %v: read off the network of\n%v:\n%v", i, what, err, a, back)
			}
			if text, id := s.Describe(g); text != a.String() || id != a.ID() {
				t.Fatalf("spec %d: %s: described as %s\n%s\nwant %s\n%v", i, what, id, text, a.ID(), a)
			}
			b, err := Parse(a.String())
			if err != nil || b.String() != a.String() || b.ID() != a.ID() {
				t.Fatalf("spec %d: %s: parsed %v, %v\nfrom %v", i, what, b, err, a)
			}
			if near := s.Nearest(b); !slices.Equal(near, g) {
				t.Fatalf("spec %d %+v: nearest of\n%v is\n%v\n%v, want %v", i, spec, a, s.Arch(near), near, g)
			}
		}
		a := s.Sample(r)
		check("sample", a)
		for range 20 {
			b := s.Mutate(a, r)
			check("mutant", b)
			if slices.Equal(a, b) != single {
				t.Fatalf("spec %d: mutant of %v is %v in a space of %v", i, a, b, s.Size())
			}
			c := s.Sample(r)
			check("sample", c)
			a = s.Crossover(b, c, r)
			check("child", a)
			if d := s.Crossover(a, a, r); !slices.Equal(a, d) {
				t.Fatalf("spec %d: child of %v and itself is %v", i, a, d)
			}
		}
	}
}

// recoverable reports whether a can be read off its network: all but Xception's
// blocks, and stages at the end that are empty.
func recoverable(a Arch) bool {
	last := a.Stages[len(a.Stages)-1]
	return len(last) > 0 && !slices.ContainsFunc(slices.Concat(a.Stages...),
		func(b Block) bool { return b.Kind == Xception })
}

// TestSampleUniform checks the law of Sample on a stage whose depth decides
// which genes live.
func TestSampleUniform(t *testing.T) {
	s, err := New(Spec{Input: []int{32, 32, 3}, Classes: 2, Stage: []StageSpec{
		{Channels: Ints{16}, Depth: Ints{1, 2}, Kernel: Kernels{3, 5}}}})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	r := newRand(3)
	const n = 40000
	for range n {
		counts[fmt.Sprint(s.Sample(r))]++
	}
	want := map[string]float64{
		"[0 0 0]": 1. / 4, "[0 1 0]": 1. / 4,
		"[1 0 0]": 1. / 8, "[1 0 1]": 1. / 8, "[1 1 0]": 1. / 8, "[1 1 1]": 1. / 8,
	}
	if len(counts) != len(want) {
		t.Errorf("%d genotypes, want %d: %v", len(counts), len(want), counts)
	}
	for g, p := range want {
		// Five standard deviations of a binomial are below 0.011.
		if got := float64(counts[g]) / n; got < p-0.011 || got > p+0.011 {
			t.Errorf("%s drawn with frequency %.4f, want %.4f", g, got, p)
		}
	}
}

// TestReproducible: the same seed gives the same genotypes.
func TestReproducible(t *testing.T) {
	s, err := New(macro())
	if err != nil {
		t.Fatal(err)
	}
	run := func() (all []Genes) {
		r := newRand(7)
		a, b := s.Sample(r), s.Sample(r)
		for range 50 {
			a, b = s.Mutate(b, r), s.Crossover(a, b, r)
			all = append(all, a, b)
		}
		return all
	}
	if a, b := fmt.Sprint(run()), fmt.Sprint(run()); a != b {
		t.Errorf("two runs of one seed differ:\n%s\n%s", a, b)
	}
}

// TestCanonicaliseStages compares the short way of Mutate with the whole one.
func TestCanonicaliseStages(t *testing.T) {
	r := newRand(4)
	short := 0
	for range 300 {
		s, err := New(randomSpec(r))
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			near := s.Sample(r)
			live := s.Live(near, nil)
			g := slices.Clone(near)
			var numbers []int
			for i, p := range s.effects {
				if !p.inside || live[i] && r.IntN(6) > 0 {
					continue // as it was, or not alive before either
				}
				g[i] = uint16(r.IntN(len(s.genes[i].Choices)))
				if n := len(numbers); n == 0 || numbers[n-1] != p.stage {
					numbers = append(numbers, p.stage)
				}
			}
			short += len(numbers)
			out := slices.Clone(g)
			if s.canonicaliseStages(out, numbers); !slices.Equal(out, s.Canonical(g)) {
				t.Fatalf("%+v: near %v, stages %v changed to %v: %v, want %v", s.spec, near, numbers, g, out, s.Canonical(g))
			}
		}
	}
	if short == 0 {
		t.Error("no stage was changed")
	}
}
