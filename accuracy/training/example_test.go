package training_test

import (
	"context"
	"fmt"
	"os"

	"nas/accuracy/training"
	"nas/blocks/zoo"
)

func Example() {
	r, err := training.New(training.Spec{
		Name: "coin", Unit: "pct", Rungs: []int{3, 10},
		Command: []string{"sh", "-c", "echo epoch {epochs} accuracy 5{rung}.25"},
		Pattern: `epoch (?P<epoch>\d+) accuracy (?P<accuracy>\S+)`,
	}, os.DirFS("."), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := zoo.Get("mobilenet_v2@width=0.35,res=32,classes=10")
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for rung := range r.Spec().Rungs {
		out, err := r.Train(context.Background(), training.Job{Network: n, Rung: rung, Dir: dir + "/trial"})
		fmt.Println(out.Accuracy, err)
	}
	// Output:
	// 50.25 <nil>
	// 51.25 <nil>
}
