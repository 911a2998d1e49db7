package accuracy_test

import (
	"context"
	"fmt"

	"nas/accuracy"
	"nas/blocks/zoo"
)

// Estimators are made from a text; all of them score any network.
func ExampleNew() {
	depth, err := accuracy.New("depth", accuracy.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"mobilenet_v1", "mobilenet_v2", "efficientnet_b0"} {
		net, err := zoo.Get(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		s, err := depth.Estimate(context.Background(), net)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, s.Value)
	}
	// Output:
	// mobilenet_v1 13
	// mobilenet_v2 17
	// efficientnet_b0 16
}
