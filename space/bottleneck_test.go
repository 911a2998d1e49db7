package space

import (
	"fmt"
	"strings"
	"testing"

	"nas/blocks/zoo"
)

// TestBottleneckCounts builds networks of torchvision, but for the pool behind their stem, from a space of one network.
// The parameters are those of torchvision 0.21, https://docs.pytorch.org/vision/0.21/models.html.
func TestBottleneckCounts(t *testing.T) {
	type row struct{ depth, channels, groups int }
	for _, c := range []struct {
		name      string
		stem      StemSpec
		expansion float64
		se        float64
		rows      []row
		want      int64
	}{
		{"resnext50_32x4d", StemSpec{Channels: Ints{64}, Kernel: Kernels{7}}, 0.5, 0,
			[]row{{3, 256, 32}, {4, 512, 32}, {6, 1024, 32}, {3, 2048, 32}}, 25_028_904},
		{"resnet50", StemSpec{Channels: Ints{64}, Kernel: Kernels{7}}, 0.25, 0,
			[]row{{3, 256, 1}, {4, 512, 1}, {6, 1024, 1}, {3, 2048, 1}}, 25_557_032},
		{"regnet_x_400mf", StemSpec{Channels: Ints{32}}, 1, 0,
			[]row{{1, 32, 2}, {2, 64, 4}, {7, 160, 10}, {12, 400, 25}}, 5_495_976},
		{"regnet_y_400mf", StemSpec{Channels: Ints{32}}, 1, 0.25,
			[]row{{1, 48, 6}, {3, 104, 13}, {6, 208, 26}, {6, 440, 55}}, 4_344_144},
	} {
		spec := Spec{Input: []int{64, 64, 3}, Classes: 1000, Stem: c.stem, Head: HeadSpec{Channels: Ints{0}}}
		for i, r := range c.rows {
			stride := 2
			if i == 0 && c.expansion < 1 {
				stride = 1
			}
			spec.Stage = append(spec.Stage, StageSpec{Block: Strings{"bottleneck"}, Channels: Ints{r.channels},
				Stride: Ints{stride}, Depth: Ints{r.depth}, Expansion: Floats{c.expansion}, Groups: Ints{r.groups},
				Activation: Strings{"relu"}, SE: Floats{c.se}, SEFrom: "input", SEGate: "sigmoid"})
		}
		s, err := New(spec)
		if err != nil {
			t.Fatal(c.name, err)
		}
		a := s.Arch(make(Genes, len(s.Genes())))
		n, err := a.Network()
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got := n.Counts().Params; got != c.want {
			t.Errorf("%s: %d params, want %d", c.name, got, c.want)
		}
		if b, err := Parse(a.String()); err != nil || b.String() != a.String() {
			t.Errorf("%s: %s reads as %s, %v", c.name, a, b, err)
		}
		b, err := FromNetwork(n)
		if err != nil || b.String() != a.String() {
			t.Errorf("%s: its network is described as\n%s, want\n%s (%v)", c.name, b, a, err)
		}
		around, divided := Around(a, Vary{})
		if s, err = New(around); err != nil {
			t.Fatal(c.name, err)
		}
		if got := s.Arch(s.Nearest(divided)).String(); got != divided.String() {
			t.Errorf("%s: nearest of its own space is\n%s, want\n%s", c.name, got, divided)
		}
	}
	n, err := zoo.Get("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	a, err := FromNetwork(n)
	if err != nil || fmt.Sprint(a.Stages[1][0]) != "bottleneck_k3_s2_x128_c512_relu_res" {
		t.Errorf("the zoo's resnet50 is %s, %v", a, err)
	}
}

func TestBottleneckMistakes(t *testing.T) {
	for _, c := range []struct {
		stage StageSpec
		want  string
	}{
		{StageSpec{}, "expansion is missing: want the ratio of inner to output channels of the bottleneck block, such as 0.25"},
		{StageSpec{Expansion: Floats{0.5}, Groups: Ints{3}},
			"groups = 3: want a divisor of 16, the channels that a bottleneck block meets at width 1"},
		{StageSpec{Expansion: Floats{1}, Activation: Strings{"identity"}},
			`activation = "identity": want a function: a bottleneck block is not linear`},
		{StageSpec{Expansion: Floats{1}, Experts: Ints{2}}, "experts = 2: want no such key: block bottleneck"},
	} {
		c.stage.Block, c.stage.Channels = Strings{"bottleneck"}, Ints{32}
		_, err := New(Spec{Input: []int{32, 32, 3}, Classes: 10, Stage: []StageSpec{c.stage}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %s", err, c.want)
		}
	}
}
