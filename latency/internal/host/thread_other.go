//go:build !linux

package host

import (
	"fmt"
	"runtime"
	"time"
)

// UsableCPUs lists no cores: this system does not tell.
func UsableCPUs() []int { return nil }

func fastCPUs(cpus []int) []int { return cpus }

func pin([]int, int) (restore func(), err error) {
	return nil, fmt.Errorf("not done on %s", runtime.GOOS)
}

// Usage is always zero: this system does not tell.
type Usage struct {
	Switched int64
	CPU      time.Duration
}

// ReadUsage returns nothing.
func ReadUsage(int) Usage { return Usage{} }
