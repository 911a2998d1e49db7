package search_test

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"iter"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"nas/internal/report"
	"nas/search"
	"nas/space"
)

// macro is the table of NAS-Bench-Macro as a space of eight genes with three
// choices each. Genotypes without a row are infeasible at no cost.
type macro struct {
	rows map[string][2]float64 // accuracy, MACs
	full float64               // hypervolume of the whole table
	top  float64               // most MACs
}

func loadMacro(tb testing.TB) *macro {
	f, err := os.Open("testdata/nasbench_macro.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	m := &macro{rows: map[string][2]float64{}}
	for _, l := range lines[1:] {
		acc, err1 := strconv.ParseFloat(l[1], 64)
		macs, err2 := strconv.ParseFloat(l[2], 64)
		if err1 != nil || err2 != nil {
			tb.Fatal(l)
		}
		m.rows[l[0]] = [2]float64{acc, macs}
		m.top = max(m.top, macs)
	}
	var points [][]float64
	for _, r := range m.rows {
		points = append(points, []float64{r[1], -r[0]})
	}
	m.full = search.Hypervolume(points, []float64{m.top, -85})
	return m
}

func (m *macro) objectives() []search.Objective {
	return []search.Objective{{Name: "macs"}, {Name: "top1", Unit: "%", Direction: search.Maximize}}
}

func (m *macro) reference() []float64 { return []float64{m.top, 85} }

func (m *macro) Size() *big.Int { return big.NewInt(9 * 21 * 21) }

func (m *macro) Sample(r *rand.Rand) space.Genes {
	g := make(space.Genes, 8)
	for i := range g {
		g[i] = uint16(r.IntN(3))
	}
	return m.Canonical(g)
}

func (m *macro) Mutate(g space.Genes, r *rand.Rand) space.Genes {
	out := slices.Clone(g)
	for {
		for i := range out {
			if r.IntN(len(out)) == 0 {
				out[i] = (out[i] + 1 + uint16(r.IntN(2))) % 3
			}
		}
		if c := m.Canonical(out); !slices.Equal(c, g) {
			return c
		}
	}
}

func (m *macro) Crossover(a, b space.Genes, r *rand.Rand) space.Genes {
	out := slices.Clone(a)
	for i := range out {
		if r.IntN(2) == 0 {
			out[i] = b[i]
		}
	}
	return m.Canonical(out)
}

// Canonical moves identities to the end of their stage; a stage's first layer
// changes the shape and stays.
func (m *macro) Canonical(g space.Genes) space.Genes {
	out := make(space.Genes, 8)
	at := 0
	for _, n := range []int{2, 3, 3} {
		out[at] = g[at]
		k := at + 1
		for i := at + 1; i < at+n; i++ {
			if g[i] != 0 {
				out[k] = g[i]
				k++
			}
		}
		at += n
	}
	return out
}

func (m *macro) All() iter.Seq[space.Genes] {
	return func(yield func(space.Genes) bool) {
		for n := range 6561 {
			g := make(space.Genes, 8)
			for i := range g {
				g[i] = uint16(n % 3)
				n /= 3
			}
			if slices.Equal(g, m.Canonical(g)) && !yield(g) {
				return
			}
		}
	}
}

func (m *macro) Encode(g space.Genes) []float64 {
	x := make([]float64, 16)
	for i, v := range g {
		if v > 0 {
			x[2*i+int(v)-1] = 1
		}
	}
	return x
}

func (m *macro) row(g space.Genes) (row [2]float64, ok bool) {
	text := make([]byte, 8)
	for i, v := range g {
		text[i] = '0' + byte(v)
	}
	row, ok = m.rows[string(text)]
	return row, ok
}

func (m *macro) Evaluate(_ context.Context, c search.Candidate) (search.Result, error) {
	row, ok := m.row(c.Genes)
	if !ok {
		return search.Result{Violation: 1, Screened: true}, nil
	}
	return search.Result{Objectives: map[string]float64{"top1": row[0], "macs": row[1]}}, nil
}

// curve returns the share of the table's hypervolume after each evaluation.
func (m *macro) curve(tb testing.TB, s search.Searcher, evaluations int) []float64 {
	var out []float64
	_, err := search.Run(context.Background(), s, m, nil, m.objectives(), search.Options{
		Stop: search.Stop{Evaluations: evaluations}, Reference: m.reference(),
		Observe: func(t search.Trial, f *search.Front) {
			if !t.Screened {
				out = append(out, f.Hypervolume()/m.full)
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

var (
	replaySeeds = flag.Int("replay-seeds", 20, "number of seeds of TestMacroReplay")
	replayFirst = flag.Int("replay-first", 0, "first seed of TestMacroReplay")
	replayOut   = flag.String("replay-out", "",
		"directory to which TestMacroReplay draws hypervolume against evaluations, as replay.svg and replay.png")
)

// known is what is cheap to know of a genotype: its MACs, and whether the table
// has it.
func (m *macro) known(g space.Genes) (map[string]float64, float64) {
	row, ok := m.row(g)
	if !ok {
		return nil, 1
	}
	return map[string]float64{"macs": row[1]}, 0
}

// searcher makes a searcher for a budget by its name.
func (m *macro) searcher(tb testing.TB, name string, seed uint64, evaluations int) search.Searcher {
	s, err := search.New(name, search.Settings{
		Setup:       search.Setup{Space: m, Objectives: m.objectives(), Seed: seed, Reference: m.reference()},
		Evaluations: evaluations, Known: m.known,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestMacroReplay searches the table with every searcher. With -v it prints the
// median share of the table's hypervolume over the evaluations.
func TestMacroReplay(t *testing.T) {
	m := loadMacro(t)
	marks := []int{25, 50, 100, 150, 200}
	figure := report.Growth{
		Title:    "NAS-Bench-Macro searched by replay",
		Subtitle: fmt.Sprintf("hypervolume of accuracy and MACs, median of %d seeds", *replaySeeds),
		YLabel:   "share of the table's hypervolume (%)",
	}
	chance := 0.0
	for _, name := range []string{"random", "local", "evolution", "nsga2", "surrogate_nsga2"} {
		began := time.Now()
		var curves [][]float64
		for seed := range *replaySeeds {
			curves = append(curves, m.curve(t, m.searcher(t, name, uint64(*replayFirst+seed), 200), marks[len(marks)-1]))
		}
		took := time.Since(began) / time.Duration(*replaySeeds)
		middle := medianCurve(curves)
		line := fmt.Sprintf("%-15s", name)
		for _, n := range marks {
			line += fmt.Sprintf(" %4d: %.2f", n, 100*middle[n-1])
		}
		last := middle[len(middle)-1]
		if name == "random" {
			chance = last
		} else if last <= chance {
			t.Errorf("%s covers %.4f of the hypervolume, random %.4f", name, last, chance)
		} else if (name == "nsga2" || name == "surrogate_nsga2") && last < 0.98 {
			t.Errorf("%s covers %.4f of the hypervolume after 200 evaluations; want 0.98", name, last)
		}
		// What is searched by where nobody says: random has 99.07 % after 1,000.
		if name == search.Auto(200) && (last < 0.99 || middle[149] < 0.9907) {
			t.Errorf("%s, the default, covers %.4f of the hypervolume after 150 evaluations and %.4f after 200; "+
				"want 0.9907 and 0.99", name, middle[149], last)
		}
		t.Log(line, took)
		q := report.GrowthSeries{Name: name}
		for k, v := range middle {
			q.Points = append(q.Points, report.XY{X: float64(k + 1), Y: 100 * v})
		}
		figure.Series = append(figure.Series, q)
	}
	if *replayOut == "" {
		return
	}
	var curves [][]float64
	for seed := range *replaySeeds {
		curves = append(curves, m.curve(t, m.searcher(t, "random", uint64(*replayFirst+seed), 1000), 1000))
	}
	late := 100 * medianCurve(curves)[999]
	t.Logf("random after 1000 evaluations: %.2f", late)
	figure.Notes = append(figure.Notes, fmt.Sprintf("random has %.2f %% after 1,000 evaluations", late))
	if err := os.MkdirAll(*replayOut, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"replay.svg", "replay.png"} {
		if err := report.Save(filepath.Join(*replayOut, name), figure); err != nil {
			t.Fatal(err)
		}
	}
}

// medianCurve returns the median over curves of equal length, point by point.
func medianCurve(curves [][]float64) []float64 {
	out := make([]float64, len(curves[0]))
	column := make([]float64, len(curves))
	for k := range out {
		for i := range curves {
			column[i] = curves[i][k]
		}
		slices.Sort(column)
		out[k] = (column[(len(column)-1)/2] + column[len(column)/2]) / 2
	}
	return out
}
