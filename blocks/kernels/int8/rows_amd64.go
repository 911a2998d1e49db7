//go:build !noasm

package int8

import "golang.org/x/sys/cpu"

// archSets lists the sets with assembly, from slow to fast.
func archSets() []*Set {
	x := &cpu.X86
	has2 := func() bool { return x.HasAVX2 && x.HasFMA }
	hasBW := func() bool { return x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL }
	rows := avx512vnniRows
	if !x.HasAVX512VBMI {
		rows = nil
		for _, r := range avx512vnniRows {
			if r.fam != famVec || r.vec != vecLookup {
				rows = append(rows, r)
			}
		}
	}
	return []*Set{
		newSet("avx2", lanes{vl: 8, unit: 2, steps: true}, has2,
			func(n int) int { peakAVX2(n); return n * peakAVX2MACs }, avx2Rows),
		newSet("avxvnni", lanes{vl: 8, unit: 4, steps: true}, func() bool { return has2() && x.HasAVXVNNI },
			func(n int) int { peakAVXVNNI(n); return n * peakAVXVNNIMACs }, avxvnniRows),
		newSet("avx512bw", lanes{vl: 16, unit: 2, masks: true, steps: true}, hasBW,
			func(n int) int { peakAVX512BW(n); return n * peakAVX512BWMACs }, avx512bwRows),
		newSet("avx512vnni", lanes{vl: 16, unit: 4, masks: true}, func() bool { return hasBW() && x.HasAVX512VNNI },
			func(n int) int { peakAVX512VNNI(n); return n * peakAVX512VNNIMACs }, rows),
	}
}
