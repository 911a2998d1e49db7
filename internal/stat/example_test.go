package stat_test

import (
	"fmt"

	"nas/internal/stat"
)

// Tau-b is 1 where a score orders networks as training does, 0 where it tells
// nothing.
func ExampleKendallTau() {
	trained := []float64{70.9, 72.0, 75.2, 77.1}
	fmt.Printf("%.2f\n", stat.KendallTau([]float64{1, 2, 3, 4}, trained))
	fmt.Printf("%.2f\n", stat.KendallTau([]float64{2, 1, 3, 4}, trained))
	fmt.Printf("%.2f\n", stat.KendallTau([]float64{5, 5, 5, 5}, trained))
	// Output:
	// 1.00
	// 0.67
	// 0.00
}
