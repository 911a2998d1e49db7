//go:build !noasm

package int8

import "golang.org/x/sys/cpu"

// archSets lists the sets with assembly, from slow to fast.
func archSets() []*Set {
	return []*Set{
		newSet("neon", lanes{vl: 4, unit: 2, split: true}, func() bool { return true },
			func(n int) int { peakNEON(n); return n * peakNEONMACs }, neonRows),
		newSet("neondot", lanes{vl: 4, unit: 4, shift: 128}, func() bool { return cpu.ARM64.HasASIMDDP },
			func(n int) int { peakNEONDOT(n); return n * peakNEONDOTMACs }, neondotRows),
	}
}
