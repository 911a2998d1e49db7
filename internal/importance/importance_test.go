package importance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/accuracy/benchmark"
	"nas/internal/config"
	"nas/internal/random"
	"nas/space"
)

func spaceOf(t *testing.T, spec space.Spec) *space.Space {
	t.Helper()
	s, err := space.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// threeStages is a space with genes of the network, of stages and of blocks.
func threeStages(t *testing.T) *space.Space {
	return spaceOf(t, space.Spec{Input: []int{32, 32, 3}, Classes: 10, Width: space.Floats{1, 2},
		Stage: []space.StageSpec{
			{Channels: space.Ints{16}, Kernel: space.Kernels{3, 5}, Expansion: space.Floats{3, 6}},
			{Channels: space.Ints{32}, Depth: space.Ints{1, 2}, Kernel: space.Kernels{3, 5}, Activation: space.Strings{"relu", "hswish"}},
		}})
}

// drawn are n networks of a space with their values.
func drawn(s *space.Space, n int, seed uint64, value func(g space.Genes) float64) (t Trials) {
	r := random.Stream(seed, "samples")
	for range n {
		g := s.Sample(r)
		t.Add(g, value(g))
	}
	return t
}

func (r *Report) gene(name string) Gene {
	return r.Genes[slices.IndexFunc(r.Genes, func(g Gene) bool { return g.Name == name })]
}

func geneIndex(s *space.Space, name string) int {
	return slices.IndexFunc(s.Genes(), func(g space.Gene) bool { return g.Name == name })
}

// TestKnownShares decomposes a function whose shares are known: of three independent genes with two choices, x and
// y have effects of 3 and 1 by themselves, and x and z have one of 2 together.
func TestKnownShares(t *testing.T) {
	s := threeStages(t)
	x, y, z := geneIndex(s, "width"), geneIndex(s, "stage[1].block[1].kernel"), geneIndex(s, "stage[1].block[1].expansion")
	sign := func(g space.Genes, i int) float64 { return 2*float64(g[i]) - 1 }
	trials := drawn(s, 400, 1, func(g space.Genes) float64 { return 3*sign(g, x) + sign(g, y) + 2*sign(g, x)*sign(g, z) })
	r, err := Of(t.Context(), s, trials, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Signs have variance 1, and products of different signs are uncorrelated: 9 + 1 + 4 in all.
	for _, c := range []struct {
		gene         string
		first, total float64
	}{
		{"width", 9. / 14, 13. / 14}, {"stage[1].kernel", 1. / 14, 1. / 14}, {"stage[1].expansion", 0, 4. / 14},
		{"stage[2].kernel", 0, 0}, {"stage[2].depth", 0, 0}, {"stage[2].activation", 0, 0},
	} {
		g := r.gene(c.gene)
		if math.Abs(g.First.Pct-100*c.first) > 3 || math.Abs(g.Total.Pct-100*c.total) > 3 {
			t.Errorf("%s: %+v, want %.3f and %.3f", c.gene, g, c.first, c.total)
		}
		if g.Noise != (c.total == 0) {
			t.Errorf("%s: noise is %v, its total is %v, that of a blank %v", c.gene, g.Noise, g.Total, r.NoisePct)
		}
	}
	p := r.Pairs[0]
	if names := []string{p.A, p.B}; !slices.Contains(names, "width") || !slices.Contains(names, "stage[1].expansion") ||
		math.Abs(p.Share.Pct-400./14) > 3 {
		t.Errorf("the strongest pair is %+v, want width and expansion, %.2f %%", p, 400./14)
	}
	if math.Abs(r.SD-math.Sqrt(14)) > 0.15 || r.Explained < 97 {
		t.Errorf("standard deviation %v, explained %v %%", r.SD, r.Explained)
	}
}

// TestDormant: a gene of a block that half of the networks have counts in that half only.
func TestDormant(t *testing.T) {
	s := threeStages(t)
	depth, k := geneIndex(s, "stage[2].depth"), geneIndex(s, "stage[2].block[2].kernel")
	trials := drawn(s, 400, 2, func(g space.Genes) float64 { return float64(g[depth]) * (2*float64(g[k]) - 1) })
	r, err := Of(t.Context(), s, trials, Options{Each: true})
	if err != nil {
		t.Fatal(err)
	}
	// The value is -1 or 1 in half of the networks and 0 in the others: variance 1/2. The kernel size alone moves
	// the mean from -1/2 to 1/2, variance 1/4; the other 1/4 is depth and kernel size together.
	g, d := r.gene("stage[2].block[2].kernel"), r.gene("stage[2].depth")
	if math.Abs(g.First.Pct-50) > 4 || math.Abs(g.Total.Pct-100) > 4 || math.Abs(g.Live-50) > 6 {
		t.Errorf("kernel size: %+v, want 50 %%, 100 %%, and there in 50 %%", g)
	}
	if math.Abs(d.First.Pct) > 3 || math.Abs(d.Total.Pct-50) > 4 {
		t.Errorf("depth: %+v, want 0 and 50 %%", d)
	}
}

// macroTable is the space of NAS-Bench-Macro with the accuracies of its table, by canonical genotype.
func macroTable(t *testing.T) (s *space.Space, genes []space.Genes, accuracies map[string]float64) {
	t.Helper()
	c, err := config.Load(filepath.Join("..", "..", "configs", "macro.toml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	s, accuracies = spaceOf(t, c.Space), map[string]float64{}
	for _, row := range b.Rows {
		g := make(space.Genes, len(row.ID))
		for i, digit := range row.ID {
			g[i] = uint16(digit - '0')
		}
		if canonical := s.Canonical(g); !slices.Equal(canonical, g) {
			t.Fatalf("%s is not canonical, but %v is", row.ID, canonical)
		}
		genes, accuracies[row.ID] = append(genes, g), row.Truth
	}
	return s, genes, accuracies
}

func digits(g space.Genes) string {
	var b strings.Builder
	for _, v := range g {
		b.WriteByte('0' + byte(v))
	}
	return b.String()
}

// tableOrder orders the genes by the share of the variance that each explains in the whole table: the variance of
// the means of its choices, over all genotypes whose network the table has.
func tableOrder(s *space.Space, accuracies map[string]float64) (order []int, shares []float64) {
	const genes, choices = 8, 3
	var sum, n [genes][choices]float64
	var total, squares, count float64
	for k := range 6561 {
		g := make(space.Genes, genes)
		for i := range g {
			g[i] = uint16(k % choices)
			k /= choices
		}
		y, ok := accuracies[digits(s.Canonical(g))]
		if !ok {
			continue
		}
		total, squares, count = total+y, squares+y*y, count+1
		for i, v := range g {
			sum[i][v] += y
			n[i][v]++
		}
	}
	mean := total / count
	for i := range genes {
		share := 0.0
		for v := range choices {
			share += n[i][v] / count * (sum[i][v]/n[i][v] - mean) * (sum[i][v]/n[i][v] - mean)
		}
		order, shares = append(order, i), append(shares, share/(squares/count-mean*mean))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(shares[b], shares[a]) })
	return order, shares
}

// TestMacro finds the three genes that explain most of the accuracy in the table of NAS-Bench-Macro, in their
// order, from networks that are drawn from it.
func TestMacro(t *testing.T) {
	s, genes, accuracies := macroTable(t)
	order, shares := tableOrder(s, accuracies)
	var want []string
	for _, i := range order[:3] {
		want = append(want, s.Genes()[i].Name)
	}
	t.Logf("the table: %v, shares %.3f", want, shares)
	const seeds, networks = 5, 1200
	right := 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		var trials Trials
		for _, k := range r.Perm(len(genes))[:networks] {
			trials.Add(genes[k], accuracies[digits(genes[k])])
		}
		report, err := Of(t.Context(), s, trials, Options{Each: true, Seed: uint64(seed)})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(report.Genes, func(a, b Gene) int { return cmp.Compare(b.First.Pct, a.First.Pct) })
		var got []string
		for _, g := range report.Genes[:3] {
			got = append(got, g.Name)
		}
		if slices.Equal(got, want) {
			right++
		}
		t.Logf("seed %d: %v; %.1f %.1f %.1f %%; explained %.1f %%, noise %.2f %%", seed, got, report.Genes[0].First,
			report.Genes[1].First, report.Genes[2].First, report.Explained, report.NoisePct)
	}
	if right < seeds {
		t.Errorf("the order is that of the table with %d of %d seeds", right, seeds)
	}
}
