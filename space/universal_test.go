package space

import (
	"testing"

	"nas/blocks/zoo"
)

// TestUniversalNormalForm: a universal bottleneck that is another block is written as that.
func TestUniversalNormalForm(t *testing.T) {
	for _, c := range []struct {
		before, kernel, stride int
		expansion              float64
		want                   string
	}{
		{0, 5, 1, 3, "mbconv_k5_s1_x48_c16_relu_res"},
		{0, 0, 1, 3, "fused_k1_s1_x48_c16_relu_res"},
		{3, 0, 1, 3, "uib_k0_s1_b3_x48_c16_relu_res"},
		{3, 5, 2, 3, "uib_k5_s2_b3_x48_c16_relu"},
		{0, 3, 1, 1, "uib_k3_s1_x16_c16_relu_res"},
		{0, 0, 2, 1, "uib_k0_s2_x16_c16_relu"},
	} {
		s, err := New(Spec{Input: []int{32, 32, 3}, Classes: 10, Stem: StemSpec{Channels: Ints{16}},
			Stage: []StageSpec{{Block: Strings{"uib"}, Channels: Ints{16}, Stride: Ints{c.stride},
				Kernel:       Kernels{KernelSize(c.kernel)},
				KernelBefore: Ints{c.before}, Expansion: Floats{c.expansion}, Activation: Strings{"relu"}}}})
		if err != nil {
			t.Fatal(err)
		}
		a := s.Arch(make(Genes, len(s.Genes())))
		if got := a.Stages[0][0].String(); got != c.want {
			t.Errorf("before %d, kernel %d, expansion %g: %s, want %s", c.before, c.kernel, c.expansion, got, c.want)
		}
		if _, err := a.Network(); err != nil {
			t.Error(err)
		}
	}
}

// TestMobileNetV4 takes the zoo's networks through the text form and into a space around
// them, where their blocks cost the same.
func TestMobileNetV4(t *testing.T) {
	for _, name := range []string{"mobilenet_v4_conv_small", "mobilenet_v4_conv_medium", "mobilenet_v4_conv_large"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := FromNetwork(n)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := Parse(a.String()); err != nil || b.String() != a.String() {
			t.Errorf("%s: %s reads as %s, %v", name, a, b, err)
		}
		m, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		// The Arch's hidden layer has a bias and no batch normalisation.
		if got, want := m.Counts(), n.Counts(); got.MACs != want.MACs || got.Params != want.Params-1280 {
			t.Errorf("%s: %d MACs, %d params as an arch, want %d, %d", name, got.MACs, got.Params, want.MACs, want.Params-1280)
		}
		spec, divided := Around(a, Vary{})
		s, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Arch(s.Nearest(divided)).String(); got != divided.String() {
			t.Errorf("%s: nearest of its own space is\n%s, want\n%s", name, got, divided)
		}
	}
}

func TestKernelZero(t *testing.T) {
	spec := Spec{Input: []int{32, 32, 3}, Classes: 10,
		Stage: []StageSpec{{Block: Strings{"uib", "mbconv"}, Channels: Ints{16}, Kernel: Kernels{0, 3}}}}
	_, err := New(spec)
	const want = "space: space.stage[1].kernel = 0: want 1 or more: " +
		"only a uib block can do without the convolution, not mbconv"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
