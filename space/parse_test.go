package space

import (
	"reflect"
	"strings"
	"testing"

	"nas/blocks"
)

const tiny = "32x32x3 | conv_k3_s2_c16_relu | mbconv_k5_s2_x48_c24_hswish_se16:relu:hsigmoid " +
	"mbconv_k3_s1_d2_x72_c24_hswish_res | - | ds_k3_s1_c32_relu_both | classifier_c64_h32_relu_n10"

func TestParse(t *testing.T) {
	a, err := Parse(tiny)
	if err != nil {
		t.Fatal(err)
	}
	want := Arch{
		Input: blocks.Shape{H: 32, W: 32, C: 3},
		Stem:  []Block{{Kind: Conv, Kernel: 3, Stride: 2, Dilation: 1, Groups: 1, Channels: 16, Activation: blocks.ReLU}},
		Stages: [][]Block{
			{
				{Kind: MBConv, Kernel: 5, Stride: 2, Dilation: 1, Groups: 1, Expanded: 48, Channels: 24, Activation: blocks.HSwish,
					Attention: Attention{Kind: SE, Squeeze: 16, Inner: blocks.ReLU, Gate: blocks.HSigmoid}},
				{Kind: MBConv, Kernel: 3, Stride: 1, Dilation: 2, Groups: 1, Expanded: 72, Channels: 24, Activation: blocks.HSwish, Residual: true},
			},
			nil,
			{{Kind: DS, Kernel: 3, Stride: 1, Dilation: 1, Groups: 1, Channels: 32, Activation: blocks.ReLU, After: blocks.AfterBoth}},
		},
		Head: Head{Kind: Classifier, Channels: 64, Hidden: 32, Activation: blocks.ReLU, Classes: 10},
	}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("parsed\n%+v, want\n%+v", a, want)
	}
	if a.String() != tiny {
		t.Errorf("written\n%s, want\n%s", a, tiny)
	}
	// The ID names networks in files that outlive the program: it must not change.
	if got := a.ID(); got != "04e9eeed51cb" {
		t.Errorf("ID %s", got)
	}
}

// TestNetworkMarks checks names and marks, on which tables and plots rely.
func TestNetworkMarks(t *testing.T) {
	a, err := Parse(tiny)
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	type mark struct{ stage, block int }
	got := map[string]mark{}
	for _, nd := range n.Nodes {
		got[nd.Name] = mark{nd.Stage, nd.Block}
	}
	for name, want := range map[string]mark{
		"stem.conv":                    {0, 1},
		"stage1.block1.depthwise.conv": {1, 1},
		"stage1.block2.add":            {1, 2},
		"stage3.block1.pointwise.relu": {3, 1},
		"head.classifier":              {4, 0},
	} {
		if m, ok := got[name]; !ok || m != want {
			t.Errorf("node %q has marks %v (found: %v), want %v", name, m, ok, want)
		}
	}
}

// TestParseErrors: each text is refused with a message that says where and why.
func TestParseErrors(t *testing.T) {
	const (
		in   = "32x32x3"
		stem = " | conv_k3_s2_c16_relu"
		head = " | classifier_n10"
	)
	for _, tt := range []struct{ text, want string }{
		{"", `position 1: want the input's height, found ""`},
		{"32x32", `position 6: want "x", found ""`},
		{"32x32x3x1" + stem + head, `position 8: unknown token "x1"`},
		{"032x32x3" + stem + head, "position 1: the input's height starts with 0"},
		{in + stem, `position 30: want " | " and a stage or the head, found ""`},
		{in + head, "write - for a network without a stem"},
		{in + stem + head + " | -", `position 47: text after the head`},
		{in + stem + "  " + head, `position 31: unknown block ""`},
		{in + " | convolution_k3" + head, `position 11: unknown block "convolution"`},
		{in + " | skip" + head, `unknown block "skip"`},
		{in + " | conv_k03_s2_c16_relu" + head, "leading zeros"},
		{in + " | conv_s2_k3_c16_relu" + head, `position 15: want "_k", found "_s2_k3_c16_relu"`},
		{in + " | conv_k3_s2_d1_c16_relu" + head, "a dilation of 1 is the rule and is not written"},
		{in + " | conv_k3_s2_c16" + head, `want "_", found ""`},
		{in + " | conv_k3_s2_c16_gelu" + head, `position 26: unknown activation "gelu", want one of identity, relu,`},
		{in + " | conv_k3_s2_c16_relu_se8:relu:sigmoid" + head, `unknown token "_se8:relu:sigmoid"`},
		{in + stem + " | ds_k3_s1_c16_relu" + head, `want "_", found ""`},
		{in + stem + " | ds_k3_s1_c16_relu_before" + head, "want one of both, depthwise, pointwise"},
		{in + stem + " | grouped_k3_s1_c16_relu" + head, "number of groups is 1, want 2 or more in a grouped block"},
		{in + stem + " | grouped_k3_s1_g3_c16_relu" + head, "3 groups divide not both 16 input and 16 output channels"},
		{in + stem + " | mbconv_k3_s1_c16_relu" + head, `want "_x"`},
		{in + stem + " | mbconv_k3_s1_x16_c16_relu" + head, "write it as ds"},
		{in + stem + " | fused_k3_s1_x16_c16_relu" + head, "write it as conv"},
		{in + stem + " | conv_k4x4_s1_c16_relu" + head, "kernel width is 4, want 1 to 31 and another number than the height 4"},
		{in + stem + " | conv_k33_s1_c16_relu" + head, "kernel size is 33, want 1 to 31"},
		{in + stem + " | conv_k1_s1_d2_c16_relu" + head, "a 1x1 kernel has dilation 2"},
		{in + stem + " | conv_k3_s2_d2_c16_relu" + head, "dilation 2 and stride 2"},
		{in + stem + " | conv_k3_s2_c16_relu_res" + head, "want equal channels and stride 1"},
		{in + stem + " | ds_k3_s1_c16_identity_both" + head, "is written as depthwise"},
		{in + stem + " | ds_k3_s1_c16_relu_both_se8:relu:relu" + head, "gate of hsigmoid or sigmoid"},
		{in + stem + " | classifier_relu_n10", `want "_n"`},
		{in + stem + " | classifier_c8_n10", `unknown activation "n10"`},
		{in + stem + " | classifier_n0", "starts with 0"},
		{in + stem + " | - | lraspp_c8_t2_relu_n10", "takes detail from stage 2, want 1 to 1"},
		{in + stem + " | - | aspp_c8_d1_relu_n10", "not written"},
		{in + stem + " | ds_k3_s1_m1_c16_relu_both" + head, "not written"},
		{in + stem + " | mbconv_k3_s1_x32_m2_c16_relu" + head, `want "_c"`},
		{in + stem + " | ds_k3_s1_c16_relu_both_q99" + head, "number of experts is 99, want 0 to 64"},
		{in + stem + " | xception_k3_s1_c16_relu_q2" + head, `unknown token "_q2"`},
		{in + stem + " | conv_k3_s1_c16_relu_p2" + head, "a conv block has no pointwise experts"},
		{in + stem + " | ds_k3_s1_c16_relu_both_eca4" + head, "eca of 4 taps"},
		{"32x99999999999999999999x3" + stem + head, "is above 65536"},
		{"9000x32x3" + stem + head, "want sides of 1 to 8192"},
		{"8192x8192x3 | conv_k1_s1_c64_relu" + head, "more than 2^31 values"},
		{"1x1x3 | conv_k1_s1_c65536_relu | conv_k1_s1_c65536_relu" + head, "more than 2^31 weights"},
		{in + " |" + strings.Repeat(" conv_k1_s1_c8_relu", 1025) + head, "more than 1024 blocks"},
		{in + strings.Repeat(" | -", 200) + head, "want at most 128"},
		{strings.Repeat("9", 1<<17), "want at most 65536"},
	} {
		_, err := Parse(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "space: arch") {
			t.Errorf("Parse(%.80q):\n%v, want\n%s", tt.text, err, tt.want)
		}
	}
}

// FuzzParse: no text panics; what is accepted is in canonical form and lowers to
// counts that are not negative.
func FuzzParse(f *testing.F) {
	f.Add(tiny)
	r := newRand(5)
	for range 20 {
		s, err := New(randomSpec(r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s.Arch(s.Sample(r)).String())
	}
	f.Add("513x513x3 | conv_k3_s2_c32_relu6 | - | aspp_c256_d6:12:18_relu_n21")
	f.Add("64x128x3 | - | xception_k3_s2_c8_relu | grouped_k3_s1_g4_c8_swish_res | fast_scnn_c16_t1_relu_n19")
	f.Add("32x32x3 | - | ds_k3_s1_m2_c8_relu_both_eca3_q2_p4 mbconv_k5_s2_x16_c8_relu_cbam4_q2 | classifier_n2")
	f.Add("8192x8192x31 | conv_k31_s31_c65536_relu | lraspp_c65536_t1_relu_n65536")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		if got := a.String(); got != text {
			t.Fatalf("accepted %q, which is written %q", text, got)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatalf("%q was accepted and does not lower: %v", text, err)
		}
		if c := n.Counts(); c.MACs < 0 || c.Params < 0 || c.PeakActivations <= 0 {
			t.Fatalf("%q: counts %+v", text, c)
		}
	})
}

// The limit on an activation counts the widest tensor that a network has, and names it.
func TestParseLargeInputs(t *testing.T) {
	for text, want := range map[string]string{
		"1024x1024x3 | conv_k3_s1_c16_relu | mbconv_k3_s1_x96_c24_relu | classifier_c1280_relu_n1000": "",
		"1024x1024x3 | conv_k3_s1_c16_relu | classifier_c2048_relu_n1000":                             "",
		"1024x1024x3 | conv_k3_s1_c16_relu | classifier_c2056_relu_n1000":                             "1024x1024x2056 has more",
		"1024x1024x3 | conv_k3_s1_c512_relu | mbconv_k3_s1_x3072_c512_relu | classifier_n10":          "1024x1024x3072 has more",
		"1024x1024x3 | conv_k3_s2_c16_relu | ds_k3_s1_c24_relu_both | fast_scnn_c128_t1_relu_n2049":   "1024x1024x2049 has more",
	} {
		_, err := Parse(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
