package explain

import (
	"strings"
	"time"

	"nas/blocks/engine"
	"nas/blocks/kernels"
	"nas/internal/report"
	"nas/latency"
	"nas/latency/native"
)

// What bounds a call.
const (
	boundMACs      = "multiply-adds"
	boundBandwidth = "bandwidth"
	boundOverhead  = "overhead"
)

// Roof is what the device can do at most (Williams, Waterman and Patterson, Roofline, CACM 2009).
type Roof struct {
	GMACs    float64 `json:"gmac_per_s"`       // multiply-adds, in 1e9 a second
	CacheGB  float64 `json:"cache_gb_per_s"`   // bytes that a second-level cache holds, in 1e9 a second
	MemoryGB float64 `json:"memory_gb_per_s"`  // bytes that it does not hold
	L2       int     `json:"l2_bytes"`         //
	Measured bool    `json:"measured_here"`    // or the best that the units of the profile reach
	Source   string  `json:"source,omitempty"` // in words
}

// Call is one call of a kernel.
type Call struct {
	Place string `json:"place"`
	Unit  string `json:"unit"`
	latency.Part
	MACs       int64   `json:"macs"`
	Bytes      int64   `json:"bytes"` // of the maps and weights that it reads and writes, each once
	Bound      string  `json:"bound"`
	ReachedPct float64 `json:"reached_pct"` // of the roof above it

	kind string // of work, by which pictures colour it
}

// Bound is the part of the latency that one thing bounds.
type Bound struct {
	By string `json:"by"` // "multiply-adds", "bandwidth", "overhead"
	latency.Part
	SharePct float64 `json:"share_pct"`
	Calls    int     `json:"calls"`
}

func newCall(c *engine.Call, p latency.Part, t *engine.Target) Call {
	u := &c.Unit
	return Call{
		Unit: u.Key(), Part: p, MACs: u.MACs(), Bytes: bytesOf(u, t), kind: report.KindOfWork(latency.Kernel{Unit: *u}),
	}
}

// bytesOf counts the bytes that a unit moves, each once.
func bytesOf(u *engine.Unit, t *engine.Target) int64 {
	n := u.BytesIn() + u.BytesOut() + u.BytesWeights()
	if t.DType == engine.Int8 {
		n /= 4
	}
	return n
}

// explained is the least share of a call's time that its multiply-adds or its bytes must take at the roof. A call of
// which both take less is bound by neither.
const explained = 0.25

// bound says what bounds a call, and what share of that roof it reaches, in per cent. The rest of the time of one that
// is bound by overhead goes to activations, tails of tiles, latencies of instructions and the start of the call.
func (r *Roof) bound(c *Call) (by string, reachedPct float64) {
	arithmetic := float64(c.MACs) / max(r.GMACs, 1e-9) / 1e6 // ms
	bandwidth := r.MemoryGB
	if c.Bytes <= int64(r.L2) {
		bandwidth = r.CacheGB
	}
	moving := float64(c.Bytes) / max(bandwidth, 1e-9) / 1e6
	by, most := boundMACs, arithmetic
	if moving > arithmetic {
		by, most = boundBandwidth, moving
	}
	if most < explained*c.Ms {
		by = boundOverhead
	}
	return by, 100 * most / max(c.Ms, 1e-12)
}

// roofOf is the roof of a profile's device: measured if it is one thread of this machine, else what the units of the
// profile and those of the network reach.
func roofOf(p *latency.Profile, r *latency.Predictor, calls []engine.Call) Roof {
	t := &p.Device.Target
	roof := Roof{L2: t.L2}
	if p.Device.Name == native.New(1).Device().Name && t.DType == engine.Float32 && p.Matches(native.New(1)) == nil {
		if set, err := kernels.Default(); err == nil {
			roof.GMACs = set.Peak() / 2
			roof.CacheGB, roof.MemoryGB = copyRate(t.L2/2), copyRate(max(8*t.L2, 1<<25))
			roof.Measured, roof.Source = true, "measured on this machine"
			return roof
		}
	}
	reach := func(u *engine.Unit, ms float64) {
		if ms <= 0 || strings.HasPrefix(u.Name, "eval.") {
			return
		}
		roof.GMACs = max(roof.GMACs, float64(u.MACs())/ms/1e6)
		bytes := bytesOf(u, t)
		rate := float64(bytes) / ms / 1e6
		if bytes <= int64(t.L2) {
			roof.CacheGB = max(roof.CacheGB, rate)
		} else {
			roof.MemoryGB = max(roof.MemoryGB, rate)
		}
	}
	for i := range p.Units {
		reach(&p.Units[i].Unit, p.Units[i].Ms)
	}
	for i := range calls {
		ms, _ := r.Unit(&calls[i].Unit)
		reach(&calls[i].Unit, ms)
	}
	if roof.CacheGB == 0 || roof.MemoryGB == 0 {
		roof.CacheGB = max(roof.CacheGB, roof.MemoryGB)
		roof.MemoryGB = roof.CacheGB
	}
	roof.Source = "the best that single kernels reach in the profile"
	return roof
}

// copyRate is the rate of copying between two halves of so many bytes, read and written, in 1e9 bytes a second: the
// best of some rounds in about 20 ms, warm.
func copyRate(size int) float64 {
	size = max(size, 1<<14) / 2
	from, to := make([]byte, size), make([]byte, size)
	rounds := max(1, (1<<22)/size)
	copy(from, to) // the system gives memory when it is first touched
	copy(to, from)
	best, tries := 0.0, 0
	for begin := time.Now(); time.Since(begin) < 20*time.Millisecond || tries < 5; tries++ {
		at := time.Now()
		for range rounds {
			copy(to, from)
		}
		best = max(best, 2*float64(size)*float64(rounds)/float64(time.Since(at).Nanoseconds()+1))
	}
	return best
}
