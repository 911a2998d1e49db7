package latencytest_test

import (
	"context"
	"fmt"

	"nas/blocks/zoo"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

// A simulated device tells what its units take without noise, to hold measurements against.
func ExampleSimulated() {
	device := latencytest.NewSimulated(1, 0.01, 0)
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := timing.Measure(context.Background(), n, device, timing.MeasureOptions{Runs: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls, err := device.Device().Calls(n)
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := 0.0
	for i := range calls {
		sum += device.TrueMs(&calls[i].Unit)
	}
	fmt.Printf("%.2f times the sum of its units\n", s.MedianMs/sum)
	// Output: 1.03 times the sum of its units
}
