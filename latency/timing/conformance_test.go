package timing_test

import (
	"testing"

	"nas/latency/latencytest"
	"nas/latency/timing"
)

func TestNative(t *testing.T) { latencytest.Conformance(t, timing.NewNative(1)) }
