package zoo

import (
	"strconv"

	"nas/blocks"
)

// effStages is table 1 of Tan and Le (ICML 2019).
func effStages(act blocks.ActFunc, se float64) []stage {
	return []stage{
		{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, se: se, act: act},
		{expand: 6, out: 24, n: 2, stride: 2, kernel: 3, se: se, act: act},
		{expand: 6, out: 40, n: 2, stride: 2, kernel: 5, se: se, act: act},
		{expand: 6, out: 80, n: 3, stride: 2, kernel: 3, se: se, act: act},
		{expand: 6, out: 112, n: 3, stride: 1, kernel: 5, se: se, act: act},
		{expand: 6, out: 192, n: 4, stride: 2, kernel: 5, se: se, act: act},
		{expand: 6, out: 320, n: 1, stride: 1, kernel: 3, se: se, act: act},
	}
}

const effEpsilon = 1e-3

// effNet builds B0 to B7: stem, stages and head are scaled.
func effNet(b *blocks.Builder, s settings) {
	x := convAs(b, "stem", b.Input(),
		blocks.ConvBNAct{Out: scale(32, s.width), Kernel: 3, Stride: 2, Act: blocks.Swish, Epsilon: effEpsilon})
	outs := inverted{stages: effStages(blocks.Swish, 0.25), width: s.width, depth: s.depth, seOfInput: true,
		seAct: blocks.Swish, epsilon: effEpsilon}.build(b, x)
	x = convAs(b, "head.conv", outs[len(outs)-1],
		blocks.ConvBNAct{Out: scale(1280, s.width), Act: blocks.Swish, Epsilon: effEpsilon})
	classify(b, x, s.classes)
}

// effLite builds Lite0 to Lite4. It has ReLU6 and no squeeze-and-excite; stem, head and the repeats of the
// first and the last stage are not scaled.
func effLite(b *blocks.Builder, s settings) {
	stages := effStages(blocks.ReLU6, 0)
	stages[0].fixed, stages[len(stages)-1].fixed = true, true
	x := convAs(b, "stem", b.Input(),
		blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU6, Epsilon: effEpsilon})
	outs := inverted{stages: stages, width: s.width, depth: s.depth, epsilon: effEpsilon}.build(b, x)
	x = convAs(b, "head.conv", outs[len(outs)-1], blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU6, Epsilon: effEpsilon})
	classify(b, x, s.classes)
}

// effScaling are the compound scalings: width, depth, resolution, and what is
// published of them.
var effScaling = []struct {
	width, depth float64
	res          int
	top1         float64 // paper, table 2
	torchvision  float64
	macs         float64 // paper, in 10^9
	params       float64 // torchvision
}{
	{1.0, 1.0, 224, 76.3, 77.69, 0.39, 5288548},
	{1.0, 1.1, 240, 78.8, 78.64, 0.70, 7794184},
	{1.1, 1.2, 260, 79.8, 80.61, 1.0, 9109994},
	{1.2, 1.4, 300, 81.1, 82.01, 1.8, 12233232},
	{1.4, 1.8, 380, 82.6, 83.38, 4.2, 19341616},
	{1.6, 2.2, 456, 83.3, 83.44, 9.9, 30389784},
	{1.8, 2.6, 528, 84.0, 84.01, 19, 43040704},
	{2.0, 3.1, 600, 84.3, 84.12, 37, 66347960},
}

// effLiteScaling is the same for the Lite networks.
var effLiteScaling = []struct {
	width, depth       float64
	res                int
	top1, params, macs float64 // authors' README; 10^6
	timm               int     // resolution at which timm counts
	timmParams         float64 // 10^6
	timmMACs           float64 // 10^9
}{
	{1.0, 1.0, 224, 75.1, 4.7, 407, 224, 4.65, 0.40},
	{1.0, 1.1, 240, 76.7, 5.4, 631, 240, 5.42, 0.62},
	{1.1, 1.2, 260, 77.6, 6.1, 899, 260, 6.09, 0.89},
	{1.2, 1.4, 280, 79.8, 8.2, 1440, 300, 8.20, 1.65},
	{1.4, 1.8, 300, 81.5, 13.0, 2640, 380, 13.01, 4.04},
}

var efficientNet = func() (es []Entry) {
	options := func(w, d float64, r int) []Option { return []Option{width(w), depth(d), res(r, r), classes(1000)} }
	for i, c := range effScaling {
		note := "rounded"
		if i >= 4 {
			note = "rounded, and from B4 up a little lower than any exact count"
		}
		tv := "torchvision, IMAGENET1K_V1"
		if i == 2 {
			tv += ", evaluated at 288"
		}
		paper := Figure{"", "top1_pct", c.top1, "paper, table 2", ""}
		if i >= 6 {
			paper.Source += ", AutoAugment"
		}
		es = append(es, Entry{
			Name:    "efficientnet_b" + strconv.Itoa(i),
			Paper:   "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019",
			Options: options(c.width, c.depth, c.res),
			Figures: []Figure{paper, {"", "top1_pct", c.torchvision, tv, ""}, {"", "params", c.params, "torchvision", ""},
				{"", "macs", c.macs * 1e9, "paper, table 2", note}},
			build: effNet,
		})
	}
	for i, c := range effLiteScaling {
		es = append(es, Entry{
			Name:    "efficientnet_lite" + strconv.Itoa(i),
			Paper:   "Liu and Tan, EfficientNet-Lite, 2020, github.com/tensorflow/tpu, models/official/efficientnet/lite",
			Options: options(c.width, c.depth, c.res),
			Figures: []Figure{
				{"", "top1_pct", c.top1, "authors' README", ""},
				{"", "params", c.params * 1e6, "authors' README", "rounded"},
				{"", "macs", c.macs * 1e6, "authors' README", otherWork},
				{"", "params", c.timmParams * 1e6, "timm", ""},
				{"res=" + strconv.Itoa(c.timm), "macs", c.timmMACs * 1e9, "timm", withBN},
			},
			build: effLite,
		})
	}
	return es
}()
