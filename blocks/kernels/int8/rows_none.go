//go:build noasm || !(amd64 || arm64)

package int8

// archSets is empty: only the portable set exists here.
func archSets() []*Set { return nil }
