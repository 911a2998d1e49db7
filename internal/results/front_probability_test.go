package results

import (
	"math"
	"testing"

	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
)

func uncertainTrial(id int, ms, msHalf, acc, accHalf float64) search.Trial {
	t := search.Trial{ID: id, Result: search.Result{
		Objectives: map[string]float64{runstore.KeyLatency: ms, runstore.KeyAccuracy: acc}, Parts: map[string]float64{}}}
	if msHalf > 0 {
		v := runstore.Value{Mid: ms, Low: ms * math.Exp(-msHalf), High: ms * math.Exp(msHalf)}
		runstore.FieldOf(runstore.KeyLatency).Set(&t.Result, v, true)
	}
	if accHalf > 0 {
		v := runstore.Value{Mid: acc, Low: acc - accHalf, High: acc + accHalf}
		runstore.FieldOf(runstore.KeyAccuracy).Set(&t.Result, v, true)
	}
	return t
}

// sharing sets how much of the accuracy's error is the trial's own.
func sharing(t search.Trial, sd float64) search.Trial {
	f := runstore.FieldOf(runstore.KeyAccuracy)
	v := f.Of(&t.Result)
	v.BetweenSD = sd
	f.Set(&t.Result, v, true)
	return t
}

func contendersOf(objectives []search.Objective, trials []search.Trial) *Contenders {
	c := NewContenders(objectives)
	for i := range trials {
		c.Add(&trials[i])
	}
	return c
}

// TestFrontProbabilities holds the sampled probabilities against closed forms.
func TestFrontProbabilities(t *testing.T) {
	phi := func(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }
	for _, c := range []struct {
		name   string
		trials []search.Trial
		want   map[int]float64
	}{
		{"certain values", []search.Trial{uncertainTrial(0, 10, 0, 70, 0), uncertainTrial(1, 11, 0, 69, 0)},
			map[int]float64{0: 1, 1: 0}},
		{"equal networks", []search.Trial{uncertainTrial(0, 10, 0, 70, 0), uncertainTrial(1, 10, 0, 70, 0)},
			map[int]float64{0: 1, 1: 1}},
		// Same latency, accuracy 70 +- 3 against 69 certain: the first loses only
		// when it draws below 69.
		{"one axis", []search.Trial{uncertainTrial(0, 10, 0, 70, 3), uncertainTrial(1, 10, 0, 69, 0)},
			map[int]float64{0: phi(1 / (3 / stat.Half90)), 1: 1 - phi(1/(3/stat.Half90))}},
		// Twins: either dominates the other in a quarter of the draws.
		{"both axes", []search.Trial{uncertainTrial(0, 10, 0.1, 70, 3), uncertainTrial(1, 10, 0.1, 70, 3)},
			map[int]float64{0: 0.75, 1: 0.75}},
		// Twins whose errors are mostly shared: accuracy 70 against 69.
		{"shared errors", []search.Trial{sharing(uncertainTrial(0, 10, 0, 70, 3), 0.5),
			sharing(uncertainTrial(1, 10, 0, 69, 3), 0.5)},
			map[int]float64{0: phi(1 / (0.5 * math.Sqrt2)), 1: 1 - phi(1/(0.5*math.Sqrt2))}},
		{"far apart", []search.Trial{uncertainTrial(0, 10, 0.1, 70, 3), uncertainTrial(1, 30, 0.1, 40, 3)},
			map[int]float64{0: 1, 1: 0}},
	} {
		got := contendersOf(latencyAndAccuracy, c.trials).FrontProbabilities()
		for id, want := range c.want {
			if math.Abs(got[id]-want) > 0.05 {
				t.Errorf("%s: trial %d is on the front with probability %v, want %v", c.name, id, got[id], want)
			}
		}
		again := contendersOf(latencyAndAccuracy, c.trials).FrontProbabilities()
		for id := range got {
			if again[id] != got[id] {
				t.Errorf("%s: another probability for the same trials", c.name)
			}
		}
	}
	failed := uncertainTrial(0, 1, 0, 99, 0)
	failed.Failed = "no"
	trials := []search.Trial{failed, uncertainTrial(1, 10, 0, 70, 0)}
	if got := contendersOf(latencyAndAccuracy, trials).FrontProbabilities(); got[1] != 1 {
		t.Errorf("a failed trial takes a place: %v", got)
	}
}

// TestCountFrontMany compares the two ways of finding a front.
func TestCountFrontMany(t *testing.T) {
	three := []search.Objective{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	trial := func(id int, v ...float64) search.Trial {
		return search.Trial{ID: id, Result: search.Result{Objectives: map[string]float64{"a": v[0], "b": v[1], "c": v[2]}}}
	}
	got := contendersOf(three, []search.Trial{trial(0, 1, 2, 3), trial(1, 1, 2, 3), trial(2, 1, 2, 4),
		trial(3, 2, 1, 9), trial(4, 2, 2, 9)}).FrontProbabilities()
	for id, want := range map[int]float64{0: 1, 1: 1, 2: 0, 3: 1, 4: 0} {
		if got[id] != want {
			t.Errorf("trial %d: %v, want %v", id, got[id], want)
		}
	}
}
