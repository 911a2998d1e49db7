package zoo

import "nas/blocks"

// v3 is one of the two networks of Howard et al. (ICCV 2019). Expansions are ratios of the input
// channels. At width 1 they give the paper's numbers, and at smaller widths the published
// networks. torchvision scales the numbers instead and so has other networks under the same names.
type v3 struct {
	stages []stage
	conv   int // the last 1x1 convolution
	hidden int // the layer before the classifier, narrowed by no width
}

const (
	re = blocks.ReLU
	hs = blocks.HSwish
)

// v3Large and v3Small are tables 1 and 2 of the paper, rows of equal channels
// joined where kernel and squeeze-and-excite agree.
var v3Large = v3{[]stage{
	{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, act: re},
	{expand: 4, out: 24, n: 1, stride: 2, kernel: 3, act: re},
	{expand: 3, out: 24, n: 1, stride: 1, kernel: 3, act: re},
	{expand: 3, out: 40, n: 3, stride: 2, kernel: 5, se: 0.25, act: re},
	{expand: 6, out: 80, n: 1, stride: 2, kernel: 3, act: hs},
	{expand: 2.5, out: 80, n: 1, stride: 1, kernel: 3, act: hs},
	{expand: 2.3, out: 80, n: 2, stride: 1, kernel: 3, act: hs},
	{expand: 6, out: 112, n: 2, stride: 1, kernel: 3, se: 0.25, act: hs},
	{expand: 6, out: 160, n: 3, stride: 2, kernel: 5, se: 0.25, act: hs},
}, 960, 1280}

var v3Small = v3{[]stage{
	{expand: 1, out: 16, n: 1, stride: 2, kernel: 3, se: 0.25, act: re},
	{expand: 4.5, out: 24, n: 1, stride: 2, kernel: 3, act: re},
	{expand: 88. / 24, out: 24, n: 1, stride: 1, kernel: 3, act: re},
	{expand: 4, out: 40, n: 1, stride: 2, kernel: 5, se: 0.25, act: hs},
	{expand: 6, out: 40, n: 2, stride: 1, kernel: 5, se: 0.25, act: hs},
	{expand: 3, out: 48, n: 2, stride: 1, kernel: 5, se: 0.25, act: hs},
	{expand: 6, out: 96, n: 3, stride: 2, kernel: 5, se: 0.25, act: hs},
}, 576, 1024}

// minimalistic is the form for hardware without fast 5x5 kernels, hard-swish or
// squeeze-and-excite: 3x3 and ReLU throughout.
func (v v3) minimalistic() v3 {
	rows := make([]stage, len(v.stages))
	for i, r := range v.stages {
		r.kernel, r.se, r.act = 3, 0, re
		rows[i] = r
	}
	v.stages = rows
	return v
}

const v3Epsilon = 1e-3

// backbone appends everything up to the last convolution.
func (v v3) backbone(b *blocks.Builder, width float64, outputStride int) (outs []blocks.Value, last blocks.Value) {
	act := v.stages[len(v.stages)-1].act
	x := convAs(b, "stem", b.Input(),
		blocks.ConvBNAct{Out: scale(16, width), Kernel: 3, Stride: 2, Act: act, Epsilon: v3Epsilon})
	outs = inverted{stages: v.stages, width: width, gate: blocks.HSigmoid, epsilon: v3Epsilon,
		outputStride: outputStride, dilateFirst: true}.build(b, x)
	x = convAs(b, "head.conv", outs[len(outs)-1],
		blocks.ConvBNAct{Out: scale(v.conv, width), Act: act, Epsilon: v3Epsilon})
	return outs, x
}

func (v v3) classifier(b *blocks.Builder, s settings) {
	_, x := v.backbone(b, s.width, 0)
	x = b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	x = b.Apply("head.hidden", &blocks.Linear{Out: scale(v.hidden, max(1, s.width)), Bias: true}, x)
	x = b.Act(v.stages[len(v.stages)-1].act, x)
	b.Apply("head.classifier", &blocks.Linear{Out: s.classes, Bias: true}, x)
}

const v3Paper = "Howard et al., Searching for MobileNetV3, ICCV 2019"

func v3Options() []Option { return []Option{width(1), res(224, 224), classes(1000)} }

var mobileNetV3 = []Entry{
	{
		Name: "mobilenet_v3_small", Paper: v3Paper, Options: v3Options(), build: v3Small.classifier,
		Figures: []Figure{
			{"", "top1_pct", 67.5, "slim README", ""},
			{"", "top1_pct", 67.67, "torchvision, IMAGENET1K_V1", ""},
			{"width=0.75", "top1_pct", 65.4, "slim README", ""},
			{"", "params", 2.9e6, "slim README", "does not fit the network; the paper says 2.5 M, timm counts 2.54 M"},
			{"", "macs", 66e6, "slim README", "does not fit the network; the paper says 56 M"},
		},
	},
	{
		Name: "mobilenet_v3_small_minimalistic", Paper: v3Paper, Options: v3Options(), build: v3Small.minimalistic().classifier,
		Figures: []Figure{
			{"", "top1_pct", 61.9, "slim README", ""},
			{"", "params", 2.0e6, "slim README", "rounded"},
			{"", "macs", 65e6, "slim README", "does not fit the network, like the same table's other row of the small network"},
		},
	},
	{
		Name: "mobilenet_v3_large", Paper: v3Paper, Options: v3Options(), build: v3Large.classifier,
		Figures: []Figure{
			{"", "top1_pct", 75.2, "slim README", ""},
			{"", "top1_pct", 74.04, "torchvision, IMAGENET1K_V1", ""},
			{"width=0.75", "top1_pct", 73.3, "slim README", ""},
			{"", "params", 5.4e6, "slim README", "truncated"},
			{"", "macs", 217e6, "slim README", ""},
			{"width=0.75", "params", 4.0e6, "slim README", ""},
			{"width=0.75", "macs", 155e6, "slim README", ""},
		},
	},
	{
		Name: "mobilenet_v3_large_minimalistic", Paper: v3Paper, Options: v3Options(), build: v3Large.minimalistic().classifier,
		Figures: []Figure{
			{"", "top1_pct", 72.3, "slim README", ""},
			{"", "params", 3.9e6, "slim README", ""},
			{"", "macs", 209e6, "slim README", ""},
		},
	},
}
