package search_test

import (
	"context"
	"encoding/csv"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"nas/accuracy"
	"nas/accuracy/benchmark"
	"nas/blocks"
	"nas/search"
	"nas/space"
)

var writeScores = flag.Bool("write-scores", false,
	"score the networks of NAS-Bench-Macro anew and write testdata/macro_scores.csv")

// macroScores are the training-free scores of which testdata/macro_scores.csv has a
// column each.
var macroScores = []string{"rankmean(naswot,depth)", "rankmean(naswot_sqrt,naswot_even,naswot_spread,profile)"}

// TestWriteScores makes testdata/macro_scores.csv: a few minutes.
func TestWriteScores(t *testing.T) {
	if !*writeScores {
		t.Skip("only with -write-scores")
	}
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	nets := make([]*blocks.Network, len(b.Rows))
	for i := range nets {
		nets[i] = b.Rows[i].Network
	}
	reference := make([]*blocks.Network, accuracy.ReferenceSize)
	for i, k := range rand.New(rand.NewPCG(0, 0)).Perm(len(nets))[:len(reference)] {
		reference[i] = nets[k]
	}
	lines := [][]string{append([]string{"canonical"}, macroScores...)}
	for i := range b.Rows {
		lines = append(lines, []string{b.Rows[i].ID})
	}
	for _, name := range macroScores {
		e, err := accuracy.New(name, accuracy.Options{Reference: reference})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := accuracy.ScoreAll(context.Background(), e, nets, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range accuracy.Values(scores) {
			lines[i+1] = append(lines[i+1], strconv.FormatFloat(v, 'g', 6, 64))
		}
	}
	f, err := os.Create("testdata/macro_scores.csv")
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	w.WriteAll(lines)
	if err := w.Error(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// proxied is the table searched by a training-free score instead of its accuracy.
type proxied struct {
	*macro
	score map[string]float64
}

func (p *proxied) Evaluate(ctx context.Context, c search.Candidate) (search.Result, error) {
	r, err := p.macro.Evaluate(ctx, c)
	if err == nil && !r.Screened {
		r.Objectives["top1"] = p.score[p.digits(c.Genes)]
	}
	return r, err
}

func (m *macro) digits(g space.Genes) string {
	text := make([]byte, len(g))
	for i, v := range g {
		text[i] = '0' + byte(v)
	}
	return string(text)
}

func loadScores(tb testing.TB, m *macro) []*proxied {
	f, err := os.Open("testdata/macro_scores.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]*proxied, len(macroScores))
	for k := range out {
		out[k] = &proxied{m, map[string]float64{}}
	}
	for _, l := range lines[1:] {
		for k := range out {
			if out[k].score[l[0]], err = strconv.ParseFloat(l[k+1], 64); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return out
}

// worth searches by the score and returns what the search is really worth: the
// share of the table's hypervolume, of true accuracy and MACs, that the front by
// score holds.
func (p *proxied) worth(tb testing.TB, name string, seed uint64, evaluations int) float64 {
	low := 0.0
	for _, v := range p.score {
		low = min(low, v)
	}
	reference := []float64{p.top, low}
	s, err := search.New(name, search.Settings{
		Setup:       search.Setup{Space: p, Objectives: p.objectives(), Seed: seed, Reference: reference},
		Evaluations: evaluations, Known: p.known,
	})
	if err != nil {
		tb.Fatal(err)
	}
	sum, err := search.Run(context.Background(), s, p, nil, p.objectives(), search.Options{
		Stop: search.Stop{Evaluations: evaluations}, Reference: reference,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var points [][]float64
	for _, t := range sum.Front.Trials() {
		row, _ := p.row(t.Genes)
		points = append(points, []float64{row[1], -row[0]})
	}
	return search.Hypervolume(points, []float64{p.top, -85}) / p.full
}

// TestTruth searches by a training-free score and judges by trained accuracy, with
// the same score and budget for every searcher, pairs of equal seed: what is
// found by the score must be better in truth too.
func TestTruth(t *testing.T) {
	const seeds, evaluations = 20, 100
	for k, p := range loadScores(t, loadMacro(t)) {
		worth := map[string][]float64{}
		for _, name := range []string{"random", "local", "nsga2", "surrogate_nsga2"} {
			for seed := range uint64(seeds) {
				worth[name] = append(worth[name], p.worth(t, name, seed, evaluations))
			}
		}
		best := slices.Clone(worth["surrogate_nsga2"])
		for _, rival := range []string{"random", "local", "nsga2"} {
			wins := 0
			for i, v := range best {
				if v > worth[rival][i] {
					wins++
				}
			}
			t.Logf("%s: surrogate_nsga2 is better than %s in %d of %d: %.2f against %.2f %% in the median",
				macroScores[k], rival, wins, seeds,
				100*median(best), 100*median(worth[rival]))
			if rival != "nsga2" && wins < 18 {
				t.Errorf("%s: surrogate_nsga2 is better than %s in %d of %d only", macroScores[k], rival, wins, seeds)
			}
		}
	}
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
