package imagenet

import (
	"math"
	"strings"
	"testing"

	"nas/accuracy/benchmark"
	"nas/accuracy/features"
	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/stat"
	"nas/space"
)

func zooNet(t testing.TB, spec string) *blocks.Network {
	n, err := zoo.Get(spec)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func loaded(t testing.TB) *Model {
	m, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func estimateOf(t testing.TB, n *blocks.Network) Estimate {
	f := features.Of(n)
	e, err := loaded(t).Estimate(n.Name, &f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func estimate(t testing.TB, spec string) Estimate { return estimateOf(t, zooNet(t, spec)) }

// TestEstimateKnown holds the estimate to networks that it was fitted to: far
// below the interval's width, but not a memory of single figures.
func TestEstimateKnown(t *testing.T) {
	for _, tt := range []struct {
		spec string
		want float64
	}{
		{"mnasnet_a1", 75.2}, {"mnasnet_b1", 74.5}, {"mobilenet_v3_large", 75.2}, {"efficientnet_b0", 76.5},
		{"mnasnet_a1@width=0.5,res=160", 64.9},
	} {
		s := estimate(t, tt.spec)
		if math.Abs(s.Top1Pct-tt.want) > 1.5 || !(s.Low < s.Top1Pct && s.Top1Pct < s.High) || len(s.Warnings) > 0 {
			t.Errorf("%s: %.2f (%.2f to %.2f) %v, published %.1f", tt.spec, s.Top1Pct, s.Low, s.High, s.Warnings, tt.want)
		}
	}
}

// TestEstimateOrdersGrids: the published alpha x resolution grids of MobileNetV1
// and V2 come out in order.
func TestEstimateOrdersGrids(t *testing.T) {
	b, err := benchmark.Open("published")
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range []string{"v1", "v2"} {
		var x, y []float64
		for _, r := range b.Rows {
			if r.Group != family || !strings.HasSuffix(r.ID, " early") {
				continue
			}
			x, y = append(x, estimateOf(t, r.Network).Top1Pct), append(y, r.Truth)
		}
		if tau := stat.KendallTau(x, y); tau < 0.95 || len(x) < 16 {
			t.Errorf("%s: tau %.3f on %d networks, want 0.95", family, tau, len(x))
		}
	}
}

// TestEstimateSeesOneThing: pairs that differ in one gene, in the direction that
// the literature agrees on.
func TestEstimateSeesOneThing(t *testing.T) {
	for _, tt := range []struct{ better, worse string }{
		{"mobilenet_v3_large", "mobilenet_v3_large_minimalistic"},
		{"mobilenet_v3_small", "mobilenet_v3_small_minimalistic"},
		{"efficientnet_b0", "efficientnet_lite0"},
		{"mobilenet_v2@res=224", "mobilenet_v2@res=192"},
		{"mobilenet_v2@width=1.4", "mobilenet_v2"},
	} {
		if a, b := estimate(t, tt.better).Top1Pct, estimate(t, tt.worse).Top1Pct; a <= b {
			t.Errorf("%s %.2f, %s %.2f", tt.better, a, tt.worse, b)
		}
	}
}

// block builds a network of one inverted residual form repeated over five stages.
func block(t testing.TB, m blocks.InvertedResidual, expansion float64) *blocks.Network {
	b := blocks.NewBuilder("probe", blocks.Shape{H: 224, W: 224, C: 3})
	stem := blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.ReLU}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	for s, c := range []int{24, 40, 80, 160} {
		for l := range 2 {
			b.Mark(s+1, l+1)
			m.Out = c
			m.Expanded = int(expansion * float64(b.Shape(x).C))
			m.Stride = 2 - l
			k := m
			if l == 0 {
				k.Dilation = 0 // with a stride it would skip rows
			}
			x = blocks.Named{Name: "b", Block: k}.Build(b, x)
		}
	}
	b.Mark(5, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 1000, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEstimateIsNotFooled: what no network of the data has must not pay.
func TestEstimateIsNotFooled(t *testing.T) {
	of := func(expansion float64, m blocks.InvertedResidual) Estimate {
		m.Act = blocks.ReLU
		return estimateOf(t, block(t, m, expansion))
	}
	five, nine := of(4, blocks.InvertedResidual{Kernel: 5}), of(4, blocks.InvertedResidual{Kernel: 9})
	if d := five.Top1Pct - nine.Top1Pct; d <= 0 || d > 1 || len(nine.Warnings) == 0 ||
		nine.High-nine.Low <= five.High-five.Low {
		t.Errorf("kernel size 9: %.3f %v, 5: %.3f", nine.Top1Pct, nine.Warnings, five.Top1Pct)
	}
	six, twenty := of(6, blocks.InvertedResidual{Kernel: 3}), of(20, blocks.InvertedResidual{Kernel: 3})
	if gain := twenty.Top1Pct - six.Top1Pct; gain > 0.5 {
		t.Errorf("expansion 20 gains %.2f points over 6", gain)
	}
	dilated := of(6, blocks.InvertedResidual{Kernel: 3, Dilation: 2})
	if d := six.Top1Pct - dilated.Top1Pct; d <= 0 || d > 2 || len(dilated.Warnings) == 0 {
		t.Errorf("dilation 2: %.3f %v, none: %.3f", dilated.Top1Pct, dilated.Warnings, six.Top1Pct)
	}
}

func TestEstimateRefuses(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{"fast_scnn", "ends in a map"},
		{"mobilenet_v2@res=64", "96 pixels and more"},
	} {
		f := features.Of(zooNet(t, tt.spec))
		_, err := loaded(t).Estimate(tt.spec, &f)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "training-free") {
			t.Errorf("%s: %v, want a refusal", tt.spec, err)
		}
	}
	s := estimate(t, "mobilenet_v2@classes=10")
	k := estimate(t, "mobilenet_v2")
	if len(s.Warnings) != 1 || s.High-s.Low < 1.9*(k.High-k.Low) {
		t.Errorf("10 classes: %.2f to %.2f %v, 1000: %.2f to %.2f", s.Low, s.High, s.Warnings, k.Low, k.High)
	}
}

// TestCharges: what no feature reads costs what is said, and has its reason.
func TestCharges(t *testing.T) {
	const tail = " | mbconv_k3_s2_x96_c24_relu mbconv_k3_s1_x144_c24_relu_res | mbconv_k3_s2_x144_c40_relu" +
		" | mbconv_k3_s2_x240_c80_relu mbconv_k3_s1_x480_c80_relu_res" +
		" | mbconv_k3_s2_x480_c160_relu | classifier_c1280_relu_n1000"
	const head = "224x224x3 | conv_k3_s2_c32_relu | ds_k3_s1_c16_relu_both"
	of := func(arch string) (Estimate, error) {
		a, err := space.Parse(arch)
		if err != nil {
			t.Fatal(err)
		}
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		f := features.Of(n)
		return loaded(t).Estimate("x", &f)
	}
	plain, err := of(head + tail)
	if err != nil || len(plain.Charges) > 0 {
		t.Fatalf("a plain network: %v %v", plain, err)
	}
	for _, tt := range []struct {
		from, to string
		points   float64
		reason   string
	}{
		{"x144_c24_relu_res", "x144_c24_identity_res", 2, "nonlinear"},
		{"x144_c24_relu_res", "x144_c24_sigmoid_res", 1, "sigmoid"},
		{"x144_c24_relu_res", "x144_c24_relu", 0.3, "residual"},
		{"mbconv_k3_s1_x144", "mbconv_k2_s1_x144", 0.3, "below 3"},
		{"mbconv_k3_s1_x144", "mbconv_k4_s1_x144", 0.2, "even"}, // as the first of its kind, and for the block
		{"x144_c24_relu_res", "x144_c24_relu_se1:relu:hsigmoid_res", 0.1, "squeezes"},
		{"x480_c160_relu", "x480_c40_relu", 1.26, "narrower"}, // log2 12/6 and 48/40
		{"c1280_relu_n", "c128_relu_n", 2, "classifier"},
		{" | mbconv_k3_s2_x480_c160_relu", "", 1, "output stride"},
	} {
		e, err := of(strings.Replace(head+tail, tt.from, tt.to, 1))
		found := 0.0
		for _, c := range e.Charges {
			if strings.Contains(c.Reason, tt.reason) {
				found += c.Points
			}
		}
		if err != nil || math.Abs(found-tt.points) > 0.005 || e.Top1Pct >= plain.Top1Pct+0.01 {
			t.Errorf(
				"%s: charged %.3f of %v, want %.2f for %s; %.2f of %.2f, %v",
				tt.to,
				found,
				e.Charges,
				tt.points,
				tt.reason,
				e.Top1Pct,
				plain.Top1Pct,
				err,
			)
		}
	}
	for arch, want := range map[string]string{
		strings.ReplaceAll(strings.Replace(head+tail, "_both", "_depthwise", 1), "relu", "identity"): "no linear networks",
		strings.Replace(head+tail, "conv_k3_s2", "conv_k1_s4", 1):                                    "sees no more",
		strings.Replace(head+tail, "224x224", "96x480", 1):                                           "more than 4 to 1",
		"224x224x3 | conv_k3_s2_c32_relu | ds_k3_s1_c16_relu_both | classifier_n1000":                "5 blocks",
	} {
		_, err := of(arch)
		if _, ok := err.(Refusal); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a refusal with %q", arch, err, want)
		}
	}
	one, _ := of(head + tail)
	four, err := of(strings.Replace(head+tail, "mbconv_k3_s2_x480_c160_relu", "mbconv_k3_s2_x480_c160_relu_q4_p4", 1))
	if err != nil || four.Top1Pct != one.Top1Pct || len(four.Warnings) != 1 {
		t.Errorf("four experts: %.3f %v, one: %.3f, %v", four.Top1Pct, four.Warnings, one.Top1Pct, err)
	}
}
