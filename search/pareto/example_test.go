package pareto_test

import (
	"fmt"

	"nas/search/pareto"
)

// Latency in ms and error in per cent of five networks, both to be minimised.
func Example() {
	networks := [][]float64{{8, 27}, {11, 24}, {12, 26}, {20, 21}, {24, 22}}
	ranks, fronts := pareto.Sort(networks, nil)
	fmt.Println("ranks", ranks, "of", fronts, "fronts")
	front := pareto.Front(networks)
	fmt.Println("front", front)
	var members [][]float64
	for _, i := range front {
		members = append(members, networks[i])
	}
	fmt.Println("knee", front[pareto.Knee(members)])
	fmt.Println("hypervolume", pareto.Hypervolume(networks, []float64{25, 30}))
	// Output:
	// ranks [0 0 1 0 1] of 2 fronts
	// front [0 1 3]
	// knee 1
	// hypervolume 108
}
