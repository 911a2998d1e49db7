//go:build noasm || !(amd64 || arm64)

package kernels

// archISAs is empty: only the portable kernels exist here.
func archISAs() []isa { return nil }
