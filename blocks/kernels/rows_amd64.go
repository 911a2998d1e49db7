//go:build !noasm

package kernels

import "golang.org/x/sys/cpu"

// archISAs lists the instruction sets with assembly, from slow to fast.
// x/sys/cpu also asks whether the operating system saves the registers.
func archISAs() []isa {
	has2 := func() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }
	has512 := func() bool { return has2() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL }
	a2 := isa{name: "avx2", has: has2, rows: avx2Rows,
		peak: func(n int) int { peakF32AVX2(n); return n * peakFlopsAVX2 }}
	a512 := isa{name: "avx512", has: has512, rows: avx512Rows,
		peak: func(n int) int { peakF32AVX512(n); return n * peakFlopsAVX512 }}
	if has2() && doublePumped() {
		a512.best, a512.narrowK = doublePumpedRows(), 128
	}
	return []isa{a2, a512}
}

// doublePumped tells whether a 512-bit operation occupies two 256-bit units:
// AMD's family 25 (Zen 4).
func doublePumped() bool {
	_, b, c, d := cpuid(0)
	v, _, _, _ := cpuid(1)
	amd := b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163 // AuthenticAMD
	return amd && v>>8&15+v>>20&255 == 25
}

// doublePumpedRows are the avx512 rows with the GEMM tiles of up to 16 columns
// taken from avx2: such a processor broadcasts to two 256-bit registers in the
// time of one of 512 bits, and a tile of 16 columns is bound by its broadcasts.
// The results are the same bits.
func doublePumpedRows() []row {
	var rows []row
	for _, r := range avx512Rows {
		if gemm := r.fam == famGemm || r.fam == famIGemm; !gemm || r.nr >= 32 {
			rows = append(rows, r)
		}
	}
	for _, r := range avx2Rows {
		if gemm := r.fam == famGemm || r.fam == famIGemm; gemm && r.nr <= 16 {
			rows = append(rows, r)
		}
	}
	return rows
}
