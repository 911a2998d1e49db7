package features

import (
	"math"
	"testing"

	"nas/space"
)

// TestReadShare: the share of the input that is read, and what is left unread in between.
func TestReadShare(t *testing.T) {
	for _, tt := range []struct {
		stem          string // of an input of 64 x 96
		share, unread float64
	}{
		{"conv_k3_s2_c16_relu | ds_k3_s1_c16_relu_both", 1, 0},
		{"conv_k2_s2_c16_relu | ds_k3_s1_c16_relu_both", 1, 0},
		{"conv_k1_s2_c16_relu | ds_k3_s1_c16_relu_both", 0.25, 0},
		{"conv_k1_s4_c16_relu | ds_k3_s2_c16_relu_both", 1. / 16, 0},
		{"conv_k2_s4_c16_relu | ds_k3_s1_c16_relu_both", 0.25, 0},
		{"conv_k3_s1_c16_relu conv_k1_s2_c16_relu | ds_k3_s1_c16_relu_both", 1, 2},
		{"conv_k1_s2_c16_relu conv_k1_s2_c16_relu | ds_k3_s1_c16_relu_both", 1. / 16, 2},
		{"conv_k3x1_s2_c16_relu | ds_k3_s1_c16_relu_both", 0.5, 0},
		{"conv_k3_s2_c16_relu | mbconv_k3_s2_x48_c24_relu conv_k1_s2_c32_relu", 53. / 64 * 81 / 96, 2}, // 7 rows of 8
	} {
		a, err := space.Parse("64x96x3 | " + tt.stem + " | classifier_n10")
		if err != nil {
			t.Fatal(err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if f := Of(n); math.Abs(f.ReadShare-tt.share) > 1e-9 || math.Abs(f.Unread-tt.unread) > 1e-9 {
			t.Errorf("%s: reads %v of the input, leaves %v octaves unread, want %v and %v", tt.stem, f.ReadShare, f.Unread,
				tt.share, tt.unread)
		}
	}
	for _, name := range []string{"mobilenet_v2", "resnet50", "shufflenet_v2", "efficientnet_b0"} {
		if f := Of(known(t, name)); f.ReadShare != 1 || f.Traits != (Traits{}) {
			t.Errorf("%s: reads %v of its input, %+v", name, f.ReadShare, f.Traits)
		}
	}
}
