package search

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/space"
)

// digits is a space of two genes of ten choices each.
type digits struct{}

func (digits) Size() *big.Int { return big.NewInt(100) }
func (digits) Sample(r *rand.Rand) space.Genes {
	return space.Genes{uint16(r.IntN(10)), uint16(r.IntN(10))}
}
func (d digits) Mutate(g space.Genes, r *rand.Rand) space.Genes {
	g = slices.Clone(g)
	g[r.IntN(2)] = uint16(r.IntN(10))
	return g
}
func (digits) Crossover(a, b space.Genes, _ *rand.Rand) space.Genes { return space.Genes{a[0], b[1]} }
func (digits) Canonical(g space.Genes) space.Genes                  { return g }
func (digits) Encode(g space.Genes) []float64 {
	return []float64{float64(g[0]) / 9,
		float64(g[1]) / 9}
}

// newDigits returns a searcher that has been told 24 samples. Cost, which is known, is the
// first gene plus one. Gain is the second gene plus half the first. Genes that sum to more
// than 15 break a known constraint.
func newDigits(t *testing.T) *SurrogateNSGA2 {
	t.Helper()
	known := func(g space.Genes) (map[string]float64, float64) {
		return map[string]float64{"cost": float64(g[0]) + 1}, max(0, float64(g[0]+g[1])-15)
	}
	s, err := NewSurrogateNSGA2(
		Setup{Space: digits{}, Objectives: []Objective{{Name: "cost"}, {Name: "gain", Direction: Maximize}}, Seed: 1},
		SurrogateSettings{Initial: 24, Batch: 4, Known: known})
	if err != nil {
		t.Fatal(err)
	}
	for range 24 {
		c, state := s.Ask()
		if state != Ready {
			t.Fatalf("%v after %d trials", state, s.told)
		}
		tell(t, s, c)
	}
	return s
}

// tell tells the searcher the result of a candidate.
func tell(t *testing.T, s *SurrogateNSGA2, c Candidate) {
	t.Helper()
	values, violation := s.settings.Known(c.Genes)
	r := Result{Violation: violation, Objectives: values}
	r.Objectives["gain"] = float64(c.Genes[1]) + float64(c.Genes[0])/2
	if err := s.Tell(NewTrial(c, r)); err != nil {
		t.Fatal(err)
	}
}

// The models predict what they are fitted to, the known objective is computed, and a known
// violation stands for both.
func TestSurrogatePredicts(t *testing.T) {
	s := newDigits(t)
	if !s.fit() || s.models[0] != nil || s.models[1] == nil {
		t.Fatal("the models are not fitted")
	}
	cost, violation := s.predict(space.Genes{3, 7}, 0)
	if violation != 0 || cost[0] != 4 || cost[1] > -8.3 || cost[1] < -8.7 {
		t.Errorf("predicted %v, want 4 and about -8.5; violation %v", cost, violation)
	}
	hopeful, _ := s.predict(space.Genes{3, 7}, 2)
	if hopeful[0] != cost[0] || hopeful[1] > cost[1] {
		t.Errorf("with optimism %v, without %v", hopeful, cost)
	}
	if cost, violation := s.predict(space.Genes{9, 9}, 0); cost != nil || violation != 3 {
		t.Errorf("of a network that breaks a constraint %v is predicted, violation %v", cost, violation)
	}
}

// The front of the trials has the first of equals only, in the order of ids.
func TestSurrogateFront(t *testing.T) {
	s := newDigits(t)
	front := s.front()
	for i, x := range front {
		if i > 0 && x.id <= front[i-1].id {
			t.Error("the ids do not rise")
		}
		for _, y := range s.trials {
			if y.cost == nil {
				continue
			}
			better := y.cost[0] <= x.cost[0] && y.cost[1] <= x.cost[1]
			if equal := slices.Equal(x.cost, y.cost); better && (!equal || y.id < x.id) {
				t.Errorf("trial %d is on the front beside trial %d", x.id, y.id)
			}
		}
	}
	if len(front) < 2 {
		t.Errorf("a front of %d", len(front))
	}
}

// A batch has no network twice, none that was asked for, none that breaks a known
// constraint, and brings the front forward.
func TestSurrogateBatch(t *testing.T) {
	s := newDigits(t)
	seen := map[[2]uint16]bool{}
	for _, x := range s.trials {
		seen[[2]uint16(x.genes)] = true
	}
	for batch := range 5 {
		var asked []Candidate
		for range 4 {
			c, state := s.Ask()
			if state != Ready || c.Generation != batch+1 {
				t.Fatalf("%v, generation %d in batch %d", state, c.Generation, batch)
			}
			if seen[[2]uint16(c.Genes)] || c.Genes[0]+c.Genes[1] > 15 {
				t.Errorf("%v is asked for", c.Genes)
			}
			seen[[2]uint16(c.Genes)] = true
			asked = append(asked, c)
		}
		if _, state := s.Ask(); state != Wait {
			t.Errorf("%v before the batch is told", state)
		}
		for _, c := range asked {
			tell(t, s, c)
		}
	}
	// The front of the space has a second gene of 9 and a first one of 0 to 6.
	if front := s.front(); len(front) < 6 {
		t.Errorf("44 of 100 networks have %d of the 7 on the front", len(front))
	}
}
