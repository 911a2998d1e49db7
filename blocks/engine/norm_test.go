package engine

import (
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// Factors of a file fold into the layer before them, whatever way they are given, and are
// a unit by themselves elsewhere, also where the statistics are those of the batch.
func TestAffineFoldsOrRuns(t *testing.T) {
	b := blocks.NewBuilder("factors", blocks.Shape{H: 9, W: 8, C: 3})
	x := b.Apply("input", &blocks.Affine{Scale: 1, Scales: true, Shifts: true}, b.Input())
	x = b.Apply("expand", &blocks.Conv{Out: 24, Kernel: [2]int{1, 1}}, x)
	x = b.Act(blocks.ReLU6, b.Apply("numbers", &blocks.Affine{Scale: 0.5, Shift: -0.25}, x))
	x = b.Apply("dw", &blocks.Conv{Out: 24, Kernel: [2]int{3, 3}, Groups: 24, Pad: blocks.Pad{Top: 1, Left: 1}}, x)
	x = b.Act(blocks.ReLU, b.Apply("shifts", &blocks.Affine{Scale: -2, Shifts: true}, x))
	x = b.Apply("project", &blocks.Conv{Out: 20, Kernel: [2]int{1, 1}, Bias: true}, x)
	x = b.Apply("scales", &blocks.Affine{Scale: 1, Shift: 0.1, Scales: true}, x)
	y := b.Act(blocks.Swish, b.Apply("alone", &blocks.Affine{Scale: 3, Shift: 1}, x))
	x = b.Apply("fc", &blocks.Linear{Out: 7}, b.Apply("sum", &blocks.Add{}, x, y))
	b.Apply("last", &blocks.Affine{Scale: 1, Scales: true, Shifts: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 3)
	for i := range n.Nodes {
		for k, v := range w.Node(i) {
			if _, ok := n.Nodes[i].Op.(*blocks.Affine); ok {
				copy(v, noise(len(v), uint64(10*i+k)))
			}
		}
	}
	const batch = 3
	in := noise(batch*n.Input().Elems(), 4)
	want := oracle(t, n, w, in, batch)
	for _, isa := range kernels.Supported() {
		for _, stats := range []bool{false, true} {
			got := mustRun(t, n, w, small(isa, 1), Options{Batch: batch, BatchStats: stats}, in)
			near(t, isa, got, want, tolerance)
			identical(t, isa, mustRun(t, n, w, small(isa, 2), Options{Batch: batch, BatchStats: stats}, in), got)
		}
	}
	p, err := Compile(n, target("avx2", 1), Options{NoBlockFusion: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range p.Kernels() {
		names = append(names, c.Unit.Name)
	}
	if want := []string{"affine", "conv", "dwconv", "conv", "affine", "add", "linear"}; !slices.Equal(names, want) {
		t.Errorf("units %v, want %v", names, want)
	}
}
