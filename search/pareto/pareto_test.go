package pareto_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"nas/search/pareto"
)

// drawPoints draws points of few distinct values, so that ties are common.
func drawPoints(t *rapid.T, most, objectives int) [][]float64 {
	n := rapid.IntRange(0, most).Draw(t, "n")
	points := make([][]float64, n)
	for i := range points {
		points[i] = make([]float64, objectives)
		for m := range points[i] {
			points[i][m] = float64(rapid.IntRange(0, 9).Draw(t, "v"))
		}
	}
	return points
}

func dominates(a, b []float64) bool {
	better := false
	for m := range a {
		if a[m] > b[m] {
			return false
		}
		better = better || a[m] < b[m]
	}
	return better
}

// slowRanks peels fronts one after the other, by definition.
func slowRanks(points [][]float64, cv []float64) []int {
	beats := func(i, j int) bool {
		if cv != nil && (cv[i] > 0 || cv[j] > 0) {
			return cv[i] < cv[j]
		}
		return dominates(points[i], points[j])
	}
	ranks := make([]int, len(points))
	for i := range ranks {
		ranks[i] = -1
	}
	for rank, left := 0, len(points); left > 0; rank++ {
		var front []int
	next:
		for i := range points {
			if ranks[i] >= 0 {
				continue
			}
			for j := range points {
				if ranks[j] < 0 && beats(j, i) {
					continue next
				}
			}
			front = append(front, i)
		}
		for _, i := range front {
			ranks[i] = rank
		}
		left -= len(front)
	}
	return ranks
}

func TestSortAgainstDefinition(t *testing.T) {
	for objectives := 1; objectives <= 4; objectives++ {
		t.Run(fmt.Sprint(objectives), rapid.MakeCheck(func(t *rapid.T) {
			points := drawPoints(t, 40, objectives)
			var cv []float64
			if rapid.Bool().Draw(t, "constrained") {
				cv = make([]float64, len(points))
				for i := range cv {
					cv[i] = float64(rapid.IntRange(0, 3).Draw(t, "cv"))
				}
			}
			got, fronts := pareto.Sort(points, cv)
			want := slowRanks(points, cv)
			if !slices.Equal(got, want) {
				t.Fatalf("%v %v: ranks %v, want %v", points, cv, got, want)
			}
			if len(want) > 0 && fronts != slices.Max(want)+1 || len(want) == 0 && fronts != 0 {
				t.Fatalf("%d fronts, ranks %v", fronts, want)
			}
		}))
	}
}

// Many points take another way of sorting.
func TestSortMany(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, values := range []int{50, 1 << 40} {
		points := make([][]float64, 2100)
		for i := range points {
			points[i] = []float64{float64(r.IntN(values)-values/2) / 8, float64(r.IntN(values)-values/2) / 8}
			if points[i][0] == 0 && i%2 == 0 {
				points[i][0] = math.Copysign(0, -1)
			}
		}
		got, _ := pareto.Sort(points, nil)
		if want := slowRanks(points, nil); !slices.Equal(got, want) {
			t.Fatalf("%d values: ranks differ", values)
		}
	}
}

func TestFrontAgainstDefinition(t *testing.T) {
	var sorter pareto.Sorter
	for objectives := 1; objectives <= 4; objectives++ {
		t.Run(fmt.Sprint(objectives), rapid.MakeCheck(func(t *rapid.T) {
			points := drawPoints(t, 40, objectives)
			var want []int
			for i, rank := range slowRanks(points, nil) {
				if rank == 0 {
					want = append(want, i)
				}
			}
			slices.SortStableFunc(want, func(a, b int) int { return slices.Compare(points[a], points[b]) })
			if got := sorter.Front(points); !slices.Equal(got, want) {
				t.Fatalf("%v: front %v, want %v", points, got, want)
			}
		}))
	}
}

func TestCrowdingKnown(t *testing.T) {
	// Ranges 10 and 10; the inner points' neighbours are 4 and 10 apart.
	_, got := new(pareto.Pruner).Prune([][]float64{{0, 10}, {1, 8}, {4, 3}, {10, 0}}, 4)
	want := []float64{math.Inf(1), 0.4 + 0.7, 0.9 + 0.8, math.Inf(1)}
	for i := range want {
		if got[i] != want[i] && math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("point %d: %v, want %v", i, got[i], want[i])
		}
	}
}

// Prune removes the most crowded point again and again.
func TestPruneAgainstDefinition(t *testing.T) {
	for objectives := 1; objectives <= 3; objectives++ {
		t.Run(fmt.Sprint(objectives), rapid.MakeCheck(func(t *rapid.T) {
			points := drawPoints(t, 20, objectives)
			// Distinct values in each objective, as ties may order neighbours in
			// different ways.
			for i := range points {
				for m := range points[i] {
					points[i][m] += 1e-3*float64(i) + 1e-6*float64(i*i*(m+1))
				}
			}
			keep := rapid.IntRange(0, len(points)).Draw(t, "keep")
			kept, _ := new(pareto.Pruner).Prune(points, keep)
			left := make([]int, len(points))
			for i := range left {
				left[i] = i
			}
			for len(left) > keep {
				// Distances by the range of the whole front.
				worst, at := math.Inf(1), -1
				for k := range left {
					d := 0.0
					for m := range objectives {
						var vs []float64
						lo, hi := math.Inf(1), math.Inf(-1)
						for _, p := range points {
							lo, hi = min(lo, p[m]), max(hi, p[m])
						}
						for _, j := range left {
							vs = append(vs, points[j][m])
						}
						slices.Sort(vs)
						pos := slices.Index(vs, points[left[k]][m])
						if hi == lo {
							continue
						}
						if pos == 0 || pos == len(vs)-1 {
							d = math.Inf(1)
							break
						}
						d += (vs[pos+1] - vs[pos-1]) / (hi - lo)
					}
					if d < worst-1e-9 || at < 0 || math.Abs(d-worst) <= 1e-9 || math.IsInf(d, 1) && math.IsInf(worst, 1) {
						worst, at = d, k // of equals the last
					}
				}
				left = slices.Delete(left, at, at+1)
			}
			if !slices.Equal(kept, left) && len(kept)+len(left) > 0 {
				t.Fatalf("%v keep %d: %v, want %v", points, keep, kept, left)
			}
		}))
	}
}

// boxes counts unit cells below ref that a point dominates.
func boxes(points [][]float64, ref int, objectives int) float64 {
	cell := make([]float64, objectives)
	count := 0.0
	var walk func(m int)
	walk = func(m int) {
		if m == objectives {
			for _, p := range points {
				inside := true
				for k := range p {
					inside = inside && p[k] <= cell[k]
				}
				if inside {
					count++
					return
				}
			}
			return
		}
		for v := range ref {
			cell[m] = float64(v)
			walk(m + 1)
		}
	}
	walk(0)
	return count
}

func TestHypervolumeAgainstCells(t *testing.T) {
	for objectives := 1; objectives <= 4; objectives++ {
		t.Run(fmt.Sprint(objectives), rapid.MakeCheck(func(t *rapid.T) {
			points := drawPoints(t, 12, objectives)
			const side = 7
			ref := slices.Repeat([]float64{side}, objectives)
			got, want := pareto.Hypervolume(points, ref), boxes(points, side, objectives)
			if got != want {
				t.Fatalf("%v: %v, want %v", points, got, want)
			}
			parts := pareto.Contributions(points, ref)
			for i := range points {
				rest := slices.Delete(slices.Clone(points), i, i+1)
				if parts[i] != want-boxes(rest, side, objectives) {
					t.Fatalf("%v: contribution of %d is %v", points, i, parts[i])
				}
			}
		}))
	}
}

func TestHypervolumeKnown(t *testing.T) {
	for _, c := range []struct {
		points [][]float64
		ref    []float64
		want   float64
	}{
		{nil, []float64{1, 1}, 0},
		{[][]float64{{0, 0}}, []float64{1, 2}, 2},
		{[][]float64{{1, 3}, {2, 2}, {3, 1}}, []float64{4, 4}, 6},
		{[][]float64{{4, 0}, {0, 4}}, []float64{4, 4}, 0}, // on the border
		{[][]float64{{1, 2, 3}, {2, 3, 1}, {3, 1, 2}}, []float64{4, 4, 4}, 6*3 - 3*2 + 1},
	} {
		if got := pareto.Hypervolume(c.points, c.ref); got != c.want {
			t.Errorf("%v: %v, want %v", c.points, got, c.want)
		}
	}
	// Of the square up to 1.1 the front of ZDT1 leaves out the area under 1-sqrt(x), a third.
	var curve [][]float64
	for i := range 20001 {
		x := float64(i) / 20000
		curve = append(curve, []float64{x, 1 - math.Sqrt(x)})
	}
	if got, want := pareto.Hypervolume(curve, []float64{1.1, 1.1}), 1.21-1.0/3; math.Abs(got-want) > 1e-4 {
		t.Errorf("ZDT1: %v, want %v", got, want)
	}
}

func TestKnee(t *testing.T) {
	if k := pareto.Knee([][]float64{{0, 100}, {1, 20}, {5, 15}, {10, 0}}); k != 1 {
		t.Errorf("the knee is point %d, want 1", k)
	}
	// The first two objectives agree: the best in both is no knee if it is the worst in the third.
	agree := [][]float64{{0, 0, 100}, {1, 2, 98}, {5, 4, 50}, {7, 8, 40}, {10, 10, 0}}
	if k := pareto.Knee(agree); k != 2 {
		t.Errorf("the knee of two objectives that agree and a third is point %d, want 2", k)
	}
	if k := pareto.Knee(nil); k != -1 {
		t.Errorf("the knee of nothing is %d", k)
	}
}

func BenchmarkSort(b *testing.B) {
	for _, c := range []struct {
		name string
		n, m int
	}{{"100000x2", 100_000, 2}, {"2000x2", 2000, 2}, {"2000x3", 2000, 3}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			points := make([][]float64, c.n)
			for i := range points {
				points[i] = make([]float64, c.m)
				for m := range points[i] {
					points[i][m] = r.Float64()
				}
			}
			for b.Loop() {
				pareto.Sort(points, nil)
			}
		})
	}
}

func BenchmarkHypervolume(b *testing.B) {
	for _, m := range []int{2, 3, 4} {
		b.Run(fmt.Sprintf("100x%d", m), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			points := make([][]float64, 100)
			for i := range points { // on the unit sphere, all non-dominated
				points[i] = make([]float64, m)
				norm := 0.0
				for k := range points[i] {
					points[i][k] = math.Abs(r.NormFloat64())
					norm += points[i][k] * points[i][k]
				}
				for k := range points[i] {
					points[i][k] /= -math.Sqrt(norm)
				}
			}
			ref := make([]float64, m)
			for b.Loop() {
				pareto.Hypervolume(points, ref)
			}
		})
	}
}
