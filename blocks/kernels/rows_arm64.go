//go:build !noasm

package kernels

// archISAs lists the one instruction set of 64-bit ARM that every processor has.
func archISAs() []isa {
	return []isa{{name: "neon", has: func() bool { return true }, rows: neonRows,
		peak: func(n int) int { peakF32NEON(n); return n * peakFlopsNEON }}}
}
