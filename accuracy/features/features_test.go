package features

import (
	"math"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

func known(t *testing.T, spec string) *blocks.Network {
	t.Helper()
	n, err := zoo.Get(spec)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSlotsByHand reads the features of known networks by hand.
func TestSlotsByHand(t *testing.T) {
	tr := Of(known(t, "mobilenet_v2"))
	// Output stride 2: one block of 32 channels. Stride 4: 96 + 144. Stride 8: 144 + 192 + 192.
	// Stride 16: 4 blocks of width 64 (192 + 3 x 384), 3 of 96 (384 + 2 x 576). Stride 32: 576 + 2 x 960, then 960.
	want := [NumSlots][2]float64{{32, 1}, {240, 2}, {528, 3}, {1344, 4}, {1536, 3}, {2496, 3}, {960, 1}}
	for s, w := range want {
		f := tr.Slots[s*PerSlot:][:PerSlot]
		if got := math.Exp2(f[slotWidth]) * slotReference[s]; math.Abs(got-w[0]) > 1e-6 {
			t.Errorf("slot %d: expanded width %v, want %v", s, got, w[0])
		}
		if got := math.Exp2(f[slotDepth]); math.Abs(got-w[1]) > 1e-9 || f[slotKernel] != 3 || f[slotSE] != 0 {
			t.Errorf("slot %d: %v, want %v blocks of kernel size 3", s, f, w[1])
		}
	}
	c := known(t, "mobilenet_v2").Counts()
	if tr.MACs != float64(c.MACs) || tr.ConvParams != float64(c.Params-1281000) || tr.NumBlocks != 17 || tr.Swish != 0 {
		t.Errorf("macs %v, conv params %v, blocks %d, swish %v", tr.MACs, tr.ConvParams, tr.NumBlocks, tr.Swish)
	}
	tr = Of(known(t, "efficientnet_b0"))
	if tr.Slots[slotSE] != 1 || tr.Slots[2*PerSlot+slotKernel] != 5 || tr.Swish < 0.99 {
		t.Errorf("efficientnet_b0: %v, swish %v", tr.Slots, tr.Swish)
	}
}

// TestWithoutMarks: a network read from a file of another tool has no
// stage and block marks, and gives the same features.
func TestWithoutMarks(t *testing.T) {
	for _, spec := range []string{"mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0",
		"mnasnet_a1@width=0.5"} {
		n := known(t, spec)
		want := Of(n)
		for i := range n.Nodes {
			n.Nodes[i].Stage, n.Nodes[i].Block = 0, 0
		}
		if got := Of(n); got != want {
			t.Errorf("%s: without marks\n%v, with\n%v", spec, got, want)
		}
	}
}
