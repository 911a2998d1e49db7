package latency

import (
	"math"

	"nas/blocks"
)

// residual appends a block between x and the sum: body, and a 1x1 convolution on the short cut where the shape changes.
func (d *draft) residual(out, stride int, body func()) {
	from, in := d.x, d.channels()
	if stride > 1 || in != out {
		d.conv(out, 1, stride, blocks.Identity)
	}
	short := d.x
	d.x = from
	body()
	d.add(short)
	d.x = d.Act(re, d.x)
}

// imageStem is ResNet's: a 7x7 convolution and a max pooling.
func (d *draft) imageStem(channels int) {
	d.conv(channels, 7, 2, re)
	d.pool(blocks.MaxPool, 3, 1)
}

// resNet builds networks of n basic blocks a stage. The last block of all is not narrowed.
func resNet(d *draft, n int, width float64, se bool) {
	d.imageStem(scaled(64, width))
	for i, c := range []int{64, 128, 256, 512} {
		for j := range n {
			out, stride := scaled(c, width), 1
			if i == 3 && j == n-1 {
				out = c
			}
			if i > 0 && j == 0 {
				stride = 2
			}
			d.residual(out, stride, func() {
				d.conv(out, 3, stride, re)
				d.conv(out, 3, 1, blocks.Identity)
				if se {
					d.excite(out/16, blocks.Sigmoid)
				}
			})
		}
	}
	d.classify()
}

// grouped appends a 3x3 convolution in groups.
func (d *draft) grouped(out, groups, stride int) {
	d.x = blocks.ConvBNAct{Out: out, Kernel: 3, Stride: stride, Groups: groups, Act: re}.Build(d.Builder, d.x)
}

// resNeXt builds networks of one bottleneck a stage.
func resNeXt(d *draft, groups, groupWidth int) {
	d.imageStem(64)
	for i := range 4 {
		out, stride := 256<<i, min(2, 1+i)
		mid := groups * (out / 4 * groupWidth / 64)
		d.residual(out, stride, func() {
			d.conv(mid, 1, 1, re)
			d.grouped(mid, groups, stride)
			d.conv(out, 1, 1, blocks.Identity)
		})
	}
	d.classify()
}

// regNet builds networks whose widths grow linearly with depth, quantised to powers of ratio (Radosavovic et al., CVPR
// 2020, section 3.3).
func regNet(d *draft, first, slope, ratio float64, depth, groupWidth int, se bool) {
	d.conv(32, 3, 2, re)
	last := 0
	for i := range depth {
		steps := math.RoundToEven(math.Log((first+slope*float64(i))/first) / math.Log(ratio))
		width := int(math.RoundToEven(first*math.Pow(ratio, steps)/8) * 8)
		g := min(groupWidth, width)
		out, stride := int(math.RoundToEven(float64(width)/float64(g)))*g, 1
		if out != last {
			stride = 2
		}
		last = out
		hidden := d.channels() / 4
		d.residual(out, stride, func() {
			d.conv(out, 1, 1, re)
			d.grouped(out, out/g, stride)
			if se {
				d.excite(hidden, blocks.Sigmoid)
			}
			d.conv(out, 1, 1, blocks.Identity)
		})
	}
	d.classify()
}

// preConv appends batch normalisation, ReLU and a convolution.
func (d *draft) preConv(out, kernel int) {
	d.x = d.Apply("bn", &blocks.BatchNorm{}, d.x)
	d.x = d.Act(re, d.x)
	d.x = d.Apply("conv", &blocks.Conv{Out: out, Kernel: [2]int{kernel, kernel},
		Pad: blocks.PadSame(kernel, kernel, 1)}, d.x)
}

func denseNet121(d *draft) {
	d.imageStem(64)
	for i, n := range []int{6, 12, 24, 16} {
		if i > 0 {
			d.preConv(d.channels()/2, 1)
			d.pool(blocks.AvgPool, 2, 0)
		}
		for range n {
			from := d.x
			d.preConv(128, 1)
			d.preConv(32, 3)
			d.x = d.Apply("concat", &blocks.Concat{}, from, d.x)
		}
	}
	d.x = d.Apply("bn", &blocks.BatchNorm{}, d.x)
	d.x = d.Act(re, d.x)
	d.classify()
}

func peleeNet(d *draft) {
	d.conv(32, 3, 2, re)
	stem := d.x
	d.conv(16, 1, 1, re)
	d.conv(32, 3, 2, re)
	branch := d.x
	d.x = stem
	d.pool(blocks.MaxPool, 2, 0)
	d.x = d.Apply("concat", &blocks.Concat{}, branch, d.x)
	d.conv(32, 1, 1, re)
	bottlenecks := []int{1, 2, 4, 4}
	for i, n := range []int{3, 4, 8, 6} {
		if i > 0 {
			d.conv(d.channels(), 1, 1, re)
			d.pool(blocks.AvgPool, 2, 0)
		}
		for range n {
			from := d.x
			d.conv(16*bottlenecks[i], 1, 1, re)
			d.conv(16, 3, 1, re)
			one := d.x
			d.x = from
			d.conv(16*bottlenecks[i], 1, 1, re)
			d.conv(16, 3, 1, re)
			d.conv(16, 3, 1, re)
			d.x = d.Apply("concat", &blocks.Concat{}, from, one, d.x)
		}
	}
	d.conv(d.channels(), 1, 1, re)
	d.classify()
}
