package space

import "testing"

// TestNearestMobileNetV2 maps MobileNetV2 into a space of fewer stages and other
// channels: the body must survive block by block where the space has its choices.
func TestNearestMobileNetV2(t *testing.T) {
	v2, err := New(mobileNetV2(1, 224))
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Input: []int{224, 224, 3}, Classes: 1000, Resolution: Ints{160, 192, 224}, Width: Floats{0.5, 1, 1.25},
		Stage: []StageSpec{
			{Block: Strings{"ds"}, Channels: Ints{16, 24}, ActivationAfter: Strings{"both", "depthwise"}},
			{Channels: Ints{24, 32}, Stride: Ints{2}, Depth: Ints{1, 2, 3, 4}, Kernel: Kernels{3, 5}, Expansion: Floats{3, 6}},
			{Channels: Ints{32, 40}, Stride: Ints{2}, Depth: Ints{1, 2, 3, 4}, Kernel: Kernels{3, 5}, Expansion: Floats{3, 6}},
			{Channels: Ints{64, 80}, Stride: Ints{2}, Depth: Ints{1, 2, 3, 4}, Kernel: Kernels{3, 5}, Expansion: Floats{3, 6}, SE: Floats{0, 0.25}},
			{Channels: Ints{96, 112}, Depth: Ints{1, 2, 3, 4}, Kernel: Kernels{3, 5}, Expansion: Floats{3, 6}, Dilation: Ints{1, 2}},
			{Channels: Ints{128, 160}, Stride: Ints{2}, Depth: Ints{1, 2, 3, 4}, Kernel: Kernels{3, 5}, Expansion: Floats{3, 6}},
		}}
	s, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	const want = "224x224x3 | conv_k3_s2_c32_relu6 | ds_k3_s1_c16_relu6_depthwise | " +
		"mbconv_k3_s2_x96_c24_relu6 mbconv_k3_s1_x144_c24_relu6_res | " +
		"mbconv_k3_s2_x144_c32_relu6 mbconv_k3_s1_x192_c32_relu6_res mbconv_k3_s1_x192_c32_relu6_res | " +
		"mbconv_k3_s2_x192_c64_relu6 mbconv_k3_s1_x384_c64_relu6_res mbconv_k3_s1_x384_c64_relu6_res " +
		"mbconv_k3_s1_x384_c64_relu6_res | " +
		"mbconv_k3_s1_x384_c96_relu6 mbconv_k3_s1_x576_c96_relu6_res mbconv_k3_s1_x576_c96_relu6_res | " +
		// The block of 320 channels has no stage of its own: it joins the one before.
		"mbconv_k3_s2_x576_c160_relu6 mbconv_k3_s1_x960_c160_relu6_res mbconv_k3_s1_x960_c160_relu6_res " +
		"mbconv_k3_s1_x960_c160_relu6_res | " +
		"classifier_c1280_relu6_n1000"
	if got := s.Arch(s.Nearest(v2.Arch(Genes{}))).String(); got != want {
		t.Errorf("nearest to MobileNetV2:\n%s, want\n%s", got, want)
	}
}
