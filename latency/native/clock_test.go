package native

import (
	"runtime"
	"testing"
)

// A busy hardware thread beside changes the shortest time of the chain by less than what counts as another clock, and a
// longer chain takes longer: the compiler left nothing out.
func TestChain(t *testing.T) {
	m := &timer{}
	shortest := func() float64 {
		m.chainNs = 0
		for range 400 {
			m.timeChain()
		}
		return m.chainNs
	}
	alone := shortest()
	if alone == 0 {
		t.Skip("the clock of this system does not see microseconds")
	}
	if alone < chainSteps || alone > 100*chainSteps { // six cycles a step, of 0.2 to 10 ns
		t.Errorf("%d steps took %g ns", chainSteps, alone)
	}
	stop, done := make(chan bool), make(chan float64)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			x := 1.0
			for {
				select {
				case <-stop:
					done <- x
					return
				default:
				}
				for range 1000 {
					x = x*0.999999 + 1e-7
				}
			}
		}()
	}
	beside := shortest()
	close(stop)
	for range runtime.GOMAXPROCS(0) {
		<-done
	}
	if r := beside / alone; r < 0.7 || r > 1.4 { // the clock of a test machine may change itself
		t.Errorf("the chain took %.2f times as long beside other work", r)
	}
}

func TestClockRatio(t *testing.T) {
	m := &timer{chainNs: 5000}
	if r := m.clockRatio(); r != 0 {
		t.Errorf("%g where nothing is known", r)
	}
	if m.known.ClockNs = 4000; m.clockRatio() != 1.25 {
		t.Errorf("%g, want 1.25", m.clockRatio())
	}
}
