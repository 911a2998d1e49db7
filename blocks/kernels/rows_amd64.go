//go:build !noasm

package kernels

// archISAs lists the instruction sets with assembly, from slow to fast.
func archISAs() []isa { return nil }
