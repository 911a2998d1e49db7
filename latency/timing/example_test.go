package timing_test

import (
	"context"
	"fmt"
	"time"

	"nas/blocks/zoo"
	"nas/latency/native"
	"nas/latency/timing"
)

// This machine times a network with the engine's kernels.
func ExampleMeasure() {
	n, err := zoo.Get("mobilenet_v3_small@width=0.25,res=32")
	if err != nil {
		fmt.Println(err)
		return
	}
	o := timing.MeasureOptions{Budget: 20 * time.Millisecond}
	s, err := timing.Measure(context.Background(), n, native.New(1), o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("an interval around the median:", 0 < s.LowMs && s.LowMs <= s.MedianMs && s.MedianMs <= s.HighMs)
	// Output: an interval around the median: true
}
