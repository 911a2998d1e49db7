package search_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"nas/search"
)

// A front kept incrementally is the first front of all points, and its
// hypervolume that of a computation from scratch.
func TestFrontAgainstSort(t *testing.T) {
	for objectives := 1; objectives <= 3; objectives++ {
		t.Run(fmt.Sprint(objectives), rapid.MakeCheck(func(t *rapid.T) {
			// Few distinct values, so that ties are common.
			points := make([][]float64, rapid.IntRange(0, 40).Draw(t, "n"))
			for i := range points {
				points[i] = make([]float64, objectives)
				for m := range points[i] {
					points[i][m] = float64(rapid.IntRange(0, 9).Draw(t, "v"))
				}
			}
			objs := make([]search.Objective, objectives)
			for m := range objs {
				objs[m].Name = fmt.Sprint("o", m)
			}
			if objectives > 1 {
				objs[1].Direction = search.Maximize
			}
			value := func(m int, cost float64) float64 {
				if objs[m].Direction == search.Maximize {
					return -cost
				}
				return cost
			}
			reference := make([]float64, objectives)
			for m := range reference {
				reference[m] = value(m, 8)
			}
			f, err := search.NewFront(objs, reference)
			if err != nil {
				t.Fatal(err)
			}
			var feasible [][]float64
			for i, p := range points {
				r := search.Result{Objectives: map[string]float64{}}
				for m, v := range p {
					r.Objectives[objs[m].Name] = value(m, v)
				}
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					r.Violation = 1
				case 1:
					r.Failed = "no"
				default:
					feasible = append(feasible, p)
				}
				if f.Add(search.Trial{ID: i, Result: r}) && !r.Feasible() {
					t.Fatal("an infeasible trial joined the front")
				}
			}
			ranks, _ := search.Sort(feasible, nil)
			want := map[string]bool{}
			for i, rank := range ranks {
				if rank == 0 {
					want[fmt.Sprint(feasible[i])] = true
				}
			}
			got := map[string]bool{}
			for _, p := range f.Points() {
				for m := range p {
					p[m] = value(m, p[m])
				}
				got[fmt.Sprint(p)] = true
			}
			if len(got) != f.Len() || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("front %v, want %v", got, want)
			}
			ref := slices.Repeat([]float64{8}, objectives)
			if v := search.Hypervolume(feasible, ref); math.Abs(f.Hypervolume()-v) > 1e-9 {
				t.Fatalf("hypervolume %v, want %v", f.Hypervolume(), v)
			}
		}))
	}
}

func BenchmarkFrontAdd(b *testing.B) {
	objs := []search.Objective{{Name: "a"}, {Name: "b"}}
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f, err := search.NewFront(objs, []float64{2, 2})
			if err != nil {
				b.Fatal(err)
			}
			trial := func(x, y float64) search.Trial {
				return search.Trial{Result: search.Result{Objectives: map[string]float64{"a": x, "b": y}}}
			}
			for i := range size {
				x := float64(i) / float64(size)
				f.Add(trial(x, 1-x))
			}
			r := rand.New(rand.NewPCG(1, 2))
			ts := make([]search.Trial, 1024)
			for i := range ts {
				x := r.Float64()
				ts[i] = trial(x, 1-x+0.1*r.Float64()-0.001)
			}
			sort.Slice(ts, func(i, j int) bool { return ts[i].Objectives["b"] > ts[j].Objectives["b"] })
			i := 0
			for b.Loop() {
				f.Add(ts[i%1024])
				i++
			}
		})
	}
}
