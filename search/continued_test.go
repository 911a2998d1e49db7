package search

import (
	"math/rand/v2"
	"slices"
	"testing"

	"nas/space"
)

// trainDigits runs a searcher that decides how far digits are trained, until the space is exhausted or so many epochs
// are spent. What the genes do not tell of the gain is noise; at the first two of the three rungs the value is a share
// of the right one and of other noise.
func trainDigits(t *testing.T, seed uint64, tells float64, epochs int) (trials []Trial, spent int) {
	t.Helper()
	rungs := []int{1, 3, 9}
	known := func(g space.Genes) (map[string]float64, float64) {
		return map[string]float64{"cost": float64(g[0]) + 1}, 0
	}
	s, err := NewSurrogateNSGA2(
		Setup{Space: digits{}, Objectives: []Objective{{Name: "cost"}, {Name: "gain", Direction: Maximize}}, Seed: seed,
			Reference: []float64{11, 0}},
		SurrogateSettings{Known: known, Trained: "gain", Rungs: rungs})
	if err != nil {
		t.Fatal(err)
	}
	for spent < epochs {
		c, state := s.Ask()
		if state == Exhausted {
			break
		}
		if state == Wait {
			t.Fatalf("it waits though all %d trials are told", len(trials))
		}
		if c.Until == 0 { // a sample where no plan is
			c.Until = len(rungs)
		}
		if c.Until <= c.Continues || c.Until > len(rungs) {
			t.Fatalf("trial %d goes on from rung %d to rung %d", c.ID, c.Continues, c.Until)
		}
		r := rand.New(rand.NewPCG(uint64(c.Genes[0]), uint64(c.Genes[1])))
		final := 20 + float64(c.Genes[0]) + 2*r.NormFloat64()
		values, _ := known(c.Genes)
		x := Result{Objectives: values, Stopped: c.Until < len(rungs)}
		for range rungs[1:] {
			x.Rungs = append(x.Rungs, tells*(final-10)+(1-tells)*(10+5*r.NormFloat64()))
		}
		x.Rungs = append(x.Rungs, final)[:c.Until]
		x.Objectives["gain"] = x.Rungs[c.Until-1]
		spent += rungs[c.Until-1]
		if c.Continues > 0 {
			spent -= rungs[c.Continues-1]
		}
		trials = append(trials, NewTrial(c, x))
		if err := s.Tell(trials[len(trials)-1]); err != nil {
			t.Fatal(err)
		}
	}
	return trials, spent
}

// A searcher stops trainings where early rungs tell of the end, and goes on with the good ones; where they do not tell,
// it trains to the end what it trains.
func TestContinuedTrials(t *testing.T) {
	for seed := range uint64(5) {
		trials, spent := trainDigits(t, seed, 1, 400)
		stopped, continued := 0, 0
		seen := map[string]bool{}
		for _, x := range trials {
			if x.Stopped {
				stopped++
			}
			name := string([]byte{byte(x.Genes[0]), byte(x.Genes[1])})
			if x.Continues == 0 {
				if seen[name] {
					t.Errorf("seed %d: trial %d is a network that was tried", seed, x.ID)
				}
				seen[name] = true
				continue
			}
			continued++
			p := trials[x.Parents[0]]
			if !slices.Equal(p.Genes, x.Genes) || !p.Stopped || len(p.Rungs) != x.Continues {
				t.Errorf("seed %d: trial %d continues %+v from rung %d", seed, x.ID, p, x.Continues)
			}
			for _, y := range trials[:x.ID] {
				if y.Continues > 0 && y.Parents[0] == p.ID {
					t.Errorf("seed %d: trials %d and %d continue the same", seed, y.ID, x.ID)
				}
			}
		}
		if stopped < 10 || continued < 2 {
			t.Errorf("seed %d: rungs that tell: of %d trials %d were stopped, %d continued", seed, len(trials), stopped,
				continued)
		}
		blind, spentBlind := trainDigits(t, seed, 0, 400)
		for _, x := range blind {
			if x.Stopped {
				stopped--
			}
		}
		if stopped < 5 {
			t.Errorf("seed %d: where rungs do not tell, nearly as many are stopped", seed)
		}
		t.Logf("seed %d: %d trials in %d epochs where rungs tell, %d in %d where not", seed, len(trials), spent, len(blind),
			spentBlind)
	}
}

// Where no new network is left, stopped ones that promise something go on, and the search ends.
func TestContinuedTrialsEnd(t *testing.T) {
	trials, spent := trainDigits(t, 3, 1, 100_000)
	networks := 0
	for _, x := range trials {
		if x.Continues == 0 {
			networks++
		}
	}
	if networks != 100 || spent > 900 {
		t.Errorf("%d networks of 100, in %d epochs", networks, spent)
	}
}
