package space_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks/zoo"
	"nas/space"
)

// TestAroundHoldsTheNetwork builds the space around networks of the zoo: the
// network itself must be in it, block by block, with its neighbours.
func TestAroundHoldsTheNetwork(t *testing.T) {
	for _, name := range []string{
		"mobilenet_v1", "mobilenet_v1@width=0.5,res=160", "mobilenet_v2", "mobilenet_v2@width=1.4", "mobilenet_v3_large",
		"mobilenet_v3_small", "mnasnet_a1", "mnasnet_b1", "efficientnet_b0", "efficientnet_lite0",
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := space.FromNetwork(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []space.Vary{{}, {SE: true, Activation: true}} {
			holds(t, name, a, v)
		}
	}
}

func holds(t *testing.T, name string, a space.Arch, v space.Vary) *space.Space {
	t.Helper()
	spec, b := space.Around(a, v)
	s, err := space.New(spec)
	if err != nil {
		t.Errorf("%s %+v: %v", name, v, err)
		return nil
	}
	if got := s.Arch(s.Nearest(b)).String(); got != b.String() {
		t.Errorf("%s %+v: nearest in the space around it is\n%s, want\n%s", name, v, got, b)
	}
	m, err := b.Network()
	if err != nil {
		t.Errorf("%s: divided anew it cannot be built: %v", name, err)
		return s
	}
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	if m.Counts() != n.Counts() {
		t.Errorf("%s: divided anew it counts %+v, want %+v", name, m.Counts(), n.Counts())
	}
	return s
}

// TestAroundOdd covers what the zoo does not: blocks that change within a stage,
// other gates, kernels of 1, experts, a segmentation head, no stem.
func TestAroundOdd(t *testing.T) {
	for _, text := range []string{
		"32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both ds_k3_s1_c16_relu6_both_res ds_k5_s1_c16_relu6_depthwise | classifier_c32_relu6_n10",
		"32x32x3 | - | conv_k1_s1_c16_relu conv_k3_s1_c16_relu_res grouped_k3_s1_g4_c16_relu | classifier_n10",
		"64x64x3 | conv_k3_s2_c16_hswish ds_k3_s1_c16_relu6_both | mbconv_k3_s2_x72_c24_relu_se24:relu:hsigmoid mbconv_k5_s1_x88_c24_hswish_se10:swish:sigmoid_res | classifier_c32_relu6_n10",
		"64x64x3 | conv_k3_s2_c16_hswish | mbconv_k3_s2_x64_c24_relu mbconv_k3_s1_d2_x72_c24_relu_res mbconv_k3_s1_d4_x72_c24_relu_res | lraspp_c32_t1_relu_n5",
		"64x64x3 | conv_k3_s2_c16_hswish | fused_k3_s2_x64_c24_relu fused_k3_s1_x72_c24_relu_q4 | aspp_c32_d6:12_relu_n5",
	} {
		a, err := space.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, text, a, space.Vary{})
		holds(t, text, a, space.Vary{SE: true, Activation: true})
	}
}

func TestAroundNeighbours(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	a, err := space.FromNetwork(n)
	if err != nil {
		t.Fatal(err)
	}
	s := holds(t, "mobilenet_v2", a, space.Vary{})
	want := map[string][]string{
		"stage[4].depth": {"3", "4", "5"}, "stage[4].channels": {"48", "64", "80"},
		"stage[4].block[5].kernel": {"3", "5", "7"}, "stage[4].block[1].expansion": {"3", "4", "6"},
	}
	for _, g := range s.Genes() {
		if w, ok := want[g.Name]; ok {
			if !slices.Equal(g.Choices, w) {
				t.Errorf("%s has the choices %v, want %v", g.Name, g.Choices, w)
			}
			delete(want, g.Name)
		}
		if g.Key == "se" || g.Key == "activation" {
			t.Errorf("%s varies though it was not allowed to", g.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("no such genes: %v", want)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		if _, err := s.Arch(s.Sample(r)).Network(); err != nil {
			t.Fatal(err)
		}
	}
}
