package kernelstest_test

import (
	"fmt"

	"nas/blocks/kernels"
	"nas/blocks/kernels/kernelstest"
)

func Example() {
	g := kernels.Linear{Batch: 1, K: 2, N: 1}.Conv() // y = 3*x0 + 4*x1
	dx, dw := make([]float64, 2), make([]float64, 2)
	kernelstest.ConvBackward(&g, dx, dw, nil, []float64{10}, []float64{1, 2}, []float64{3, 4})
	fmt.Println(dx, dw)
	// Output: [30 40] [10 20]
}
