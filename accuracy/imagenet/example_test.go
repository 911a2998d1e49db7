package imagenet_test

import (
	"fmt"

	"nas/accuracy/features"
	"nas/accuracy/imagenet"
	"nas/blocks/zoo"
)

// A kind of network that the data does not hold gets a wider interval and a warning.
func ExampleModel_Estimate() {
	model, err := imagenet.Load()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"mobilenet_v2", "mobilenet_v2@classes=10"} {
		net, err := zoo.Get(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		features := features.Of(net)
		e, err := model.Estimate(name, &features)
		fmt.Printf("%s: %.0f %% (%.0f to %.0f), %d warnings, %v\n", name, e.Top1Pct, e.Low, e.High, len(e.Warnings), err)
	}
	// Output:
	// mobilenet_v2: 73 % (72 to 75), 0 warnings, <nil>
	// mobilenet_v2@classes=10: 73 % (70 to 76), 1 warnings, <nil>
}
