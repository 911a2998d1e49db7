package search_test

import (
	"context"
	"fmt"

	"nas/search"
	"nas/search/searchtest"
)

// A search in one page: a space, objectives, an evaluator, a searcher, a run.
func Example() {
	problem := &searchtest.Toy{Genes: 6, Choices: 4, MaxCost: 100}
	objectives := problem.Objectives()
	searcher, err := search.New("nsga2", search.Settings{
		Setup:       search.Setup{Space: problem, Objectives: objectives, Seed: 1},
		Evaluations: 2000,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	summary, err := search.Run(context.Background(), searcher, problem, nil, objectives, search.Options{
		Workers: 4, Stop: search.Stop{Trials: 2000},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(searcher)
	fmt.Println(summary.Status, summary.Trials)
	var best search.Trial
	for _, t := range summary.Front.Trials() { // from the least cost on, and so from the least gain
		if t.Objectives["cost"] <= 40 {
			best = t
		}
	}
	fmt.Println(best.Genes, best.Objectives["cost"])
	// Output:
	// nsga2(population=44, offspring=11, crossover=0.5, start=0, retries=64, seed=1, objectives=[cost[coins] min, gain max])
	// trials 2000
	// [2 2 2 1 1 1] 39
}
