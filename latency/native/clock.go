package native

import "time"

// chain computes a chain of dependent operations, each of one cycle, and returns how long it took in nanoseconds. It
// needs one operation a cycle of a core that can do four or more, and no memory. So a busy hardware thread beside
// hardly changes it. The probe, the reference network and all kernels tell the load as well as the clock.
func chain() int64 {
	begin := time.Now()
	x := uint64(begin.Nanosecond()) | 1
	for range chainSteps { // xorshift: Marsaglia, Journal of Statistical Software, 2003
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	ns := time.Since(begin).Nanoseconds()
	if x == 0 {
		panic("the chain was not computed") // a xorshift never comes to 0
	}
	return ns
}

// chainSteps make a chain of some microseconds: six cycles each.
const chainSteps = 2000

// chainsAtOnce is how often the chain is timed beside each run of the reference network.
const chainsAtOnce = 2

// timeChain times the chain. The shortest of all times is the session's: everything but the clock only adds.
func (m *timer) timeChain() {
	for range chainsAtOnce {
		if ns := float64(chain()); ns > 0 && (m.chainNs == 0 || ns < m.chainNs) {
			m.chainNs = ns
		}
	}
}

// clockRatio is how much longer than in the profile's session the clock makes everything take; 0: not known.
func (m *timer) clockRatio() float64 {
	if m.known.ClockNs <= 0 {
		return 0
	}
	return m.chainNs / m.known.ClockNs
}
