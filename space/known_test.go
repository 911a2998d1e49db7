package space

import (
	"fmt"
	"testing"
)

// one returns a stage of fixed numbers.
func one(block string, c, s, n, k int, e float64, act string) StageSpec {
	return StageSpec{Block: Strings{block}, Channels: Ints{c}, Stride: Ints{s}, Depth: Ints{n},
		Kernel:    Kernels{KernelSize(k)},
		Expansion: Floats{e}, Activation: Strings{act}}
}

func withSE(st StageSpec, ratio float64, from, act, gate string) StageSpec {
	st.SE, st.SEFrom, st.SEActivation, st.SEGate = Floats{ratio}, from, act, gate
	return st
}

func mobileNetV1(width float64, res int) Spec {
	s := Spec{Input: []int{res, res, 3}, Classes: 1000, Width: Floats{width},
		Stem: StemSpec{Channels: Ints{32}, Activation: Strings{"relu"}}, Head: HeadSpec{Channels: Ints{0}}}
	for _, r := range [][3]int{{64, 1, 1}, {128, 2, 2}, {256, 2, 2}, {512, 2, 6}, {1024, 2, 2}} {
		s.Stage = append(s.Stage, StageSpec{Block: Strings{"ds"}, Channels: Ints{r[0]}, Stride: Ints{r[1]}, Depth: Ints{r[2]},
			Activation: Strings{"relu"}, ActivationAfter: Strings{"both"}})
	}
	return s
}

func mobileNetV2(width float64, res int) Spec {
	s := Spec{Input: []int{res, res, 3}, Classes: 1000, Width: Floats{width}}
	for _, r := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1},
		{6, 160, 3, 2}, {6, 320, 1, 1}} {
		s.Stage = append(s.Stage, one("mbconv", r[1], r[3], r[2], 3, float64(r[0]), "relu6"))
	}
	return s
}

func mobileNetV3Large() Spec {
	se := func(st StageSpec) StageSpec { return withSE(st, 0.25, "expanded", "relu", "hsigmoid") }
	return Spec{Input: []int{224, 224, 3}, Classes: 1000,
		Stem: StemSpec{Channels: Ints{16}, Activation: Strings{"hswish"}},
		Stage: []StageSpec{
			one("mbconv", 16, 1, 1, 3, 1, "relu"),
			one("mbconv", 24, 2, 1, 3, 4, "relu"), one("mbconv", 24, 1, 1, 3, 3, "relu"),
			se(one("mbconv", 40, 2, 1, 5, 3, "relu")), se(one("mbconv", 40, 1, 2, 5, 3, "relu")),
			one("mbconv", 80, 2, 1, 3, 6, "hswish"), one("mbconv", 80, 1, 1, 3, 2.5, "hswish"), one("mbconv", 80, 1, 2, 3, 2.3, "hswish"),
			se(one("mbconv", 112, 1, 2, 3, 6, "hswish")),
			se(one("mbconv", 160, 2, 1, 5, 6, "hswish")), se(one("mbconv", 160, 1, 2, 5, 6, "hswish")),
		},
		Head: HeadSpec{Channels: Ints{960}, Hidden: Ints{1280}, Activation: Strings{"hswish"}}}
}

func mobileNetV3Small() Spec {
	se := func(st StageSpec) StageSpec { return withSE(st, 0.25, "expanded", "relu", "hsigmoid") }
	return Spec{Input: []int{224, 224, 3}, Classes: 1000,
		Stem: StemSpec{Channels: Ints{16}, Activation: Strings{"hswish"}},
		Stage: []StageSpec{
			se(one("mbconv", 16, 2, 1, 3, 1, "relu")),
			one("mbconv", 24, 2, 1, 3, 4.5, "relu"), one("mbconv", 24, 1, 1, 3, 88./24, "relu"),
			se(one("mbconv", 40, 2, 1, 5, 4, "hswish")), se(one("mbconv", 40, 1, 2, 5, 6, "hswish")),
			se(one("mbconv", 48, 1, 1, 5, 3, "hswish")), se(one("mbconv", 48, 1, 1, 5, 3, "hswish")),
			se(one("mbconv", 96, 2, 1, 5, 6, "hswish")), se(one("mbconv", 96, 1, 2, 5, 6, "hswish")),
		},
		Head: HeadSpec{Channels: Ints{576}, Hidden: Ints{1024}, Activation: Strings{"hswish"}}}
}

func efficientNet(width, depth float64, res, head int) Spec {
	s := Spec{Input: []int{res, res, 3}, Classes: 1000, Width: Floats{width},
		Stem: StemSpec{Channels: Ints{32}, Activation: Strings{"swish"}},
		Head: HeadSpec{Channels: Ints{1280}, Activation: Strings{"swish"}, Scale: "always"}}
	for _, r := range [][5]int{{1, 3, 1, 1, 16}, {2, 3, 2, 6, 24}, {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80},
		{3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320}} {
		n := int(float64(r[0])*depth + 0.9999)
		s.Stage = append(s.Stage, withSE(one("mbconv", r[4], r[2], n, r[1], float64(r[3]), "swish"), 0.25, "input",
			"swish", "sigmoid"))
	}
	return s
}

func deepLab(rates []int) Spec {
	s := mobileNetV2(1, 513)
	s.Classes, s.OutputStride = 21, Ints{16}
	s.Head = HeadSpec{Kind: "aspp", Channels: Ints{256}, Rates: rates}
	return s
}

func fastSCNN() Spec {
	s := Spec{Input: []int{1024, 2048, 3}, Classes: 19, Stem: StemSpec{Activation: Strings{"relu"}},
		Head: HeadSpec{Kind: "fast_scnn", Low: 2, Activation: Strings{"relu"}}}
	for _, c := range []int{48, 64} {
		s.Stage = append(s.Stage, StageSpec{Block: Strings{"ds"}, Channels: Ints{c}, Stride: Ints{2},
			Activation: Strings{"relu"}})
	}
	for _, r := range [][2]int{{64, 2}, {96, 2}, {128, 1}} {
		s.Stage = append(s.Stage, one("mbconv", r[0], r[1], 3, 3, 6, "relu"))
	}
	return s
}

// TestPublished checks that the literature's networks can be written as spaces
// of one network, with their exact counts. Counts follow the convention of
// package blocks; the figures are derived in layer-by-layer tables from the
// papers and reference code.
func TestPublished(t *testing.T) {
	for _, tt := range []struct {
		name         string
		spec         Spec
		params, macs int64
	}{
		{"mobilenet_v1", mobileNetV1(1, 224), 4231976, 568740352},
		{"mobilenet_v1@width=0.5,res=160", mobileNetV1(0.5, 160), 1331592, 76524800},
		{"mobilenet_v1@width=0.25,res=128", mobileNetV1(0.25, 128), 470072, 13570048},
		{"mobilenet_v2", mobileNetV2(1, 224), 3504872, 300774272},
		{"mobilenet_v2@width=1.4", mobileNetV2(1.4, 224), 6108776, 582195824},
		{"mobilenet_v2@width=0.75,res=192", mobileNetV2(0.75, 192), 2636424, 153941888},
		{"mobilenet_v2@width=0.35,res=96", mobileNetV2(0.35, 96), 1677128, 11934128},
		{"mobilenet_v3_large", mobileNetV3Large(), 5483032, 216589760},
		{"mobilenet_v3_small", mobileNetV3Small(), 2542856, 56510400},
		{"efficientnet_b0", efficientNet(1, 1, 224, 1280), 5288548, 385814752},
		{"efficientnet_b1", efficientNet(1, 1.1, 240, 1280), 7794184, 686802832},
		{"efficientnet_b4", efficientNet(1.4, 1.8, 380, 1792), 19341616, 4393771024},
		{"deeplabv3_mobilenet_v2, no ASPP", deepLab([]int{}), 2113557, 2740709056},
		{"deeplabv3_mobilenet_v2, ASPP", deepLab(nil), 4523541, 5363508928},
		{"fast_scnn", fastSCNN(), 1138051, 6709649408},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if n := s.Size(); n.Int64() != 1 {
				t.Errorf("size %v, want 1", n)
			}
			a := s.Arch(make(Genes, len(s.Genes())))
			n, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			if c := n.Counts(); c.Params != tt.params || c.MACs != tt.macs {
				t.Errorf("params %d, MACs %d, want %d, %d\n%v", c.Params, c.MACs, tt.params, tt.macs, a)
			}
			if back, err := Parse(a.String()); err != nil || fmt.Sprint(back) != fmt.Sprint(a) {
				t.Errorf("Parse(%q): %v", a, err)
			}
		})
	}
}
