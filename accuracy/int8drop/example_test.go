package int8drop_test

import (
	"fmt"

	"nas/accuracy/int8drop"
	"nas/blocks/zoo"
)

func ExampleEstimate() {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := int8drop.Estimate(n, 71.8, false)
	fmt.Printf("%.1f points, %.1f to %.1f: %s %v\n", d.Points, d.Low, d.High, d.Label, err)
	// Output: 0.6 points, 0.2 to 2.5: a line through 4 published MobileNetV2, a range of a factor of 4 <nil>
}
