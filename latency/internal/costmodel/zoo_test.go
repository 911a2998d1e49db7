package costmodel

import (
	"fmt"
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
)

// testTarget is a server's core.
func testTarget() engine.Target {
	return engine.Target{ISA: "avx512", L1: 32 << 10, L2: 1 << 20, L3: 32 << 20, Threads: 1}
}

// zooCalls are the kernel calls of mobile networks of several sizes on testTarget.
func zooCalls(t *testing.T) [][]engine.Call {
	t.Helper()
	var all [][]engine.Call
	names := []string{"mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "mnasnet_a1"}
	for _, name := range names {
		for _, width := range []float64{0.25, 0.5, 0.75, 1, 1.25} {
			for _, res := range []int{128, 160, 224} {
				n, err := zoo.Get(fmt.Sprintf("%s@width=%g,res=%d", name, width, res))
				if err != nil {
					t.Fatal(err)
				}
				p, err := engine.Compile(n, testTarget(), engine.Options{})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, p.Kernels())
			}
		}
	}
	return all
}
