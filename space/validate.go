package space

import (
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// Validate returns an error unless a is in normal form and within the limits of the package.
// Network can lower every Arch that it accepts.
func (a Arch) Validate() error {
	v := validator{shape: a.Input, stride: 1}
	in := a.Input
	switch {
	case !validInput(in):
		return fault.Errorf("space: arch: input %v: want sides of 1 to %d and 1 to %d channels", in, maxSide, maxNumber)
	case len(a.Stages) > maxStages:
		return fault.Errorf("space: arch: %d stages, want at most %d", len(a.Stages), maxStages)
	}
	for i := range a.Stem {
		if err := v.block(&a.Stem[i]); err != nil {
			return fault.Errorf("space: arch: stem, block %d (%v): %w", i+1, a.Stem[i], err)
		}
	}
	low := in
	for s, st := range a.Stages {
		for i := range st {
			if err := v.block(&st[i]); err != nil {
				return fault.Errorf("space: arch: stage %d, block %d (%v): %w", s+1, i+1, st[i], err)
			}
		}
		if s+1 == a.Head.Low {
			low = v.shape
		}
	}
	if err := v.head(&a.Head, len(a.Stages), in, low); err != nil {
		return fault.Errorf("space: arch: head: %w", err)
	}
	return nil
}

func validInput(in blocks.Shape) bool {
	return min(in.H, in.W, in.C) >= 1 && max(in.H, in.W) <= maxSide && in.C <= maxNumber
}

// halved reports whether a block of stride 2 makes a map of one extent from one of the other.
func halved(from, to blocks.Shape) bool {
	return (from.H+1)/2 == to.H && (from.W+1)/2 == to.W && from.H > to.H
}

// validator follows the shape through the network.
type validator struct {
	shape  blocks.Shape
	wider  blocks.Shape // the widest map within the last block with a stride, before its stride
	stride int          // of the blocks so far, multiplied
	blocks int
	macs   float64 // upper bound
}

// work adds n weights, each of which is used at so many pixels.
func (v *validator) work(pixels, n int) error {
	if v.macs += float64(pixels) * float64(n); v.macs > maxMACs {
		return fmt.Errorf("more than 2^60 multiply-accumulates")
	}
	return nil
}

func (v *validator) block(b *Block) error {
	if v.blocks++; v.blocks > maxBlocks {
		return fmt.Errorf("more than %d blocks", maxBlocks)
	}
	if b.Kind >= skip {
		return fmt.Errorf("unknown kind %d", b.Kind)
	}
	for i, n := range b.numbers() {
		if n == nil {
			continue
		}
		if err := blockTokens[i].validate(b.Kind, *n); err != nil {
			return err
		}
	}
	if err := b.validate(v.shape.C); err != nil {
		return err
	}
	if err := b.Attention.validate(); err != nil {
		return err
	}
	return v.size(b)
}

// validate checks a number, or the position of a word, of a block of kind k.
func (t *token) validate(k Kind, n int) error {
	has, what := k.has(t.gene), strings.TrimPrefix(t.what, "a ")
	switch {
	case t.words != nil && (n < 0 || n >= len(t.words)):
		return fmt.Errorf("unknown %s %d", t.what, n)
	case t.words != nil && n != t.low && !has:
		return fmt.Errorf("a %v block has no %s", k, t.what)
	case t.words != nil:
	case n == 0 && t.gene == gKernel && k == UIB:
	case n < t.low || n > t.high:
		return fmt.Errorf("%s is %d, want %d to %d", what, n, t.low, t.high)
	case n > t.low && !has:
		return fmt.Errorf("%s is %d, but a %v block has none", what, n, k)
	case n > t.low && n < t.least:
		return fmt.Errorf("a %s of 1 is written as %d", what, t.low)
	case has && !t.optional && n < t.least:
		return fmt.Errorf("%s is %d, want %d or more in a %v block", what, n, t.least, k)
	}
	return nil
}

// validate checks the relations between the numbers of a block with cin input channels.
func (b *Block) validate(cin int) error {
	switch {
	case b.Width != 0 && (b.Kernel == 0 || b.Width == b.Kernel || b.Width < 0 || b.Width > maxKernel):
		return fmt.Errorf("kernel width is %d, want 1 to %d and another number than the height %d", b.Width, maxKernel,
			b.Kernel)
	case b.largestExtent() < 2 && b.Dilation > 1:
		return fmt.Errorf("a 1x1 kernel has dilation %d, want none", b.Dilation)
	case b.Dilation > 1 && b.Stride > 1:
		return fmt.Errorf("dilation %d and stride %d, want one of them 1", b.Dilation, b.Stride)
	case b.Kind == Grouped && b.Groups < 2:
		return fmt.Errorf("number of groups is %d, want 2 or more in a grouped block", b.Groups)
	case b.Kind == Bottleneck && b.Expanded%b.Groups != 0:
		return fmt.Errorf("%d groups do not divide the %d channels inside", b.Groups, b.Expanded)
	case b.Kind == Bottleneck && b.Activation == blocks.Identity:
		return fmt.Errorf("a bottleneck block needs an activation")
	case b.Kind != Bottleneck && (cin%b.Groups != 0 || b.Channels%b.Groups != 0):
		return fmt.Errorf("%d groups divide not both %d input and %d output channels", b.Groups, cin, b.Channels)
	case b.Expanded == cin && b.Kind == MBConv:
		return fmt.Errorf("no expansion (%d channels already): write it as ds, activation after the depthwise", cin)
	case b.Expanded == cin && b.Kind == Fused:
		return fmt.Errorf("no expansion (%d channels already): write it as conv", cin)
	case b.Kind == UIB && b.Before == 0 && b.Expanded != cin:
		return fmt.Errorf("no depthwise before the expansion: write it as mbconv, or as fused with kernel size 1")
	case b.Kind == DS && b.Activation == blocks.Identity && b.After != blocks.AfterDepthwise:
		return fmt.Errorf("without an activation its position is written as depthwise")
	case b.PointExperts > 0 && !kindTable[b.Kind].pointwise:
		return fmt.Errorf("a %v block has no pointwise experts", b.Kind)
	case b.Attention.Kind != NoAttention && !b.Kind.has(gAttention):
		return fmt.Errorf("a %v block has no attention", b.Kind)
	case b.Residual && b.Kind != Bottleneck && (b.Stride != 1 || b.Channels != cin):
		return fmt.Errorf("residual from %d to %d channels at stride %d, want equal channels and stride 1",
			cin, b.Channels, b.Stride)
	}
	return nil
}

// size checks the size of a block, adds its work and sets v.shape to its output.
func (v *validator) size(b *Block) error {
	in := v.shape
	out := blocks.Shape{H: (in.H-1)/b.Stride + 1, W: (in.W-1)/b.Stride + 1, C: b.Channels}
	wide := max(b.Expanded, in.C*max(1, b.Multiplier))
	inner := max(wide, b.Channels)
	if wide > maxNumber {
		return fmt.Errorf("%d channels inside, want at most %d", wide, maxNumber)
	}
	for _, s := range []blocks.Shape{{H: in.H, W: in.W, C: wide}, out} {
		if s.Pixels() > maxValues/s.C {
			return fmt.Errorf("an activation of %v has more than 2^31 values", s)
		}
	}
	sets := max(1, b.Experts, b.PointExperts)
	if v.stride *= b.Stride; b.Stride > 1 {
		v.wider = blocks.Shape{H: in.H, W: in.W, C: wide}
	}
	kernel := b.largestExtent()
	if kernel*kernel*inner > maxWeights/inner/sets {
		return fmt.Errorf("more than 2^31 weights")
	}
	v.shape = out
	return v.work(in.Pixels()+sets, 3*max(kernel*kernel, b.Attention.Kernel, 49)*inner*inner)
}

// head checks the head. In and low are the shapes of the input and of stage Low.
func (v *validator) head(h *Head, stages int, in, low blocks.Shape) error {
	if h.Kind >= headKinds {
		return fmt.Errorf("unknown kind %d", h.Kind)
	}
	row := headTable[h.Kind]
	switch {
	case h.Channels < 0 || h.Channels > maxNumber || h.Hidden < 0 || h.Hidden > maxNumber:
		return fmt.Errorf("%d channels, %d hidden: want 0 to %d", h.Channels, h.Hidden, maxNumber)
	case row.needsC && h.Channels == 0:
		return fmt.Errorf("%v needs channels", h.Kind)
	case h.Hidden > 0 && !row.hidden:
		return fmt.Errorf("%v has no hidden layer", h.Kind)
	case len(h.Rates) > 0 && !row.rates || len(h.Rates) > maxRates:
		return fmt.Errorf("%d rates: want none, or up to %d for aspp", len(h.Rates), maxRates)
	case row.low && (h.Low < 1 || h.Low > stages):
		return fmt.Errorf("%v takes detail from stage %d, want 1 to %d", h.Kind, h.Low, stages)
	case !row.low && h.Low != 0:
		return fmt.Errorf("%v takes no detail from a stage", h.Kind)
	case h.Activation < 0 || int(h.Activation) >= len(actWords):
		return fmt.Errorf("unknown activation %d", h.Activation)
	case !h.acts() && h.Activation != blocks.Identity:
		return fmt.Errorf("an activation without a layer that it follows")
	case row.bare:
		if h.Channels != 0 || h.Classes != 0 || !slices.Contains(featureStrides, v.stride) {
			return fmt.Errorf("%v has no channels or classes, and the last stage at stride 8, 16 or 32, not %d",
				h.Kind, v.stride)
		}
		return nil
	case h.Kind == SSDLite && (v.stride < 4 || !halved(v.wider, v.shape)):
		return fmt.Errorf("%v needs a map of twice the extent of the last one, %dx%d, besides the input",
			h.Kind, v.shape.H, v.shape.W)
	case h.Classes < 1 || h.Classes > maxNumber:
		return fmt.Errorf("%d classes, want 1 to %d", h.Classes, maxNumber)
	}
	for _, r := range h.Rates {
		if r < 2 || r > maxDilation {
			return fmt.Errorf("rate %d, want 2 to %d", r, maxDilation)
		}
	}
	// The widest tensor of any head: of a classifier the map that it pools; of the others all branches
	// of the map that they work on, and the classes at full size.
	branches, taps := len(h.Rates)+2, 9
	switch h.Kind {
	case Classifier:
		branches, taps = 1, 1
	case SSDLite: // six maps, for each of which 6 x classes or 4 are predicted
		low, branches, taps = v.wider, 12, 1
		low.C = max(low.C, 6*h.Classes)
	}
	widest := blocks.Shape{H: max(v.shape.H, low.H), W: max(v.shape.W, low.W)}
	widest.C = max(max(h.Channels, v.shape.C)*branches, low.C)
	for _, s := range []blocks.Shape{widest, {H: in.H, W: in.W, C: h.Classes}} {
		if s.Pixels() > maxValues/s.C && (row.needsC || s == widest) {
			return fmt.Errorf("an activation of %v has more than 2^31 values", s)
		}
	}
	n := max(h.Channels, v.shape.C, low.C, h.Hidden, h.Classes)
	if taps*n > maxWeights/n/branches {
		return fmt.Errorf("more than 2^31 weights")
	}
	return v.work(widest.Pixels(), taps*n*n*branches)
}
