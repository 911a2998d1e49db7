package accuracy_test

import (
	"context"
	"fmt"

	"nas/accuracy"
	"nas/blocks/zoo"
)

// Estimators are made from a text; all of them score any network.
func ExampleNew() {
	depth, err := accuracy.New("depth", accuracy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"mobilenet_v1", "mobilenet_v2", "efficientnet_b0"} {
		net, err := zoo.Get(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		s, err := depth.Estimate(context.Background(), net)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, s.Value)
	}
	// Output:
	// mobilenet_v1 13
	// mobilenet_v2 17
	// efficientnet_b0 16
}

// Tau-b is 1 where a score orders networks as training does, 0 where it tells
// nothing.
func ExampleKendallTau() {
	trained := []float64{70.9, 72.0, 75.2, 77.1}
	fmt.Printf("%.2f\n", accuracy.KendallTau([]float64{1, 2, 3, 4}, trained))
	fmt.Printf("%.2f\n", accuracy.KendallTau([]float64{2, 1, 3, 4}, trained))
	fmt.Printf("%.2f\n", accuracy.KendallTau([]float64{5, 5, 5, 5}, trained))
	// Output:
	// 1.00
	// 0.67
	// 0.00
}
