package zoo

import (
	"nas/blocks"
)

// tinyScaling are the networks of TinyNet: EfficientNet-B0 made smaller in depth, width and resolution.
var tinyScaling = []struct {
	name         string
	width, depth float64
	res          int
	top1         float64 // timm
	params, macs float64 // timm; 10^6, 10^9
}{
	{"tinynet_a", 1, 1.2, 192, 77.666, 6.19, 0.35},
	{"tinynet_b", 0.75, 1.1, 188, 74.946, 3.73, 0.21},
	{"tinynet_c", 0.54, 0.85, 184, 71.214, 2.46, 0.11},
	{"tinynet_d", 0.54, 0.695, 152, 66.936, 2.34, 0.05},
	{"tinynet_e", 0.51, 0.6, 106, 59.874, 2.04, 0.03},
}

var tinyNet = func() (es []Entry) {
	for _, c := range tinyScaling {
		es = append(es, Entry{
			Name: c.name,
			Paper: "Han et al., Model Rubik's Cube: Twisting Resolution, Depth and Width for TinyNets, NeurIPS 2020. " +
				"Stem and head are not narrowed",
			Options: []Option{width(c.width), depth(c.depth), res(c.res, c.res), classes(1000)},
			Figures: []Figure{
				{"", "top1_pct", c.top1, "timm, in1k", ""},
				{"", "params", c.params * 1e6, "timm", ""},
				{"", "macs", c.macs * 1e9, "timm", withBN},
			},
			build: func(b *blocks.Builder, s settings) {
				x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.Swish})
				outs := inverted{stages: effStages(blocks.Swish, 0.25), width: s.width, depth: s.depth, rounded: true,
					seOfInput: true, seAct: blocks.Swish}.build(b, x)
				x = convAs(b, "head.conv", outs[len(outs)-1],
					blocks.ConvBNAct{Out: max(1280, scale(1280, s.width)), Act: blocks.Swish})
				classify(b, x, s.classes)
			},
		})
	}
	return es
}()
