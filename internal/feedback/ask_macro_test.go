package feedback

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/accuracy/benchmark"
	"nas/accuracy/judge"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
	"nas/space"
)

var (
	fewHalf  = flag.String("few", "", "judge ten trained networks on this half of NAS-Bench-Macro: held-out, development")
	fewDraws = flag.Int("few-draws", 20, "draws of TestTenTrained")
)

// TestTenTrained trains ten networks of NAS-Bench-Macro and ranks all others by what
// was learned. A draw stands for a run: half of the networks at random, of which
// the ten are chosen as nas ask does, by the training-free score and MACs. For
// comparison, ten are drawn at random. A minute or two.
func TestTenTrained(t *testing.T) {
	if *fewHalf == "" {
		t.Skip("only with -few")
	}
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	o := judge.Options{Split: benchmark.Split(*fewHalf), Trained: []int{10}, Draws: *fewDraws}
	fewShot := func(how string) judge.FewShotReport {
		r, err := judge.FewShot(t.Context(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		f := r[0]
		t.Logf("ten networks %s: mean regret %.3f points, that of the training-free score %.3f; "+
			"lower in %d of %d draws (tau %.3f, %.3f)",
			how, f.RegretMean, f.PriorRegret, f.Below, f.Draws, f.KendallTau, f.PriorTau)
		return f
	}
	fewShot("at random")
	o.Choose = askMacro
	if f := fewShot("by asking"); 10*f.Below < 9*f.Draws {
		t.Errorf("ten networks that were asked for lower the regret in %d of %d draws only", f.Below, f.Draws)
	}
}

// askMacro chooses as [Ask] does.
func askMacro(rows []stat.Judged, n, draw int) []int {
	of := rand.New(rand.NewPCG(uint64(draw), 9)).Perm(len(rows))[:len(rows)/2]
	points := make([][]float64, len(of))
	for i, k := range of {
		points[i] = []float64{float64(rows[k].MACs), -rows[k].Score}
	}
	ranks, _ := search.Sort(points, make([]float64, len(points)))
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return ranks[a] - ranks[b] })
	order = order[:min(results.MaxCandidates, len(order))]
	contenders := results.NewContenders([]search.Objective{
		{Name: runstore.KeyMACs}, {Name: runstore.KeyAccuracy, Direction: search.Maximize},
	})
	genes, live := make([]space.Genes, len(order)), make([][]bool, len(order))
	for i, k := range order {
		row := rows[of[k]]
		contenders.Add(&search.Trial{ID: i, Result: search.Result{Objectives: map[string]float64{
			runstore.KeyMACs: float64(row.MACs), runstore.KeyAccuracy: row.Score,
		}}})
		for _, d := range row.ID {
			genes[i] = append(genes[i], uint16(d-'0'))
			live[i] = append(live[i], d != '0')
		}
	}
	contenders.AssumeError(runstore.KeyAccuracy, assumedError)
	onFront := contenders.FrontProbabilities()
	u := unknown{covarianceOf(genes, live), make([]float64, len(order)), make([]bool, len(order))}
	for i := range u.weights {
		u.weights[i] = onFront[i]
	}
	var chosen []int
	for _, x := range u.choose(n) {
		chosen = append(chosen, of[order[x.index]])
	}
	return chosen
}
