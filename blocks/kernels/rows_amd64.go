//go:build !noasm

package kernels

import "golang.org/x/sys/cpu"

// archISAs lists the instruction sets with assembly, from slow to fast.
// x/sys/cpu also asks whether the operating system saves the registers.
func archISAs() []isa {
	return []isa{
		{name: "avx2", has: func() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }, rows: avx2Rows,
			peak: func(n int) int { peakF32AVX2(n); return n * peakFlopsAVX2 }},
		{name: "avx512", has: func() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL }, rows: avx512Rows,
			peak: func(n int) int { peakF32AVX512(n); return n * peakFlopsAVX512 }},
	}
}
