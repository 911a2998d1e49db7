package latency

import (
	"math"
	"slices"
	"testing"

	"nas/blocks"
)

// draft builds a network of the pytorchcv collection (osmr/imgclsmob, MIT), whose width rounding and first blocks
// differ from the papers. The definitions here are written from its Python source.
type draft struct {
	*blocks.Builder
	x blocks.Value
}

func newDraft(name string) *draft {
	return &draft{Builder: blocks.NewBuilder(name, blocks.Shape{H: 224, W: 224, C: 3})}
}

func (d *draft) channels() int { return d.Shape(d.x).C }

// conv appends a convolution, batch normalisation and an activation.
func (d *draft) conv(out, kernel, stride int, act blocks.ActFunc) {
	d.x = blocks.ConvBNAct{Out: out, Kernel: kernel, Stride: stride, Act: act}.Build(d.Builder, d.x)
}

// depthwise is conv with one filter a channel.
func (d *draft) depthwise(kernel, stride int, act blocks.ActFunc) {
	d.x = blocks.ConvBNAct{Kernel: kernel, Stride: stride, Groups: blocks.Depthwise, Act: act}.Build(d.Builder, d.x)
}

func (d *draft) excite(hidden int, gate blocks.ActFunc) {
	d.x = blocks.SqueezeExcite{Hidden: hidden, Gate: gate}.Build(d.Builder, d.x)
}

func (d *draft) add(other blocks.Value) { d.x = d.Apply("add", &blocks.Add{}, other, d.x) }

func (d *draft) pool(kind blocks.PoolKind, kernel, pad int) {
	d.x = d.Apply("pool", &blocks.Pool{Pool: kind, Kernel: [2]int{kernel, kernel}, Stride: [2]int{2, 2},
		Pad: blocks.PadAll(pad)}, d.x)
}

// logits appends a 1x1 convolution without batch normalisation to a map of one pixel.
func (d *draft) logits(out int, bias bool) {
	d.x = d.Apply("logits", &blocks.Conv{Out: out, Kernel: [2]int{1, 1}, Bias: bias}, d.x)
}

func (d *draft) globalPool() { d.x = d.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, d.x) }

// classify appends global pooling and a linear layer of 1000 classes.
func (d *draft) classify() {
	d.globalPool()
	d.x = d.Apply("classes", &blocks.Linear{Out: 1000, Bias: true}, d.x)
}

func (d *draft) network(t testing.TB) *blocks.Network {
	t.Helper()
	n, err := d.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// scaled multiplies channels as int() does in Python.
func scaled(channels int, width float64) int { return int(float64(channels) * width) }

// separable builds MobileNetV1 and FD-MobileNet: stages of separable blocks, of which all but the first begin with
// stride 2, the first if first is set.
func separable(d *draft, width float64, first bool, stages [][]int) {
	d.conv(scaled(32, width), 3, 2, blocks.ReLU)
	for i, stage := range stages {
		for j, c := range stage {
			stride := 1
			if j == 0 && (i > 0 || first) {
				stride = 2
			}
			d.depthwise(3, stride, blocks.ReLU)
			d.conv(scaled(c, width), 1, 1, blocks.ReLU)
		}
	}
	d.classify()
}

func mobileNet(d *draft, width float64) {
	separable(d, width, false, [][]int{{64}, {128, 128}, {256, 256}, {512, 512, 512, 512, 512, 512}, {1024, 1024}})
}

func fdMobileNet(d *draft, width float64) {
	separable(d, width, true, [][]int{{64}, {128, 128}, {256, 256}, {512, 512, 512, 512, 512, 1024}})
}

// inverted appends an inverted residual; mid 0 leaves the expansion out.
func (d *draft) inverted(out, mid, kernel, stride int, act blocks.ActFunc, se func()) {
	from, in := d.x, d.channels()
	if mid > 0 {
		d.conv(mid, 1, 1, act)
	}
	d.depthwise(kernel, stride, act)
	if se != nil {
		se()
	}
	d.conv(out, 1, 1, blocks.Identity)
	if stride == 1 && in == out {
		d.add(from)
	}
}

// mobileNetV2 has the expansion also in its first block, and no bias in the classifier.
func mobileNetV2(d *draft, width float64) {
	d.conv(scaled(32, width), 3, 2, blocks.ReLU6)
	stages := [][]int{{16}, {24, 24}, {32, 32, 32}, {64, 64, 64, 64, 96, 96, 96}, {160, 160, 160, 320}}
	for i, stage := range stages {
		for j, c := range stage {
			stride, expand := 1, 6
			if j == 0 && i > 0 {
				stride = 2
			}
			if i == 0 {
				expand = 1
			}
			d.inverted(scaled(c, width), expand*d.channels(), 3, stride, blocks.ReLU6, nil)
		}
	}
	d.conv(scaled(1280, max(1, width)), 1, 1, blocks.ReLU6)
	d.globalPool()
	d.logits(1000, false)
}

// rowV3 is a block of MobileNetV3: channels, expanded channels, kernel, stride, activation, squeeze-and-excite.
type rowV3 struct {
	out, mid, kernel, stride int
	act                      blocks.ActFunc
	se                       bool
}

const (
	re = blocks.ReLU
	hs = blocks.HSwish
)

var v3Small = []rowV3{
	{16, 16, 3, 2, re, true}, {24, 72, 3, 2, re, false}, {24, 88, 3, 1, re, false},
	{40, 96, 5, 2, hs, true}, {40, 240, 5, 1, hs, true}, {40, 240, 5, 1, hs, true}, {48, 120, 5, 1, hs, true},
	{48, 144, 5, 1, hs, true}, {96, 288, 5, 2, hs, true}, {96, 576, 5, 1, hs, true}, {96, 576, 5, 1, hs, true},
}

var v3Large = []rowV3{
	{16, 16, 3, 1, re, false}, {24, 64, 3, 2, re, false}, {24, 72, 3, 1, re, false},
	{40, 72, 5, 2, re, true}, {40, 120, 5, 1, re, true}, {40, 120, 5, 1, re, true},
	{80, 240, 3, 2, hs, false}, {80, 200, 3, 1, hs, false}, {80, 184, 3, 1, hs, false}, {80, 184, 3, 1, hs, false},
	{112, 480, 3, 1, hs, true}, {112, 672, 3, 1, hs, true},
	{160, 672, 5, 2, hs, true}, {160, 960, 5, 1, hs, true}, {160, 960, 5, 1, hs, true},
}

// mobileNetV3 scales the expanded channels, not their ratio to the input, and has a hidden layer of 1280 in both
// forms, without a bias.
func mobileNetV3(d *draft, rows []rowV3, last int, width float64) {
	wide := func(c int) int {
		if width == 1 {
			return c
		}
		return blocks.MakeDivisible(float64(c)*width, 8)
	}
	d.conv(wide(16), 3, 2, hs)
	for _, r := range rows {
		mid := wide(r.mid)
		var se func()
		if r.se {
			se = func() { d.excite(blocks.MakeDivisible(float64(mid)/4, 8), blocks.HSigmoid) }
		}
		expand := mid
		if mid == wide(r.out) {
			expand = 0
		}
		d.inverted(wide(r.out), expand, r.kernel, r.stride, r.act, se)
	}
	if width > 1 {
		last = wide(last)
	}
	d.conv(last, 1, 1, hs)
	d.globalPool()
	d.logits(1280, false)
	d.x = d.Act(hs, d.x)
	d.logits(1000, true)
}

// efficientNetEdge has dense 3x3 convolutions in its first three stages, and strides in the 1x1 ones there.
func efficientNetEdge(d *draft, width, depth float64) {
	wide := func(c int) int { return blocks.MakeDivisible(float64(c)*width, 8) }
	d.conv(wide(32), 3, 2, re)
	rows := []struct{ n, out, expand, kernel, stride int }{
		{1, 24, 4, 3, 1}, {2, 32, 8, 3, 2}, {4, 48, 8, 3, 2}, {5, 96, 8, 5, 2}, {4, 144, 8, 5, 1}, {2, 192, 8, 5, 2},
	}
	for i, r := range rows {
		for j := range int(math.Ceil(float64(r.n) * depth)) {
			stride := r.stride
			if j > 0 {
				stride = 1
			}
			from, in, out := d.x, d.channels(), wide(r.out)
			if i > 2 {
				d.inverted(out, in*r.expand, r.kernel, stride, re, nil)
				continue
			}
			mid := in * r.expand
			if i == 0 {
				mid = out * r.expand
			}
			d.conv(mid, 3, 1, re)
			d.conv(out, 1, stride, blocks.Identity)
			if i > 0 && stride == 1 && in == out {
				d.add(from)
			}
		}
	}
	d.conv(wide(1280), 1, 1, re)
	d.classify()
}

// ghost appends GhostNet's module: half of the channels by a 1x1 convolution, the others from them by a depthwise one.
func (d *draft) ghost(out int, act blocks.ActFunc) {
	d.conv((out+1)/2, 1, 1, act)
	main := d.x
	d.depthwise(3, 1, act)
	d.x = d.Apply("concat", &blocks.Concat{}, main, d.x)
}

func ghostNet(d *draft) {
	d.conv(16, 3, 2, re)
	rows := []struct {
		out, kernel int
		expand      float64
		se, down    bool
	}{
		{16, 3, 1, false, false}, {24, 3, 3, false, true}, {24, 3, 3, false, false}, {40, 5, 3, true, true},
		{40, 5, 3, true, false}, {80, 3, 6, false, true}, {80, 3, 2.5, false, false}, {80, 3, 2.3, false, false},
		{80, 3, 2.3, false, false}, {112, 3, 6, true, false}, {112, 3, 6, true, false}, {160, 5, 6, true, true},
		{160, 5, 6, false, false}, {160, 5, 6, true, false}, {160, 5, 6, false, false}, {160, 5, 6, true, false},
	}
	for _, r := range rows {
		from, in, stride := d.x, d.channels(), 1
		if r.down {
			stride = 2
		}
		if r.down || in != r.out {
			d.depthwise(3, stride, re)
			d.conv(r.out, 1, 1, blocks.Identity)
		}
		short := d.x
		d.x = from
		d.ghost(int(math.Ceil(r.expand*float64(in))), re)
		if r.down {
			d.depthwise(r.kernel, stride, blocks.Identity)
		}
		if r.se {
			d.clippedExcite()
		}
		d.ghost(r.out, blocks.Identity)
		d.add(short)
	}
	d.conv(960, 1, 1, re)
	d.globalPool()
	d.conv(1280, 1, 1, re)
	d.logits(1000, true)
}

// clippedExcite is squeeze-and-excite with a gate that is clipped to 0 to 1.
func (d *draft) clippedExcite() {
	in, c := d.x, d.channels()
	d.globalPool()
	d.logits(c/4, true)
	d.x = d.Act(re, d.x)
	d.logits(c, true)
	d.x = d.Apply("clip", &blocks.Unary{Func: "clip", Beta: 1}, d.x)
	d.x = d.Apply("scale", &blocks.Mul{}, in, d.x)
}

// widths are the suffixes of pytorchcv's names.
var widths = []struct {
	suffix string
	width  float64
}{{"_w1", 1}, {"_w3d4", 0.75}, {"_wd2", 0.5}, {"_wd4", 0.25}, {"_w5d4", 1.25}, {"_w7d20", 0.35}}

// splitWidth cuts the width off a name.
func splitWidth(name string) (family string, width float64) {
	i := slices.IndexFunc(widths, func(w struct {
		suffix string
		width  float64
	}) bool {
		return len(name) > len(w.suffix) && name[len(name)-len(w.suffix):] == w.suffix
	})
	if i < 0 {
		return name, 1
	}
	return name[:len(name)-len(widths[i].suffix)], widths[i].width
}
