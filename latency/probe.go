package latency

import (
	"slices"
	"time"
)

// probe is what runs behind each lap of a timed run: multiply-adds on registers, a
// microsecond of a fast core. A neighbour on the core's other hardware thread
// makes them take a tenth to one and a half times longer; they touch no memory, so
// they change nothing for the lap that follows.
func probe() {
	a, b, c, d, e, f, g, h := 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0
	for range 900 {
		a = a*0.999999 + 1e-7
		b = b*0.999999 + 1e-7
		c = c*0.999999 + 1e-7
		d = d*0.999999 + 1e-7
		e = e*0.999999 + 1e-7
		f = f*0.999999 + 1e-7
		g = g*0.999999 + 1e-7
		h = h*0.999999 + 1e-7
	}
	if a+b+c+d+e+f+g+h == 0 {
		panic("the probe was not computed") // so that the compiler cannot leave it out
	}
}

// probes tells calm moments from others. Only its own session's probes count: the
// clock of another may have been another.
type probes struct {
	ns   []int64 // the last of them, in a ring
	next int
	base float64 // of an undisturbed core, in nanoseconds; 0: not known yet
	seen int     // since base was looked for
	tick float64 // resolution of the clock, in nanoseconds
}

const (
	keptProbes = 1 << 13
	// calmly is how much longer than undisturbed a probe may take. The mildest
	// neighbours add some more to a probe, and up to a fifth to a network.
	calmly = 0.05
	// calmest is the quantile of the probes that is taken for undisturbed: on a busy host
	// few are, and some begin while the lap before them ends.
	calmest = 0.05
)

func newProbes() *probes {
	p := &probes{tick: 1e9}
	for range 200 {
		t := time.Now()
		d := time.Since(t)
		for d == 0 {
			d = time.Since(t)
		}
		p.tick = min(p.tick, float64(d))
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
	p.seen++
	if p.base == 0 && p.seen >= 500 || p.seen >= keptProbes/4 {
		p.find()
	}
}

// find looks for the undisturbed probe. What was found stays unless a shorter
// one turns up: where all of the last were disturbed it would be forgotten.
func (p *probes) find() {
	s := slices.Clone(p.ns)
	slices.Sort(s)
	if b := float64(s[int(calmest*float64(len(s)))]); p.base == 0 || b < p.base {
		p.base = b
	}
	p.seen = 0
}

// calm tells whether a probe was undisturbed.
func (p *probes) calm(ns int64) bool {
	return float64(ns) <= p.base+max(calmly*p.base, p.tick)
}
