package features

import (
	"testing"

	"nas/blocks/zoo"
	"nas/space"
)

// TestUneven: rectangular and even kernels are unseen.
func TestUneven(t *testing.T) {
	for arch, want := range map[string]bool{
		"64x64x3 | conv_k3_s2_c16_relu | ds_k5_s1_c16_relu_both_se4:relu:hsigmoid | classifier_n10": false,
		"64x64x3 | conv_k3_s2_c16_relu | ds_k5x3_s1_c16_relu_both | classifier_n10":                 true,
		"64x64x3 | conv_k3_s2_c16_relu | ds_k4_s1_c16_relu_both_cbam4 | classifier_n10":             true,
		"49x10x1 | conv_k10x4_s2_c16_relu | ds_k3_s1_c16_relu_both | classifier_n12":                true,
	} {
		a, err := space.Parse(arch)
		if err != nil {
			t.Fatal(err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(n).Unseen.Uneven; got != want {
			t.Errorf("%s: uneven is %v, want %v", arch, got, want)
		}
	}
}

// TestUniversal: MobileNetV4's blocks are unseen, inverted residuals and shortcuts are not
// taken for them.
func TestUniversal(t *testing.T) {
	for block, want := range map[string]bool{
		"mbconv_k3_s1_x48_c16_relu_res":               false,
		"ds_k3_s1_c16_relu_both":                      false,
		"conv_k1_s1_c16_relu":                         false,
		"uib_k3_s1_b3_x48_c16_relu_res":               true, // ExtraDW
		"uib_k0_s1_b3_x48_c16_relu_res":               true, // ConvNeXt
		"fused_k1_s1_x48_c16_relu_res":                true, // a feed-forward network
		"uib_k0_s2_x16_c24_relu":                      true, // the same without expansion
		"mbconv_k3_s2_x48_c24_relu_se8:relu:hsigmoid": false,
	} {
		a, err := space.Parse("64x64x3 | conv_k3_s2_c16_relu | " + block + " | classifier_n10")
		if err != nil {
			t.Fatal(err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(n).Unseen.Universal; got != want {
			t.Errorf("%s: universal is %v, want %v", block, got, want)
		}
	}
	for name, want := range map[string]bool{"mobilenet_v3_large": false, "resnet50": false, "shufflenet_v2": false,
		"inception_v3": false, "efficientnet_b0": false, "mobilenet_v4_conv_small": true} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(n).Unseen.Universal; got != want {
			t.Errorf("%s: universal is %v, want %v", name, got, want)
		}
	}
}
