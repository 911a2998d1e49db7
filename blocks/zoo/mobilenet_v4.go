package zoo

import (
	"strconv"

	"nas/blocks"
)

// v4Row is n equal blocks of MobileNetV4, of which the first has the stride. A row without
// expansion is a convolution of size mid; with fused the first two convolutions are one; the
// others are universal inverted bottlenecks.
type v4Row struct {
	before, mid int // kernel sizes, 0 is none
	stride      int
	expand      float64
	out, n      int
	fused       bool
}

// v4 is one network of MobileNetV4: tables 10 to 12 of Qin et al. (ECCV 2024), a list of rows
// for each stage.
type v4 struct {
	stem   int
	stages [][]v4Row
}

var v4Small = v4{stem: 32, stages: [][]v4Row{
	{{mid: 3, stride: 2, out: 32, n: 1}, {mid: 1, stride: 1, out: 32, n: 1}},
	{{mid: 3, stride: 2, out: 96, n: 1}, {mid: 1, stride: 1, out: 64, n: 1}},
	{{before: 5, mid: 5, stride: 2, expand: 3, out: 96, n: 1}, {mid: 3, stride: 1, expand: 2, out: 96, n: 4},
		{before: 3, stride: 1, expand: 4, out: 96, n: 1}},
	{{before: 3, mid: 3, stride: 2, expand: 6, out: 128, n: 1}, {before: 5, mid: 5, stride: 1, expand: 4, out: 128, n: 1},
		{mid: 5, stride: 1, expand: 4, out: 128, n: 1}, {mid: 5, stride: 1, expand: 3, out: 128, n: 1},
		{mid: 3, stride: 1, expand: 4, out: 128, n: 2}},
	{{mid: 1, stride: 1, out: 960, n: 1}},
}}

var v4Medium = v4{stem: 32, stages: [][]v4Row{
	{{mid: 3, stride: 2, expand: 4, out: 48, n: 1, fused: true}},
	{{before: 3, mid: 5, stride: 2, expand: 4, out: 80, n: 1}, {before: 3, mid: 3, stride: 1, expand: 2, out: 80, n: 1}},
	{{before: 3, mid: 5, stride: 2, expand: 6, out: 160, n: 1}, {before: 3, mid: 3, stride: 1, expand: 4, out: 160, n: 2},
		{before: 3, mid: 5, stride: 1, expand: 4, out: 160, n: 1}, {before: 3, mid: 3, stride: 1, expand: 4, out: 160, n: 1},
		{before: 3, stride: 1, expand: 4, out: 160, n: 1}, {stride: 1, expand: 2, out: 160, n: 1},
		{before: 3, stride: 1, expand: 4, out: 160, n: 1}},
	{{before: 5, mid: 5, stride: 2, expand: 6, out: 256, n: 1}, {before: 5, mid: 5, stride: 1, expand: 4, out: 256, n: 1},
		{before: 3, mid: 5, stride: 1, expand: 4, out: 256, n: 2}, {stride: 1, expand: 4, out: 256, n: 1},
		{before: 3, stride: 1, expand: 4, out: 256, n: 1}, {before: 3, mid: 5, stride: 1, expand: 2, out: 256, n: 1},
		{before: 5, mid: 5, stride: 1, expand: 4, out: 256, n: 1}, {stride: 1, expand: 4, out: 256, n: 2},
		{before: 5, stride: 1, expand: 2, out: 256, n: 1}},
	{{mid: 1, stride: 1, out: 960, n: 1}},
}}

var v4Large = v4{stem: 24, stages: [][]v4Row{
	{{mid: 3, stride: 2, expand: 4, out: 48, n: 1, fused: true}},
	{{before: 3, mid: 5, stride: 2, expand: 4, out: 96, n: 1}, {before: 3, mid: 3, stride: 1, expand: 4, out: 96, n: 1}},
	{{before: 3, mid: 5, stride: 2, expand: 4, out: 192, n: 1}, {before: 3, mid: 3, stride: 1, expand: 4, out: 192, n: 3},
		{before: 3, mid: 5, stride: 1, expand: 4, out: 192, n: 1}, {before: 5, mid: 3, stride: 1, expand: 4, out: 192, n: 5},
		{before: 3, stride: 1, expand: 4, out: 192, n: 1}},
	{{before: 5, mid: 5, stride: 2, expand: 4, out: 512, n: 4}, {before: 5, stride: 1, expand: 4, out: 512, n: 1},
		{before: 5, mid: 3, stride: 1, expand: 4, out: 512, n: 1}, {before: 5, stride: 1, expand: 4, out: 512, n: 2},
		{before: 5, mid: 3, stride: 1, expand: 4, out: 512, n: 1}, {before: 5, mid: 5, stride: 1, expand: 4, out: 512, n: 1},
		{before: 5, stride: 1, expand: 4, out: 512, n: 3}},
	{{mid: 1, stride: 1, out: 960, n: 1}},
}}

// block returns the first or a later block of the row, for cin input channels.
func (r *v4Row) block(cin int, first bool, width float64) blocks.Block {
	stride := r.stride
	if !first {
		stride = 1
	}
	out, expanded := scale(r.out, width), blocks.MakeDivisible(float64(cin)*r.expand, 8)
	switch {
	case r.expand == 0:
		return blocks.ConvBNAct{Out: out, Kernel: r.mid, Stride: stride, Act: blocks.ReLU}
	case r.fused:
		return blocks.FusedInvertedResidual{Out: out, Expanded: expanded, Kernel: r.mid, Stride: stride, Act: blocks.ReLU}
	}
	return blocks.UniversalBottleneck{Out: out, Expanded: expanded, Before: r.before, Kernel: r.mid, Stride: stride,
		Act: blocks.ReLU}
}

func (m *v4) build(b *blocks.Builder, s settings) {
	stem := m.stem
	if s.width > 1 { // the stem is never narrowed
		stem = scale(stem, s.width)
	}
	x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: stem, Kernel: 3, Stride: 2, Act: blocks.ReLU})
	for i, rows := range m.stages {
		n := 0
		for _, r := range rows {
			for k := range r.n {
				n++
				b.Mark(i+1, n)
				x = blocks.Named{Name: "stage" + strconv.Itoa(i+1) + ".block" + strconv.Itoa(n),
					Block: r.block(b.Shape(x).C, k == 0, s.width)}.Build(b, x)
			}
		}
	}
	b.Mark(len(m.stages)+1, 0)
	x = b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	x = convAs(b, "head.conv", x, blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU})
	b.Apply("head.classifier", &blocks.Linear{Out: s.classes, Bias: true}, x)
}

// withBN is the note of timm's counts of multiply-accumulates. A test adds the same to ours.
const withBN = "counts two operations for each batch-normalised value, rounded to 10 M"

const v4Paper = "Qin et al., MobileNetV4: Universal Models for the Mobile Ecosystem, ECCV 2024, arXiv:2404.10518"

func v4Options(r int) []Option { return []Option{width(1), res(r, r), classes(1000)} }

var mobileNetV4 = []Entry{
	{
		Name: "mobilenet_v4_conv_small", Paper: v4Paper, Options: v4Options(224), build: v4Small.build,
		Figures: []Figure{
			{"", "top1_pct", 73.756, "timm, e2400_r224_in1k", ""},
			{"res=256", "top1_pct", 74.534, "timm, e3600_r256_in1k", ""},
			{"width=0.5", "top1_pct", 64.778, "timm, 050.e3000_r224_in1k", ""},
			{"", "params", 3.77e6, "timm", ""},
			{"", "macs", 0.19e9, "timm", withBN},
			{"res=256", "macs", 0.25e9, "timm", withBN},
			{"width=0.5", "params", 2.24e6, "timm", ""},
			{"width=0.35", "params", 1.91e6, "timm", ""},
		},
	},
	{
		Name: "mobilenet_v4_conv_medium", Paper: v4Paper, Options: v4Options(256), build: v4Medium.build,
		Figures: []Figure{
			{"", "top1_pct", 79.916, "timm, e500_r256_in1k", ""},
			{"res=224", "top1_pct", 79.092, "timm, e500_r224_in1k", ""},
			{"", "params", 9.72e6, "timm", ""},
			{"", "macs", 1.1e9, "timm", withBN},
			{"res=224", "macs", 0.84e9, "timm", withBN},
			{"res=320", "macs", 1.71e9, "timm", withBN},
		},
	},
	{
		Name: "mobilenet_v4_conv_large", Paper: v4Paper, Options: v4Options(384), build: v4Large.build,
		Figures: []Figure{
			{"", "top1_pct", 82.974, "timm, e600_r384_in1k", ""},
			{"res=256", "top1_pct", 81.864, "timm, e500_r256_in1k", ""},
			{"", "params", 32.59e6, "timm", ""},
			{"", "macs", 6.43e9, "timm", withBN},
			{"res=256", "macs", 2.86e9, "timm", withBN},
			{"res=448", "macs", 8.75e9, "timm", withBN},
		},
	},
}
