package random

import (
	"math/rand/v2"
	"testing"
)

// The tags are part of what a seed means: recorded runs rest on them.
func TestStream(t *testing.T) {
	for name, tag := range map[string]uint64{
		"stale": 0x7374616c65, "cover": 0x636f766572, "calib": 0x63616c6962, "reference": 0x7265666572656e63,
		"values": 0x76616c756573, "blind": 0x626c696e64, "audit": 0x6175646974, "bases": 0x6261736573,
		"samples": 0, "rows": 1, "inputs": 2, "weights": 3, "bootstrap": 4, "scale": 5, "trained": 6,
	} {
		if got, want := Stream(7, name).Uint64(), rand.New(rand.NewPCG(7, tag)).Uint64(); got != want {
			t.Errorf("stream %q begins with %x, want %x", name, got, want)
		}
	}
}

// The first outputs of the reference implementation for the seed 0: the state
// before each is a multiple of the golden gamma.
func TestMix(t *testing.T) {
	var gamma uint64 = 0x9e3779b97f4a7c15 // products wrap
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := Mix(uint64(i) * gamma); got != want {
			t.Errorf("output %d is %x, want %x", i, got, want)
		}
	}
}
