package searchtest_test

import (
	"context"
	"fmt"

	"nas/search"
	"nas/search/searchtest"
)

// A problem whose front is known tells how far a searcher has come.
func ExampleZDT() {
	problem := searchtest.ZDT(1)
	searcher, err := search.New("nsga2", search.Settings{
		Setup:       search.Setup{Space: problem, Objectives: problem.Objectives(), Seed: 1},
		Evaluations: 10_000,
		Population:  100,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	summary, err := search.Run(context.Background(), searcher, problem, nil, problem.Objectives(),
		search.Options{Stop: search.Stop{Trials: 10_000}})
	if err != nil {
		fmt.Println(err)
		return
	}
	worst := 0.0
	for _, t := range summary.Front.Trials() {
		v := t.Objectives
		worst = max(worst, v["f2"]-problem.Front(v["f1"]))
	}
	fmt.Println("every member is within 0.1 of the known front:", worst < 0.1)
	// Output:
	// every member is within 0.1 of the known front: true
}
