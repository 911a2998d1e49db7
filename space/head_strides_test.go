package space

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
)

func denseSpec(head HeadSpec, classes int) Spec {
	return Spec{
		Input: []int{96, 64, 3}, Classes: classes, Stem: StemSpec{Channels: Ints{8}},
		Stage: []StageSpec{
			{Block: Strings{"ds"}, Channels: Ints{16}, Stride: Ints{2}},
			{Block: Strings{"mbconv"}, Channels: Ints{24}, Stride: Ints{2}, Depth: Ints{1, 2}},
			{Block: Strings{"mbconv"}, Channels: Ints{32}, Stride: Ints{2}, Expansion: Floats{2, 4}},
			{Block: Strings{"mbconv"}, Channels: Ints{40}, Stride: Ints{2}},
		},
		Head: head,
	}
}

// Features returns the last map of each stride, SSDLite two outputs for each of six maps.
func TestDenseHeads(t *testing.T) {
	for _, c := range []struct {
		head    HeadSpec
		classes int
		text    string
		outputs []blocks.Shape
	}{
		{HeadSpec{Kind: "features"}, 0, "| features", []blocks.Shape{{H: 12, W: 8, C: 24}, {H: 6, W: 4, C: 32}, {H: 3, W: 2, C: 40}}},
		{HeadSpec{Kind: "ssdlite", Channels: Ints{64}, Scale: "never"}, 5, "| ssdlite_c64_relu6_n5", []blocks.Shape{
			{H: 6, W: 4, C: 30}, {H: 6, W: 4, C: 24}, {H: 3, W: 2, C: 30}, {H: 3, W: 2, C: 24}, {H: 2, W: 1, C: 30}, {H: 2, W: 1, C: 24},
			{H: 1, W: 1, C: 30}, {H: 1, W: 1, C: 24}, {H: 1, W: 1, C: 30}, {H: 1, W: 1, C: 24}, {H: 1, W: 1, C: 30}, {H: 1, W: 1, C: 24}}},
	} {
		s, err := New(denseSpec(c.head, c.classes))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := New(s.Spec()); err != nil || again.Spec().Head.Kind != c.head.Kind {
			t.Errorf("%s: the completed spec is refused: %v", c.head.Kind, err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 8 {
			a := s.Arch(s.Sample(r))
			text := a.String()
			if b, err := Parse(text); err != nil || b.String() != text || !strings.HasSuffix(text, c.text) {
				t.Errorf("%s: %v, reads back as %v", text, err, b)
			}
			n, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			var shapes []blocks.Shape
			for _, i := range n.Returned() {
				shapes = append(shapes, n.Nodes[i].Shape)
			}
			if !slices.Equal(shapes, c.outputs) {
				t.Errorf("%s returns %v", text, shapes)
			}
			if c.head.Kind == "ssdlite" { // the finer predictor reads the expanded channels of the last stage's block
				wide := a.Stages[3][0].Expanded
				if i := slices.IndexFunc(n.Nodes, func(nd blocks.Node) bool {
					return nd.Name == "head.scores1.depthwise.conv"
				}); i < 0 || n.Nodes[i].Shape.C != wide {
					t.Errorf("%s: the finer map has not %d channels", text, wide)
				}
			}
		}
	}
}

func ssd(s Spec) Spec {
	s.Head.Kind, s.Classes = "ssdlite", 5
	return s
}

// A space that may lack a map of its head is refused as a whole.
func TestHeadStrides(t *testing.T) {
	for want, spoil := range map[string]func(*Spec){
		"multiply to 8, 16 or 32, not 64":       func(s *Spec) { s.Stage[3].Stride = Ints{2, 4} },
		"multiply to 8, 16 or 32, not 4":        func(s *Spec) { s.OutputStride = Ints{0, 4} },
		"no such key: a network that ends":      func(s *Spec) { s.Classes = 10 },
		"no such key: features are the maps":    func(s *Spec) { s.Head.Channels = Ints{64} },
		"2 as the last stride above 1, not 4":   func(s *Spec) { *s = ssd(*s); s.Stage[3].Stride = Ints{1, 4} },
		"at least 64 pixels a side, not 16":     func(s *Spec) { *s = ssd(*s); s.Input = []int{16, 16, 3} },
		"the number of classes, 1 to 16384":     func(s *Spec) { s.Head.Kind = "ssdlite" },
		"only classifier and ssdlite have":      func(s *Spec) { s.Head.Hidden = Ints{64} },
		"only lraspp and fast_scnn take detail": func(s *Spec) { s.Head.Low = 1 },
	} {
		spec := denseSpec(HeadSpec{Kind: "features"}, 0)
		spoil(&spec)
		if _, err := New(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What the limits of an arch let through can be lowered, and the rest is an error.
func TestDenseArchs(t *testing.T) {
	const body = "64x64x3 | conv_k3_s2_c8_relu6 | ds_k3_s2_c16_relu6_both | ds_k3_s2_c16_relu6_both | "
	for text, want := range map[string]string{
		body + "features":                                                           "",
		body + "ssdlite_c64_relu6_n5":                                               "",
		body + "ssdlite_c64_h32_relu6_n5":                                           "",
		body + "ssdlite_c1_relu6_n1":                                                "",
		body + "features_n5":                                                        "unknown token",
		body + "ssdlite_c64_relu6_n65536":                                           "2^31",
		"64x64x3 | conv_k3_s2_c8_relu6 | features":                                  "at stride 8, 16 or 32, not 2",
		"64x64x3 | conv_k3_s4_c8_relu6 | ssdlite_c64_relu6_n5":                      "twice the extent",
		"1x1x3 | conv_k3_s2_c8_relu6 | ssdlite_c64_relu6_n5":                        "twice the extent",
		"64x64x3 | conv_k3_s1_c8_relu6 | ssdlite_c64_relu6_n5":                      "twice the extent",
		"65x33x3 | conv_k3_s2_c8_relu6 | conv_k3_s1_c8_relu6 | ssdlite_c8_relu6_n2": "besides the input", "65x33x3 | conv_k3_s2_c8_relu6 | conv_k3_s2_c8_relu6 | ssdlite_c8_relu6_n2": "",
	} {
		a, err := Parse(text)
		if err == nil {
			_, err = a.Network()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
