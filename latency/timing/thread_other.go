//go:build !linux

package timing

import (
	"fmt"
	"runtime"
	"time"
)

func usableCPUs() []int { return nil }

func fastCPUs(cpus []int) []int { return cpus }

func pin([]int, int) (restore func(), err error) {
	return nil, fmt.Errorf("not done on %s", runtime.GOOS)
}

type usage struct {
	switched int64
	cpu      time.Duration
}

func readUsage(int) usage { return usage{} }
