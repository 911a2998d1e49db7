package arena

import (
	"testing"

	"nas/blocks"
	"nas/blocks/tflite"
)

// TestPatches compares with a count by hand: two convolutions of kernel 3, of stride 1 and 2, then a linear layer.
func TestPatches(t *testing.T) {
	b := blocks.NewBuilder("test", blocks.Shape{H: 32, W: 32, C: 1})
	x := blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 1, Act: blocks.ReLU6}.Build(b, b.Input())
	x = b.Apply(
		"down",
		&blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.Pad{Bottom: 1, Right: 1}},
		x,
	)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("linear", &blocks.Linear{Out: 2}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Outline(n)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := Patches(m, 1<<20)
	// 16 patches of 4x4 of the map of 16x16x4. Each needs 9x9 values of the map before, 8x8 at the end: 16 channels of
	// them, 1296 bytes, beside the input of 1024 and the map of 1024.
	if want := 1024 + 1024 + 9*9*16; !ok || p.Operators != 2 || p.Grid != 4 || p.Bytes != want {
		t.Fatalf("%+v, want 4x4 patches up to operator 2 with %d bytes", p, want)
	}
	rows := 3*9 + 8 // of the first map that four patches make in a column, 3 of them one more than they keep
	first, second := float64(rows*rows-32*32)*9*16, 32.*32*9*16+16*16*9*16*4
	linear := 0. // is no convolution
	if want := 100 * first / (second + linear); p.MoreMACsPct < want-0.01 || p.MoreMACsPct > want+0.01 {
		t.Errorf("%.2f %% more multiply-accumulates, want %.2f", p.MoreMACsPct, want)
	}
	if _, ok := Patches(m, p.Bytes); ok {
		t.Error("patches need less than they need")
	}
}

// TestOnePatch checks that one patch needs what the operators need without patches.
func TestOnePatch(t *testing.T) {
	m := outlined(t, "mobilenet_v2@width=0.35,res=96")
	plan, err := Of(m)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrders(m)
	for cut := 2; cut < 12; cut++ {
		last := m.Operators[cut-1].Outputs[0]
		if !o.onlyLive(cut, last) {
			continue
		}
		bytes, more := o.patched(cut, 1)
		want := 0 // the input and the last map are kept throughout
		for i := 1; i <= cut; i++ {
			live := plan.Live()[i]
			if i > 1 {
				live += o.bytes[m.Inputs[0]]
			}
			if i < cut {
				live += o.bytes[last]
			}
			want = max(want, live)
		}
		if bytes != want || more != 0 {
			t.Errorf(
				"up to operator %d one patch needs %d bytes and %d more MACs, want %d and none",
				cut,
				bytes,
				more,
				want,
			)
		}
	}
}
