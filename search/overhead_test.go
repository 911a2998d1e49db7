package search_test

import (
	"testing"

	"nas/internal/config"
	"nas/search"
	"nas/space"
)

// BenchmarkOverhead is what NSGA-II and the archive cost for each candidate, in the
// space of configs/mobile.toml with a population of 1,000: ask, tell, front with
// hypervolume. The objectives are two sums over genes, of no weight.
func BenchmarkOverhead(b *testing.B) {
	cfg, err := config.Load("../configs/mobile.toml")
	if err != nil {
		b.Fatal(err)
	}
	sp, err := space.New(cfg.Space)
	if err != nil {
		b.Fatal(err)
	}
	objectives := []search.Objective{{Name: "cost"}, {Name: "value", Direction: search.Maximize}}
	s, err := search.NewNSGA2(search.Setup{Space: sp, Objectives: objectives, Seed: 1},
		search.NSGA2Settings{Population: 1000})
	if err != nil {
		b.Fatal(err)
	}
	front, err := search.NewFront(objectives, []float64{1000, -1000})
	if err != nil {
		b.Fatal(err)
	}
	var weights [][2]float64
	for i := range sp.Genes() {
		weights = append(weights, [2]float64{1 + float64(i%7)/7, 1 + float64(i%11)/11})
	}
	result := func(g space.Genes) search.Result {
		cost, value := 1.0, 1.0
		for i, v := range g {
			cost += float64(v) * weights[i][0]
			value += float64(v) * weights[i][1]
		}
		return search.Result{Objectives: map[string]float64{"cost": cost, "value": value}}
	}
	b.ReportAllocs()
	for b.Loop() {
		c, state := s.Ask()
		if state != search.Ready {
			b.Fatal("the searcher has nothing to ask for")
		}
		t := search.NewTrial(c, result(c.Genes))
		if err := s.Tell(t); err != nil {
			b.Fatal(err)
		}
		front.Add(t)
	}
}
