package latencytest_test

import (
	"testing"

	"nas/latency/latencytest"
)

func TestSimulated(t *testing.T) {
	s := latencytest.NewSimulated(1, 0.01, 0.01)
	latencytest.Conformance(t, s)
	if s.Opened != 0 {
		t.Errorf("%d timers left open", s.Opened)
	}
}
