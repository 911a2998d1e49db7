package features_test

import (
	"fmt"

	"nas/accuracy/features"
	"nas/blocks/zoo"
)

// The features say what of a network the estimate's data does not hold.
func ExampleOf() {
	for _, name := range []string{"mobilenet_v2", "resnet50"} {
		net, err := zoo.Get(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		f := features.Of(net)
		fmt.Println(name, f.NumBlocks, f.Resolution, f.Unseen.StandardConv)
	}
	// Output:
	// mobilenet_v2 17 224 false
	// resnet50 16 224 true
}
