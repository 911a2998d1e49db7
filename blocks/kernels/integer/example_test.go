package integer_test

import (
	"fmt"

	"nas/blocks/kernels/integer"
)

// Reals on a grid of quarters from -32 to 31.75, of which 0 is stored as 0.
func ExampleGrid() {
	g := integer.Grid{Scale: 0.25, Low: -128, High: 127}
	for _, v := range []float32{1, 0.375, 100} {
		q := g.Quantize(v)
		fmt.Println(v, q, g.Real(q))
	}
	// Output:
	// 1 4 1
	// 0.375 2 0.5
	// 100 127 31.75
}
