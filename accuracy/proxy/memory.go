package proxy

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"sync"

	"golang.org/x/sync/semaphore"

	"nas/blocks"
)

// memoryLimiter shares memory among networks that run at the same time. A program that
// asks the system for more than there is ends at once and takes its run with it, so
// a network that needs too much fails before it starts, and one that needs what
// others use waits for them.
type memoryLimiter struct {
	bytes float64 // that networks may use at a time
	free  *semaphore.Weighted
}

// limiter is that of this process: half of its memory.
var limiter = sync.OnceValue(func() *memoryLimiter { return newMemoryLimiter(machineMemory() / 2) })

func newMemoryLimiter(bytes float64) *memoryLimiter {
	return &memoryLimiter{bytes, semaphore.NewWeighted(int64(min(bytes, 1<<62)))}
}

// reserve waits until a batch of the network can be run and returns what to call
// afterwards. Which networks fail depends on the machine alone, not on what else
// runs on it.
func (l *memoryLimiter) reserve(ctx context.Context, n *blocks.Network, batch int) (release func(), err error) {
	k := n.Counts()
	// The largest maps at one moment, as much again for what is made in between, and weights.
	need := 4 * (2*float64(k.PeakActivations)*float64(batch) + float64(k.Params))
	if need > l.bytes {
		return nil, fmt.Errorf("out of memory: a batch of %d at %s needs %s, and half of the memory is %s; "+
			"lower the resolution or the width, or bound constraints.max_activation_bytes",
			batch, n.Nodes[0].Shape, gibibytes(need), gibibytes(l.bytes))
	}
	if err := l.free.Acquire(ctx, int64(need)); err != nil {
		return nil, err
	}
	return func() { l.free.Release(int64(need)) }, nil
}

func gibibytes(v float64) string { return strconv.FormatFloat(v/(1<<30), 'f', 1, 64) + " GiB" }

// machineMemory returns the bytes that this process may use: the least of the
// machine's memory, what its container may have, and GOMEMLIMIT, as far as they are
// known; infinite if none is.
func machineMemory() float64 {
	least := math.Inf(1)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64/2 {
		least = float64(limit)
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range bytes.Lines(text) {
			if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "MemTotal:" {
				if kib, err := strconv.ParseFloat(string(f[1]), 64); err == nil {
					least = min(least, kib*1024)
				}
			}
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if v, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64); err == nil {
			least = min(least, v)
		}
	}
	return least
}
