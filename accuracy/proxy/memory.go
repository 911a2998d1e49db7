package proxy

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"sync"

	"nas/blocks"
)

// room shares memory among networks that are run at the same time. A program that
// asks the system for more than there is ends at once and takes its run with it, so
// a network that needs too much fails before it starts, and one that needs what
// others use waits for them.
type room struct {
	mu    sync.Mutex
	freed sync.Cond
	used  float64
}

var theRoom = newRoom()

func newRoom() *room {
	r := new(room)
	r.freed.L = &r.mu
	return r
}

// enter waits until a batch of the network can be run and returns what to call
// afterwards. Which networks fail depends on the machine alone, not on what else
// runs on it.
func (r *room) enter(n *blocks.Network, batch int) (leave func(), err error) {
	k := n.Counts()
	// The largest maps at one moment, as much again for what is made in between, and weights.
	need := 4 * (2*float64(k.PeakActivations)*float64(batch) + float64(k.Params))
	most := machineMemory() / 2
	if need > most {
		return nil, fmt.Errorf("out of memory: a batch of %d at %s needs %s, and half of the memory is %s; lower the resolution or the width, or bound constraints.max_activation_bytes",
			batch, n.Nodes[0].Shape, gibibytes(need), gibibytes(most))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.used > 0 && r.used+need > most {
		r.freed.Wait()
	}
	r.used += need
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.used -= need
		r.freed.Broadcast()
	}, nil
}

func gibibytes(v float64) string { return strconv.FormatFloat(v/(1<<30), 'f', 1, 64) + " GiB" }

// machineMemory is what this process may use, in bytes: the machine's memory, what
// its container may have, or GOMEMLIMIT, the least that is known; infinite if
// none is.
func machineMemory() float64 {
	least := float64(debug.SetMemoryLimit(-1))
	if least >= math.MaxInt64/2 {
		least = math.Inf(1)
	}
	return min(least, installedMemory())
}

var installedMemory = sync.OnceValue(func() float64 {
	least := math.Inf(1)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range bytes.Lines(text) {
			if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "MemTotal:" {
				if kib, err := strconv.ParseFloat(string(f[1]), 64); err == nil {
					least = kib * 1024
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
})
