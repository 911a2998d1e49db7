package zoo

import "nas/blocks"

// proxyless is one network of ProxylessNAS, found for one device.
type proxyless struct {
	stem, head int
	stages     []stage
}

// proxylessRow is a row of one block; more continues the stage.
func proxylessRow(kernel int, expand float64, out, stride int, more bool) stage {
	return stage{expand: expand, out: out, n: 1, stride: stride, kernel: kernel, act: blocks.ReLU6, more: more}
}

var proxylessMobile = proxyless{32, 1280, []stage{
	proxylessRow(3, 1, 16, 1, false),
	proxylessRow(5, 3, 32, 2, false), proxylessRow(3, 3, 32, 1, true),
	proxylessRow(7, 3, 40, 2, false), proxylessRow(3, 3, 40, 1, true), proxylessRow(5, 3, 40, 1, true),
	proxylessRow(5, 3, 40, 1, true),
	proxylessRow(7, 6, 80, 2, false), proxylessRow(5, 3, 80, 1, true), proxylessRow(5, 3, 80, 1, true),
	proxylessRow(5, 3, 80, 1, true),
	proxylessRow(5, 6, 96, 1, false), proxylessRow(5, 3, 96, 1, true), proxylessRow(5, 3, 96, 1, true),
	proxylessRow(5, 3, 96, 1, true),
	proxylessRow(7, 6, 192, 2, false), proxylessRow(7, 6, 192, 1, true), proxylessRow(7, 3, 192, 1, true),
	proxylessRow(7, 3, 192, 1, true),
	proxylessRow(7, 6, 320, 1, false),
}}

var proxylessCPU = proxyless{40, 1432, []stage{
	proxylessRow(3, 1, 24, 1, false),
	proxylessRow(3, 6, 32, 2, false), proxylessRow(3, 3, 32, 1, true), proxylessRow(3, 3, 32, 1, true),
	proxylessRow(3, 3, 32, 1, true),
	proxylessRow(3, 6, 48, 2, false), proxylessRow(3, 3, 48, 1, true), proxylessRow(3, 3, 48, 1, true),
	proxylessRow(5, 3, 48, 1, true),
	proxylessRow(3, 6, 88, 2, false), proxylessRow(3, 3, 88, 1, true),
	proxylessRow(5, 6, 104, 1, false), proxylessRow(3, 3, 104, 1, true), proxylessRow(3, 3, 104, 1, true),
	proxylessRow(3, 3, 104, 1, true),
	proxylessRow(5, 6, 216, 2, false), proxylessRow(5, 3, 216, 1, true), proxylessRow(5, 3, 216, 1, true),
	proxylessRow(3, 3, 216, 1, true),
	proxylessRow(5, 6, 360, 1, false),
}}

var proxylessGPU = proxyless{40, 1728, []stage{
	proxylessRow(3, 1, 24, 1, false),
	proxylessRow(5, 3, 32, 2, false),
	proxylessRow(7, 3, 56, 2, false), proxylessRow(3, 3, 56, 1, true),
	proxylessRow(7, 6, 112, 2, false), proxylessRow(5, 3, 112, 1, true),
	proxylessRow(5, 6, 128, 1, false), proxylessRow(3, 3, 128, 1, true), proxylessRow(5, 3, 128, 1, true),
	proxylessRow(7, 6, 256, 2, false), proxylessRow(7, 6, 256, 1, true), proxylessRow(7, 6, 256, 1, true),
	proxylessRow(5, 6, 256, 1, true),
	proxylessRow(7, 6, 432, 1, false),
}}

func (m *proxyless) build(b *blocks.Builder, s settings) {
	stem := blocks.ConvBNAct{Out: scale(m.stem, s.width), Kernel: 3, Stride: 2, Act: blocks.ReLU6}
	x := convAs(b, "stem", b.Input(), stem)
	outs := inverted{stages: m.stages, width: s.width}.build(b, x)
	head := blocks.ConvBNAct{Out: scale(m.head, max(1, s.width)), Act: blocks.ReLU6}
	x = convAs(b, "head.conv", outs[len(outs)-1], head)
	classify(b, x, s.classes)
}

const proxylessPaper = "Cai et al., ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware, " +
	"ICLR 2019"

func proxylessOptions() []Option { return []Option{width(1), res(224, 224), classes(1000)} }

// proxylessMACs is the note of imgclsmob's counts.
const proxylessMACs = "more than convolutions and linear layers"

var proxylessNAS = []Entry{
	{
		Name: "proxyless_mobile", Paper: proxylessPaper, Options: proxylessOptions(), build: proxylessMobile.build,
		Figures: []Figure{
			{"", "top1_pct", 74.6, "authors' README", ""},
			{"", "params", 4080512, "imgclsmob", ""},
			{"", "macs", 332.46e6, "imgclsmob", proxylessMACs},
		},
	},
	{
		Name: "proxyless_cpu", Paper: proxylessPaper, Options: proxylessOptions(), build: proxylessCPU.build,
		Figures: []Figure{
			{"", "top1_pct", 75.3, "authors' README", ""},
			{"", "params", 4361648, "imgclsmob", ""},
			{"", "macs", 459.96e6, "imgclsmob", proxylessMACs},
		},
	},
	{
		Name: "proxyless_gpu", Paper: proxylessPaper, Options: proxylessOptions(), build: proxylessGPU.build,
		Figures: []Figure{
			{"", "top1_pct", 75.1, "authors' README", ""},
			{"", "params", 7119848, "imgclsmob", ""},
			{"", "macs", 476.08e6, "imgclsmob", proxylessMACs},
		},
	},
}
