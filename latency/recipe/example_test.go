package recipe_test

import (
	"fmt"

	"nas/latency/recipe"
)

// A recipe says which program times a model, and how to read the time from its output.
func ExampleNew() {
	r, err := recipe.New(recipe.Spec{
		Name: "board", Runtime: "tflite", Version: "2.20", CPU: "Cortex-A76", ISA: "neon", Threads: 4,
		Convert: []string{"onnx2tf", "-i", "{model}", "-o", "{out}"}, Converted: "tflite",
		Host: "board.local", RemoteDir: "/tmp",
		Push: []string{"scp", "{models}", "{host}:{remote}"},
		Command: []string{
			"ssh", "{host}", "benchmark_model --graph={remote}/{name} --num_threads={threads} --num_runs={runs}",
		},
		Pattern: `avg=([\d.e+]+)`, Unit: "us",
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Device())
	// Output: tflite on Cortex-A76, 4 threads
}
