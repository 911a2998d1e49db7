//go:build !linux

package host

// Temperature is not known.
func Temperature() float64 { return 0 }

func stolen() (seconds float64, ok bool) { return 0, false }
