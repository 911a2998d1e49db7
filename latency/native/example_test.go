package native_test

import (
	"fmt"

	"nas/latency/native"
)

// A runtime of one thread measures on one core.
func ExampleNew() {
	d := native.New(1).Device()
	fmt.Println(d.Name, d.Threads, d.DType)
	// Output: native 1 float32
}
