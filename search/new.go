package search

import (
	"math"
	"slices"
	"strings"

	"nas/internal/fault"
	"nas/space"
)

// Settings are the settings of the search in a configuration, in terms that suit
// every algorithm. Zero values take the algorithm's default.
type Settings struct {
	Setup
	// Evaluations is the budget, if it is known. Population follows it.
	Evaluations int
	// Population is NSGA-II's, evolution's, and the number of initial samples of
	// local search and of the surrogate. 0 means the algorithm's default; for
	// NSGA-II with a budget its root, at least 12 and at most 1000, so that the
	// number of generations grows with the population.
	Population int
	// LookAhead is how many candidates may be open at once: NSGA-II's offspring, the surrogate's batch, and how many
	// candidates of the others do not know each other's results. 0 means the algorithm's default.
	LookAhead int
	Crossover float64 // NSGA-II's
	// Known, Trained, Rungs and Traits are those of [SurrogateSettings].
	Known   func(space.Genes) (values map[string]float64, violation float64)
	Trained string
	Rungs   []int
	Traits  func(space.Genes) []float64
}

var searchers = []struct {
	name string
	make func(Settings) (Searcher, error)
}{
	{"nsga2", func(s Settings) (Searcher, error) {
		if s.Population == 0 && s.Evaluations > 0 {
			s.Population = DefaultPopulation(s.Evaluations)
		}
		return NewNSGA2(s.Setup, NSGA2Settings{Population: s.Population, Offspring: s.LookAhead, Crossover: s.Crossover})
	}},
	{"surrogate_nsga2", func(s Settings) (Searcher, error) {
		return NewSurrogateNSGA2(s.Setup, SurrogateSettings{
			Initial: s.Population, Batch: s.LookAhead, Known: s.Known, Trained: s.Trained, Rungs: s.Rungs,
			Traits: s.Traits,
		})
	}},
	{"evolution", func(s Settings) (Searcher, error) {
		return NewEvolution(s.Setup, EvolutionSettings{Population: s.Population, LookAhead: s.LookAhead})
	}},
	{"local", func(s Settings) (Searcher, error) {
		return NewLocal(s.Setup, LocalSettings{Initial: s.Population, LookAhead: s.LookAhead})
	}},
	{"random", func(s Settings) (Searcher, error) {
		r, err := NewRandom(s.Setup)
		if err == nil {
			r.ahead = max(r.ahead, s.LookAhead)
		}
		return r, err
	}},
	{"exhaustive", func(s Settings) (Searcher, error) {
		e, err := NewExhaustive(s.Setup)
		if err == nil {
			e.ahead = max(e.ahead, s.LookAhead)
		}
		return e, err
	}},
}

// DecidesRungs is the name of the searcher that decides how far a network is trained, see [SurrogateSettings.Rungs].
const DecidesRungs = "surrogate_nsga2"

// autoBudget is the number of evaluations from which [Auto] prefers nsga2. On
// NAS-Bench-Macro surrogate_nsga2 is better after 100 evaluations than nsga2 after 200;
// beyond some hundred evaluations its fits take longer than cheap scores do.
const autoBudget = 300

// Auto returns the algorithm that suits a budget of evaluations: surrogate_nsga2 for
// fewer than 300, nsga2 for more or for 0, an unknown budget.
func Auto(evaluations int) string {
	if 0 < evaluations && evaluations < autoBudget {
		return "surrogate_nsga2"
	}
	return "nsga2"
}

// DefaultPopulation is [Settings.Population] for NSGA-II with a budget, or with 0, an
// unknown one.
func DefaultPopulation(evaluations int) int {
	if evaluations == 0 {
		return 96
	}
	return min(1000, max(12, int(math.Sqrt(float64(evaluations)))))
}

// Algorithms returns the names that [New] knows.
func Algorithms() []string {
	names := make([]string, len(searchers))
	for i, a := range searchers {
		names[i] = a.name
	}
	return names
}

// New returns the searcher with the given name.
func New(name string, s Settings) (Searcher, error) {
	i := slices.Index(Algorithms(), name)
	if i < 0 {
		return nil, fault.Errorf("search: unknown algorithm %q; want one of %s", name, strings.Join(Algorithms(), ", "))
	}
	searcher, err := searchers[i].make(s)
	if err != nil {
		return nil, err // not a nil pointer in a Searcher
	}
	return searcher, nil
}
