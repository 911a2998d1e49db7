package benchmark_test

import (
	"fmt"

	"nas/accuracy/benchmark"
)

// Every row has the network itself.
func ExampleOpen() {
	b, err := benchmark.Open("macro")
	if err != nil {
		fmt.Println(err)
		return
	}
	r := b.Rows[0]
	fmt.Println(len(b.Rows), r.ID, r.Truth, r.Network.Counts().Params == r.Params)
	// Output:
	// 1608 00000012 69.0533 true
}
