package rungs

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"nas/accuracy/training"
	"nas/search"
	"nas/space"
)

// replayedTable is a [training.Trainer] that looks up what was recorded.
type replayedTable struct {
	*recordedTable
	rungs []int // indices into recordedEpochs
}

// loadReplayed reads the table. Its rows are of machines of different speed: all seconds are those of the second one.
func loadReplayed(t *testing.T) *replayedTable {
	t.Helper()
	table := loadRecorded(t)
	seconds, work := map[string]float64{}, map[string]float64{} // by machine
	for _, row := range table.rows {
		seconds[row.machine] += row.seconds[len(row.seconds)-1]
		work[row.machine] += row.macs
	}
	for _, row := range table.rows {
		k := row.machine
		for i := range row.seconds {
			row.seconds[i] *= seconds["2"] / work["2"] * work[k] / seconds[k]
		}
	}
	return &replayedTable{recordedTable: table}
}

func (r *replayedTable) Train(_ context.Context, j training.Job) (training.Outcome, error) {
	row, ok := r.rows[j.ArchID]
	if !ok {
		return training.Outcome{}, errors.New("not recorded")
	}
	return training.Outcome{Accuracy: row.accuracy[r.rungs[j.Rung]]}, nil
}

// replayed is how the hypervolume of a replayed run grew: after so many CPU seconds of training, it was that.
type replayed struct {
	seconds, volume    []float64
	networks, finished int
}

// at is the hypervolume after so many seconds of training.
func (r *replayed) at(seconds float64) (volume float64) {
	for i, s := range r.seconds {
		if s <= seconds {
			volume = r.volume[i]
		}
	}
	return volume
}

// when is the time at which a hypervolume was reached; +Inf if it was not.
func (r *replayed) when(volume float64) float64 {
	for i, v := range r.volume {
		if v >= volume {
			return r.seconds[i]
		}
	}
	return math.Inf(1)
}

// counts returns the MACs of all networks by arch id, their arch ids by genes, and the most MACs.
func (r *replayedTable) counts(t *testing.T) (known map[string]float64, ids map[string]string, most float64) {
	known, ids = map[string]float64{}, map[string]string{}
	for g := range r.space.All() {
		a := r.space.Arch(g)
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		known[a.ID()] = float64(n.Counts().MACs)
		ids[string(genesKey(g))] = a.ID()
		most = max(most, known[a.ID()])
	}
	return known, ids, most
}

// replay searches the table with a searcher, a ladder and the scheduler of a real run, until so many seconds of
// training are spent.
func (r *replayedTable) replay(t *testing.T, algorithm string, seed uint64, budget float64) replayed {
	t.Helper()
	objectives := []search.Objective{{Name: "macs"}, {Name: "accuracy", Direction: search.Maximize}}
	known, ids, most := r.counts(t)
	spec := training.Spec{Name: "recorded", Unit: "pct", Command: []string{"none"}, Pattern: "(?P<accuracy>.*)", Eta: 3,
		TimeoutS: 1, Slots: []string{"0"}}
	for _, i := range r.rungs {
		spec.Rungs = append(spec.Rungs, recordedEpochs[i])
	}
	recipe, err := training.New(spec, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reference := []float64{most, 10}
	dir := t.TempDir()
	training, err := New(Options{
		Recipe: recipe, Trainer: r, Dir: dir, Log: filepath.Join(dir, "log"), Objectives: objectives, Trained: "accuracy",
		Say: func(string, ...any) {}, Weights: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer training.Close()
	searcher, err := search.New(algorithm, search.Settings{
		Setup: search.Setup{Space: r.space, Objectives: objectives, Seed: seed}, Evaluations: 80,
		Trained: "accuracy", Rungs: spec.Rungs,
		Known: func(g space.Genes) (map[string]float64, float64) {
			id := ids[string(genesKey(g))]
			if _, ok := r.rows[id]; !ok {
				return map[string]float64{"macs": known[id]}, 1
			}
			return map[string]float64{"macs": known[id]}, 0
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	evaluate := search.EvaluatorFunc(func(ctx context.Context, c search.Candidate) (x search.Result, err error) {
		x.Objectives = map[string]float64{"macs": known[c.ArchID]}
		defer func() { training.End(c.ID, &x) }()
		if _, ok := r.rows[c.ArchID]; !ok {
			x.Screened, x.Violation = true, 1
			return x, nil
		}
		return x, training.Score(ctx, Candidate{ID: c.ID, ArchID: c.ArchID, Continues: c.Continues, Until: c.Until}, &x)
	})
	var out replayed
	spent := 0.0
	paid := map[string]float64{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	observe := func(x search.Trial, front *search.Front) {
		if x.Failed != "" {
			t.Error(x.Failed)
		}
		if n := len(x.Rungs); n > 0 {
			s := r.rows[x.ArchID].seconds[r.rungs[n-1]]
			spent += s - paid[x.ArchID]
			if paid[x.ArchID] == 0 {
				out.networks++
			}
			paid[x.ArchID] = s
			if !x.Stopped {
				out.finished++
			}
		}
		out.seconds, out.volume = append(out.seconds, spent), append(out.volume, front.Hypervolume())
		if spent > budget {
			cancel()
		}
	}
	if _, err := search.Run(ctx, searcher, evaluate, nil, objectives, search.Options{
		Workers: 64, Reference: reference, Observe: observe,
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func genesKey(g space.Genes) (key []byte) {
	for _, v := range g {
		key = append(key, byte(v), byte(v>>8))
	}
	return key
}

// whole is the hypervolume of all recorded networks.
func (r *replayedTable) whole(t *testing.T) float64 {
	r.rungs = []int{2}
	out := r.replay(t, "random", 1, math.Inf(1))
	return out.volume[len(out.volume)-1]
}

// A search that decides how far it trains finds more, for the same seconds of training, than random sampling and
// NSGA-II that train every network to the end. The aim is more in each of five runs and, after a third of the time, as
// much as they have at the end; the log says how far that is reached. The method was chosen with seeds 11 to 20.
func TestReplay(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty searches are replayed")
	}
	table := loadReplayed(t)
	mean := 0.0
	for _, row := range table.rows {
		mean += row.seconds[2] / float64(len(table.rows))
	}
	const trainings, seeds = 32, 5
	budget := trainings * mean // a sixth of all that was recorded
	all := table.whole(t) / 100
	var sum struct{ random, nsga2, third, ours float64 }
	higher, early := 0, 0
	t.Logf("hypervolume in %% of that of all %d networks, after %.0f CPU seconds, as for %d networks", len(table.rows),
		budget, trainings)
	for seed := range uint64(seeds) {
		table.rungs = []int{2}
		random := table.replay(t, "random", seed+1, budget)
		nsga2 := table.replay(t, "nsga2", seed+1, budget)
		table.rungs = []int{0, 1, 2}
		ours := table.replay(t, "surrogate_nsga2", seed+1, budget)
		best := max(random.at(budget), nsga2.at(budget))
		t.Logf("seed %d: random %.2f, NSGA-II %.2f; with rungs %.2f, after a third of the time %.2f; the better of the two "+
			"others is reached after %.2f of the time; %d networks trained, %d to the end", seed+1, random.at(budget)/all,
			nsga2.at(budget)/all, ours.at(budget)/all, ours.at(budget/3)/all, ours.when(best)/budget, ours.networks,
			ours.finished)
		sum.random += random.at(budget) / all / seeds
		sum.nsga2 += nsga2.at(budget) / all / seeds
		sum.third += ours.at(budget/3) / all / seeds
		sum.ours += ours.at(budget) / all / seeds
		if ours.at(budget) > best {
			higher++
		}
		if ours.when(best) <= budget/3 {
			early++
		}
	}
	t.Logf("mean: random %.2f, NSGA-II %.2f; with rungs %.2f, after a third %.2f", sum.random, sum.nsga2, sum.ours,
		sum.third)
	t.Logf("higher in %d of %d, the aim is all; as high after a third of the time in %d of %d, the aim is all", higher,
		seeds, early, seeds)
	if sum.ours <= sum.random || sum.ours <= sum.nsga2 {
		t.Error("the hypervolume is not higher on the average")
	}
}
