package search_test

import (
	"context"
	"flag"
	"math"
	"slices"
	"testing"

	"nas/search"
	"nas/search/searchtest"
)

// The fronts of the problems are what their papers say: the hypervolumes are
// those of the closed forms.
func TestZDTFronts(t *testing.T) {
	for number, want := range map[int]float64{
		1: 1.21 - 1.0/3, // the square less the area under 1-sqrt(x)
		2: 1.21 - 2.0/3,
		4: 1.21 - 1.0/3,
	} {
		if got := search.Hypervolume(searchtest.ZDT(number).FrontPoints(4001), []float64{1.1, 1.1}); math.Abs(got-want) > 1e-3 {
			t.Errorf("zdt%d: %v, want %v", number, got, want)
		}
	}
	if searchtest.ZDT(5) != nil {
		t.Error("zdt5 is over bits")
	}
	for _, number := range []int{1, 2, 3, 4, 6} {
		p := searchtest.ZDT(number)
		points := p.FrontPoints(301)
		if number == 3 && len(points) > 200 {
			t.Error("the front of zdt3 has no gaps")
		}
		for i, a := range points {
			for _, b := range points[:i] {
				if dominates(a, b) || dominates(b, a) {
					t.Fatalf("%s: front points %v and %v", p.Name, a, b)
				}
			}
		}
	}
}

// zdt runs NSGA-II with the settings of the literature and returns the
// hypervolume and the IGD+ of the last population, not of an archive.
func zdt(tb testing.TB, number int, seed uint64, evaluations int) (volume, igd float64) {
	p := searchtest.ZDT(number)
	s, err := search.NewNSGA2(search.Setup{Space: p, Objectives: p.Objectives(), Seed: seed},
		search.NSGA2Settings{Population: 100, Offspring: 100, Crossover: 0.9})
	if err != nil {
		tb.Fatal(err)
	}
	m := &memory{}
	if _, err := search.Run(context.Background(), s, p, m, p.Objectives(), search.Options{Stop: search.Stop{Trials: evaluations}}); err != nil {
		tb.Fatal(err)
	}
	points := s.Population()
	return search.Hypervolume(points, p.Reference), search.IGDPlus(points, p.FrontPoints(1001))
}

var zdtSeeds = flag.Int("zdt-seeds", 1, "seeds of TestZDT")

// TestZDT asks for 98 % of the hypervolume that the whole front has, in the
// median of the seeds; with -v it prints the figures.
func TestZDT(t *testing.T) {
	const budget = 25_000
	seeds := *zdtSeeds
	if testing.Short() {
		seeds = 1
	}
	for _, number := range []int{1, 2, 3, 4, 6} {
		p := searchtest.ZDT(number)
		whole := search.Hypervolume(p.FrontPoints(2001), p.Reference)
		var volumes, igds []float64
		for seed := range seeds {
			v, d := zdt(t, number, uint64(seed), budget)
			volumes, igds = append(volumes, v), append(igds, d)
		}
		slices.Sort(volumes)
		slices.Sort(igds)
		v := volumes[len(volumes)/2]
		t.Logf("%s: hypervolume %.5f of %.5f (%.2f %%), IGD+ %.5f", p.Name, v, whole, 100*v/whole, igds[len(igds)/2])
		if v < 0.98*whole {
			t.Errorf("%s: hypervolume %v of %v", p.Name, v, whole)
		}
	}
}
