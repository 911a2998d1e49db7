package timing

import (
	"reflect"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// TestCallsOfLopsidedPadding pads the convolutions of stride 2 at the bottom and the right only, as
// Keras does: the same units, however the network is cut.
func TestCallsOfLopsidedPadding(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2@width=0.35,res=64")
	if err != nil {
		t.Fatal(err)
	}
	lopsided := *n
	lopsided.Nodes = append([]blocks.Node(nil), n.Nodes...)
	for i := range lopsided.Nodes {
		if op, ok := lopsided.Nodes[i].Op.(*blocks.Conv); ok && op.Stride == [2]int{2, 2} {
			c := *op
			c.Pad = blocks.Pad{Bottom: 1, Right: 1}
			lopsided.Nodes[i].Op = &c
		}
	}
	for _, cut := range []string{CutPlan, CutOps, CutBlocks} {
		d := Device{Cut: cut, Target: PhoneTarget(1)}
		want, err := d.Calls(n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Calls(&lopsided)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("cut %q: the calls differ", cut)
		}
	}
}
