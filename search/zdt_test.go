package search_test

import (
	"context"
	"flag"
	"math"
	"slices"
	"testing"

	"nas/search"
	"nas/search/pareto"
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
		got := search.Hypervolume(searchtest.ZDT(number).FrontPoints(4001), []float64{1.1, 1.1})
		if math.Abs(got-want) > 1e-3 {
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
				if pareto.Dominates(a, b) || pareto.Dominates(b, a) {
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
	_, err = search.Run(context.Background(), s, p, m, p.Objectives(),
		search.Options{Stop: search.Stop{Trials: evaluations}})
	if err != nil {
		tb.Fatal(err)
	}
	points := s.Population()
	return search.Hypervolume(points, p.Reference), igdPlus(points, p.FrontPoints(1001))
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

// igdPlus returns the inverted generational distance plus of points against a
// reference front, all objectives to be minimised: the mean over the reference
// of how far the nearest point is worse than it, counted only in the objectives
// in which it is worse. 0 means that every reference point is attained or
// dominated; +Inf that there are no points. Ishibuchi, Masuda, Tanigaki and
// Nojima, "Modified distance calculation in generational distance and inverted
// generational distance", EMO 2015, equation 14.
//
// Scale the objectives to comparable ranges first.
func igdPlus(points, reference [][]float64) float64 {
	if len(reference) == 0 {
		return 0
	}
	sum := 0.0
	for _, z := range reference {
		nearest := math.Inf(1)
		for _, a := range points {
			d := 0.0
			for m, v := range z {
				if worse := a[m] - v; worse > 0 {
					d += worse * worse
				}
			}
			nearest = min(nearest, d)
		}
		sum += math.Sqrt(nearest)
	}
	return sum / float64(len(reference))
}

func TestIGDPlus(t *testing.T) {
	reference := [][]float64{{0, 1}, {1, 0}}
	for _, c := range []struct {
		points [][]float64
		want   float64
	}{
		{reference, 0},
		{[][]float64{{-1, -1}}, 0},                         // better than all
		{[][]float64{{0, 1}}, (0 + 1) / 2.0},               // {1,0} is missed by 1 in the second
		{[][]float64{{3, 5}}, (5 + math.Sqrt(4+25)) / 2.0}, // 3,4 from the first; 2,5 from the second
		{nil, math.Inf(1)},
	} {
		if got := igdPlus(c.points, reference); got != c.want && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", c.points, got, c.want)
		}
	}
}
