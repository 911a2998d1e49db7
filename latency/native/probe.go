package native

import (
	"slices"
	"time"

	"nas/latency/timing"
)

// probe runs after each segment of a timed run and takes one or two microseconds on an
// undisturbed core. It is sixteen sums kept in memory and updated in turn, so that each
// addition depends on a store about eighty instructions earlier. These store-to-load
// dependencies keep a core's reorder window full. If another hardware thread gets half of the
// window, whatever it does there, the probe takes 1.5 to 2 times as long, where sums in
// registers would hardly notice a co-tenant that slows a network down by a fifth. It touches
// two cache lines, so that it does not change what the next segment finds in the cache.
func probe() {
	var memory [16]float64
	x := memory[:]
	for range 160 {
		for i := range x {
			x[i] = x[i]*0.999999 + 1e-7
		}
	}
	if x[0] == 0 {
		panic("the probe was not computed") // so that the compiler cannot leave it out
	}
}

// probes are those of a session. They tell quiet moments from disturbed ones.
type probes struct {
	ns         []int64 // the last of them, in a ring
	sortBuf    []int64 // for sorting them: a session collects no garbage
	next       int
	base       float64 // what a probe takes on an undisturbed core, in nanoseconds; 0: not known yet
	sinceFound int     // number of probes since findBase
	tick       float64 // resolution of the clock, in nanoseconds
	// What segments took in quiet and in disturbed runs, those with both, summed up.
	quietMs, disturbedMs float64
}

const (
	keptProbes = 1 << 13
	// quietTolerance is how much longer than undisturbed a quiet probe may take. A busy hardware
	// thread beside adds half or more, a clock that falls adds less.
	quietTolerance = 0.25
	// quietQuantile is the quantile of the probes that is taken for undisturbed. On a busy host
	// few probes are, and the very shortest overlap with the end of their segment.
	quietQuantile = 0.05
)

// newProbes measures the resolution of the clock.
func newProbes() *probes {
	p := &probes{tick: 1e9} // a clock that stands still tells nothing
	begin := time.Now()
	for k := 0; k < 200 && time.Since(begin) < 20*time.Millisecond; k++ {
		t := time.Now()
		d := time.Since(t)
		for tries := 0; d == 0 && tries < 1<<16; tries++ {
			d = time.Since(t)
		}
		if d > 0 {
			p.tick = min(p.tick, float64(d))
		}
	}
	return p
}

// clockTolerance is the ratio of two cycles of a clock above which it is slower, not measured otherwise.
const clockTolerance = 1.03

// add adds the probe of a segment.
func (p *probes) add(ns int64) {
	if len(p.ns) < keptProbes {
		p.ns = append(p.ns, ns)
	} else {
		p.ns[p.next] = ns
		p.next = (p.next + 1) % keptProbes
	}
	p.sinceFound++
	if p.base == 0 && p.sinceFound >= 500 || p.sinceFound >= keptProbes/4 {
		p.findBase()
	}
}

// findBase sets base to the median of the quiet probes, but never to more than it was: the
// last probes may all have been disturbed.
func (p *probes) findBase() {
	s := p.sorted()
	n, least := 0, float64(s[int(quietQuantile*float64(len(s)))])
	for n < len(s) && float64(s[n]) <= p.limit(least) {
		n++
	}
	if b := float64(s[n/2]); p.base == 0 || b < p.base {
		p.base = b
	}
	p.sinceFound = 0
}

// sorted returns the probes in order; the next call overwrites them.
func (p *probes) sorted() []int64 {
	p.sortBuf = append(p.sortBuf[:0], p.ns...)
	slices.Sort(p.sortBuf)
	return p.sortBuf
}

// limit is the longest quiet probe if an undisturbed one takes base.
func (p *probes) limit(base float64) float64 { return base + max(quietTolerance*base, p.tick) }

// Quiet reports whether a probe was undisturbed. None is if the clock is too coarse to time
// probes, or if base is not known yet.
func (p *probes) quiet(ns int64) bool { return p.base >= 4*p.tick && float64(ns) <= p.limit(p.base) }

// recheck replaces base, which is that of another session, if it cannot be true for this one:
// if the shortest probes here take longer, and agree with each other. clock is the ratio of the
// clock's cycle to that of the other session, 0 if it is not known. If it is, base follows the
// clock and nothing else: a program that runs beside for all of the session makes all probes
// agree, too.
func (p *probes) recheck(clock float64) {
	if p.base == 0 || len(p.ns) == 0 {
		return
	}
	if clock > 0 {
		if clock > clockTolerance {
			p.base *= clock
		}
		return
	}
	s := p.sorted()
	least, fifth := float64(s[len(s)/20]), float64(s[len(s)/5])
	if least > p.limit(p.base) && fifth < 1.02*least+p.tick {
		p.base = 0
		p.findBase()
	}
}

// slowdown is the factor by which disturbed segments take longer. It begins with 1.4, which
// counts as much as 20 ms of segments.
func (p *probes) slowdown() float64 {
	const firstMs, first = 20, 1.4
	return max(1, (p.disturbedMs+first*firstMs)/(p.quietMs+firstMs))
}

// learn adds how much longer disturbed segments of a network took to what slowdown returns.
func (p *probes) learn(t *timing.Segments) {
	for _, segments := range t.Threads {
		for _, s := range segments {
			if s.Quiet >= 2 && s.Disturbed >= 2 {
				p.quietMs += s.Ms
				p.disturbedMs += s.DisturbedMs
			}
		}
	}
}
