package judge_test

import (
	"context"
	"fmt"

	"nas/accuracy/benchmark"
	"nas/accuracy/judge"
)

// On the half of NAS-Bench-Macro on which no formula was chosen, the depth profile
// ranks networks of equal cost better than their depth does.
func ExampleValidate() {
	b, err := benchmark.Open("macro")
	if err != nil {
		fmt.Println(err)
		return
	}
	o := judge.Options{Split: benchmark.HeldOut, Bootstrap: -1}
	r, err := judge.Validate(context.Background(), b, []string{"profile", "depth"}, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*r.Proxies["profile"].SameCostTau > *r.Proxies["depth"].SameCostTau)
	// Output:
	// true
}
