package devices_test

import (
	"fmt"
	"slices"
	"strings"

	"nas/latency/devices"
)

func ExampleRecipe() {
	text, err := devices.Recipe("onnxruntime")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(slices.Contains(devices.Recipes(), "onnxruntime"), strings.Contains(string(text), "command"))
	// Output:
	// true true
}
