package native_test

import (
	"testing"

	"nas/latency/latencytest"
	"nas/latency/native"
)

func TestNative(t *testing.T) { latencytest.Conformance(t, native.New(1)) }
