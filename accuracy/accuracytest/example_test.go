package accuracytest_test

import (
	"fmt"

	"nas/accuracy/accuracytest"
)

// The probes are small enough to be scored by the thousand. A test calls Conformance:
//
//	func TestConformance(t *testing.T) {
//		accuracytest.Conformance(t, func(seed uint64) (accuracy.Estimator, error) {
//			return mine.New(seed)
//		})
//	}
func ExampleProbes() {
	nets, err := accuracytest.Probes()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(nets), nets[0].Counts().MACs < 5e6)
	// Output:
	// 9 true
}
