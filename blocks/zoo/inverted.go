package zoo

import (
	"math"
	"strconv"

	"nas/blocks"
)

// stage is a row of an architecture table of inverted residuals: n blocks, of
// which the first has the stride.
type stage struct {
	expand  float64 // ratio to the block's input channels
	out     int     // channels before the width multiplier
	n       int     // repeats before the depth multiplier
	stride  int
	kernel  int
	se      float64 // share of the channels that the table's seOf names; 0 is none
	act     blocks.ActFunc
	fixed   bool // repeats are not scaled
	project blocks.ActFunc
	more    bool // the row belongs to the stage of the row above
}

// inverted is a backbone of inverted residuals.
type inverted struct {
	stages       []stage
	width, depth float64 // 0 means 1
	// seOfInput squeezes to a fraction of the block's input channels (EfficientNet, MnasNet) instead of its expanded
	// channels, made divisible by 8.
	seOfInput   bool
	seAct, gate blocks.ActFunc
	epsilon     float64
	// rounded rounds scaled repeats to the nearest number instead of up.
	rounded bool
	// outputStride, when not 0, turns strides beyond it into dilation of the
	// blocks that follow (Chen et al., Rethinking Atrous Convolution, 2017).
	outputStride int
	// dilateFirst dilates also the block whose stride went, as torchvision does.
	dilateFirst bool
}

// scale applies a width multiplier; 0 means 1.
func scale(channels int, width float64) int {
	if width == 0 {
		width = 1
	}
	return blocks.MakeDivisible(float64(channels)*width, 8)
}

// repeats is the number of blocks of a row.
func (m *inverted) repeats(row *stage) int {
	switch n := float64(row.n) * m.depth; {
	case m.depth == 0 || row.fixed:
		return row.n
	case m.rounded:
		return max(1, int(math.Round(n)))
	default:
		return int(math.Ceil(n))
	}
}

// build appends the stages after a stem of stride 2 and returns the output of each row.
func (m inverted) build(b *blocks.Builder, x blocks.Value) []blocks.Value {
	outs := make([]blocks.Value, len(m.stages))
	reached, dilation := 2, 1
	number, block := 0, 0
	for i, row := range m.stages {
		if !row.more {
			number, block = number+1, 0
		}
		for j := range m.repeats(&row) {
			p := blocks.InvertedResidual{
				Out:        scale(row.out, m.width),
				Expanded:   blocks.MakeDivisible(float64(b.Shape(x).C)*row.expand, 8),
				Kernel:     row.kernel,
				Act:        row.act,
				ProjectAct: row.project,
				Epsilon:    m.epsilon,
			}
			previous := dilation
			if j == 0 && row.stride > 1 {
				if m.outputStride > 0 && reached*row.stride > m.outputStride {
					dilation *= row.stride
				} else {
					p.Stride, reached = row.stride, reached*row.stride
				}
			}
			p.NoResidual = p.Stride > 1
			p.Dilation = dilation
			if j == 0 && !m.dilateFirst {
				p.Dilation = previous
			}
			if row.se > 0 {
				hidden := blocks.MakeDivisible(float64(p.Expanded)*row.se, 8)
				if m.seOfInput {
					hidden = max(1, int(float64(b.Shape(x).C)*row.se))
				}
				p.SE = &blocks.SqueezeExcite{Hidden: hidden, Act: m.seAct, Gate: m.gate}
			}
			block++
			b.Mark(number, block)
			x = blocks.Named{Name: "stage" + strconv.Itoa(number) + ".block" + strconv.Itoa(block), Block: p}.Build(b, x)
		}
		outs[i] = x
	}
	b.Mark(number+1, 0)
	return outs
}

// convAs appends convolution, batch normalisation and activation under a name.
func convAs(b *blocks.Builder, name string, x blocks.Value, p blocks.ConvBNAct) blocks.Value {
	return blocks.Named{Name: name, Block: p}.Build(b, x)
}

// classify appends global average pooling and the linear classifier.
func classify(b *blocks.Builder, x blocks.Value, classes int) {
	x = b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("head.classifier", &blocks.Linear{Out: classes, Bias: true}, x)
}
