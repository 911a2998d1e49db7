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
	pick, err := summary.Front.Within("cost", 40, "gain")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(searcher)
	fmt.Println(summary.Status, summary.Trials)
	fmt.Println(pick.Trial.Genes, pick.Trial.Objectives["cost"], pick.Reason)
	// Output:
	// nsga2(population=44, offspring=11, crossover=0.5, start=0, retries=64, seed=1, objectives=[cost[coins] min, gain max])
	// trials 2000
	// [2 2 2 1 1 1] 39 the best gain of 18 members with cost within 40 coins
}
