package space

import "testing"

// TestKernelShapes builds keyword spotting from a space with rectangular and even kernels and
// takes it through the text form and the nearest genotype.
func TestKernelShapes(t *testing.T) {
	s, err := New(Spec{Input: []int{49, 10, 1}, Classes: 12,
		Stem: StemSpec{Channels: Ints{64}, Kernel: Kernels{3, Rectangle(10, 4)}, Activation: Strings{"relu"}},
		Stage: []StageSpec{{Block: Strings{"ds", "mbconv", "fused", "conv", "uib"}, Channels: Ints{64}, Depth: Ints{4},
			Kernel: Kernels{3, 4, Rectangle(5, 1)}, Activation: Strings{"relu"}, Expansion: Floats{1, 2}, Experts: Ints{1, 2}}},
		Head: HeadSpec{Channels: Ints{0}}})
	if err != nil {
		t.Fatal(err)
	}
	const text = "49x10x1 | conv_k10x4_s2_c64_relu | ds_k4_s1_c64_relu_both ds_k5x1_s1_c64_relu_both " +
		"mbconv_k5x1_s1_x128_c64_relu_res ds_k3_s1_c64_relu_both | classifier_n12"
	a, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Arch(s.Nearest(a)).String(); got != text {
		t.Errorf("nearest is %s, want %s", got, text)
	}
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := FromNetwork(n); err != nil || got.String() != text {
		t.Errorf("read off the network: %s, %v, want %s", got, err, text)
	}
	spec, divided := Around(a, Vary{})
	around, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := around.Arch(around.Nearest(divided)).String(); got != divided.String() {
		t.Errorf("around it: %s, want %s", got, divided)
	}
	r := newRand(3)
	for range 200 {
		a := s.Arch(s.Sample(r))
		if b, err := Parse(a.String()); err != nil || b.String() != a.String() {
			t.Fatalf("%s reads as %s, %v", a, b, err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := FromNetwork(n); err != nil || got.String() != a.String() {
			t.Fatalf("read off the network of %s: %s, %v", a, got, err)
		}
	}
	for _, g := range s.Genes() {
		if g.Name == "stem.kernel" && g.Choices[1] != "10x4" {
			t.Errorf("the choices of %s are %q", g.Name, g.Choices)
		}
	}
}

func TestNearestKernel(t *testing.T) {
	number := func(h, w int) float64 { return float64(Rectangle(h, w)) }
	choices := []float64{0, 3, 7, number(7, 1), number(10, 4)}
	for k, want := range map[KernelSize]int{0: 0, 1: 3, 3: 1, 6: 2, Rectangle(9, 1): 3, Rectangle(8, 5): 4,
		Rectangle(3, 2): 1} {
		if got := nearestKernel(choices, k); got != want {
			t.Errorf("nearest to %v is choice %d, want %d", k, got, want)
		}
	}
}
