package timing

import (
	"testing"

	"nas/blocks"
)

func TestConcatenationsAreCopies(t *testing.T) {
	b := blocks.NewBuilder("n", blocks.Shape{H: 8, W: 8, C: 4})
	x := blocks.ConvBNAct{Out: 6, Kernel: 3, Act: blocks.ReLU}.Build(b, b.Input())
	y := blocks.ConvBNAct{Out: 2, Act: blocks.ReLU}.Build(b, x)
	z := b.Apply("join", &blocks.Concat{}, x, y)
	blocks.ConvBNAct{Out: 3}.Build(b, z)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		CutOps:    {"conv", "conv", "conv"},
		CutTFLite: {"conv", "conv", "copy 8x8x8>8x8x8", "conv"},
	}
	for cut, names := range want {
		calls, err := Device{Cut: cut, Target: PhoneTarget(1)}.Calls(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(calls) != len(names) {
			t.Fatalf("%s: %d calls, want %v", cut, len(calls), names)
		}
		for i, c := range calls {
			if key := c.Unit.Key(); key[:len(names[i])] != names[i] {
				t.Errorf("%s: call %d is %q, want %s", cut, i+1, key, names[i])
			}
		}
	}
}
