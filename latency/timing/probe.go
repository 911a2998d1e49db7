package timing

import (
	"slices"
	"time"
)

// probe is what runs behind each lap of a timed run: sixteen sums in memory that go
// round and round, so that each addition waits for a store of some eighty instructions
// before. A core that hands half of its window of instructions to another hardware
// thread, whatever that does there, takes one and a half times to twice as long; sums
// in registers would hardly notice a neighbour that slows a network by a fifth. It
// touches two cache lines, so it changes nothing for the lap that follows.
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

// probes tells calm moments of a session from others.
type probes struct {
	ns         []int64 // the last of them, in a ring
	sortBuf    []int64 // for sorting them: garbage stays for as long as a session
	next       int
	base       float64 // of an undisturbed core, in nanoseconds; 0: not known yet
	sinceFound int     // since base was looked for
	tick       float64 // resolution of the clock, in nanoseconds
	// What laps took in calm moments and in others, all in all.
	quietMs, disturbedMs float64
}

const (
	keptProbes = 1 << 13
	// quietTolerance is how much longer than undisturbed a probe may take. Neighbours add half
	// and more to it, and nothing in between was seen; a clock that falls adds less.
	quietTolerance = 0.25
	// quietQuantile is the quantile of the probes that is taken for undisturbed: on a busy host
	// few are, and some begin while the lap before them ends.
	quietQuantile = 0.05
)

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

// add takes in the probe of a lap.
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

// findBase looks for the undisturbed probe: the median of the calm ones. What was found
// stays unless a shorter one turns up: where all of the last were disturbed it would be
// forgotten.
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

func (p *probes) sorted() []int64 {
	p.sortBuf = append(p.sortBuf[:0], p.ns...)
	slices.Sort(p.sortBuf)
	return p.sortBuf
}

func (p *probes) limit(base float64) float64 { return base + max(quietTolerance*base, p.tick) }

// quiet tells whether a probe was undisturbed. It cannot where the clock is too coarse
// for a probe, or nothing is known yet.
func (p *probes) quiet(ns int64) bool { return p.base >= 4*p.tick && float64(ns) <= p.limit(p.base) }

// recheck looks anew for what an undisturbed probe takes, if what was known from another
// session cannot be true: the shortest probes of this one are longer, and agree.
func (p *probes) recheck() {
	if p.base == 0 || len(p.ns) == 0 {
		return
	}
	s := p.sorted()
	least, fifth := float64(s[len(s)/20]), float64(s[len(s)/5])
	if least > p.limit(p.base) && fifth < 1.02*least+p.tick {
		p.base = 0
		p.findBase()
	}
}

// slowdown is by how much longer laps take in other moments, as a factor: 1.4 until
// enough is known.
func (p *probes) slowdown() float64 {
	const firstMs, first = 20, 1.4
	return max(1, (p.disturbedMs+first*firstMs)/(p.quietMs+firstMs))
}
