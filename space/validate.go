package space

import (
	"fmt"
	"math"

	"nas/blocks"
)

// Limits on what an Arch may ask for. They lie far beyond any network that this
// package is meant for, keep every count in an int64, and keep a hostile arch
// string from asking for memory.
const (
	maxNumber   = 1 << 16 // any single number
	maxSide     = 1 << 13 // height and width of the input
	maxExperts  = 64      // and depthwise multiplier
	maxKernel   = 31
	maxDilation = 1 << 12
	maxBlocks   = 1024
	maxStages   = 128
	maxRates    = 8
	maxValues   = min(1<<31, math.MaxInt) // of one activation
	maxWeights  = min(1<<31, math.MaxInt) // of one convolution or linear layer
	maxMACs     = 1 << 60                 // of a whole network, by a generous bound
)

// Validate returns an error unless a is in normal form and within limits. What
// it accepts, Network can lower.
func (a Arch) Validate() error {
	v := validator{shape: a.Input}
	in := a.Input
	switch {
	case !validInput(in):
		return fmt.Errorf("space: arch: input %v: want sides of 1 to %d and 1 to %d channels", in, maxSide, maxNumber)
	case len(a.Stages) > maxStages:
		return fmt.Errorf("space: arch: %d stages, want at most %d", len(a.Stages), maxStages)
	}
	for i := range a.Stem {
		if err := v.block(&a.Stem[i]); err != nil {
			return fmt.Errorf("space: arch: stem, block %d (%v): %w", i+1, a.Stem[i], err)
		}
	}
	low := in
	for s, st := range a.Stages {
		for i := range st {
			if err := v.block(&st[i]); err != nil {
				return fmt.Errorf("space: arch: stage %d, block %d (%v): %w", s+1, i+1, st[i], err)
			}
		}
		if s+1 == a.Head.Low {
			low = v.shape
		}
	}
	if err := v.head(&a.Head, len(a.Stages), in, low); err != nil {
		return fmt.Errorf("space: arch: head: %w", err)
	}
	return nil
}

func validInput(in blocks.Shape) bool {
	return min(in.H, in.W, in.C) >= 1 && max(in.H, in.W) <= maxSide && in.C <= maxNumber
}

// validator follows the shape through the network.
type validator struct {
	shape  blocks.Shape
	blocks int
	macs   float64 // upper bound
}

// work adds n weights used at each of so many pixels.
func (v *validator) work(pixels, n int) error {
	if v.macs += float64(pixels) * float64(n); v.macs > maxMACs {
		return fmt.Errorf("more than 2^60 multiply-accumulates")
	}
	return nil
}

func (v *validator) block(b *Block) error {
	in := v.shape
	if v.blocks++; v.blocks > maxBlocks {
		return fmt.Errorf("more than %d blocks", maxBlocks)
	}
	row := kindTable[min(b.Kind, skip)]
	has := func(g blockGene) bool { return row.genes>>g&1 == 1 }
	for _, n := range [...]struct {
		what      string
		v, lo, hi int
	}{
		{"kernel size", b.Kernel, 1, maxKernel},
		{"stride", b.Stride, 1, maxKernel},
		{"dilation", b.Dilation, 1, maxDilation},
		{"groups", b.Groups, 1, maxNumber},
		{"channels", b.Channels, 1, maxNumber},
		{"expanded channels", b.Expanded, 0, maxNumber},
		{"squeeze channels", b.Attention.Squeeze, 0, maxNumber},
		{"depthwise multiplier", b.Multiplier, 0, maxExperts},
		{"number of experts", b.Experts, 0, maxExperts},
		{"number of pointwise experts", b.PointExperts, 0, maxExperts},
		{"activation", int(b.Activation), 0, activationCount - 1},
		{"place of the activation", int(b.After), 0, len(afterNames) - 1},
	} {
		if n.v < n.lo || n.v > n.hi {
			return fmt.Errorf("%s is %d, want %d to %d", n.what, n.v, n.lo, n.hi)
		}
	}
	switch {
	case b.Kind >= skip:
		return fmt.Errorf("unknown kind %d", b.Kind)
	case b.Kernel%2 == 0:
		return fmt.Errorf("kernel size is %d, want an odd number", b.Kernel)
	case b.Kernel == 1 && b.Dilation > 1:
		return fmt.Errorf("a 1x1 kernel has dilation %d, want none", b.Dilation)
	case b.Dilation > 1 && b.Stride > 1:
		return fmt.Errorf("dilation %d and stride %d, want one of them 1", b.Dilation, b.Stride)
	case (b.Kind == Grouped) != (b.Groups > 1):
		return fmt.Errorf("%d groups: want 2 or more for kind grouped, 1 for the others", b.Groups)
	case in.C%b.Groups != 0 || b.Channels%b.Groups != 0:
		return fmt.Errorf("%d groups divide not both %d input and %d output channels", b.Groups, in.C, b.Channels)
	case has(gExpansion) != (b.Expanded > 0):
		return fmt.Errorf("%d expanded channels: want some for kinds mbconv and fused, none for the others", b.Expanded)
	case b.Expanded == in.C && b.Kind == MBConv:
		return fmt.Errorf("no expansion (%d channels already): write it as ds, activation after the depthwise", in.C)
	case b.Expanded == in.C && b.Kind == Fused:
		return fmt.Errorf("no expansion (%d channels already): write it as conv", in.C)
	case b.Kind == DS && b.Activation == blocks.Identity && b.After != blocks.AfterDepthwise:
		return fmt.Errorf("without an activation its place is written as depthwise")
	case b.Kind != DS && b.After != 0:
		return fmt.Errorf("only a ds block has a place for its activation")
	case b.Multiplier == 1 || b.Experts == 1 || b.PointExperts == 1:
		return fmt.Errorf("a multiplier or a number of experts of 1 is written as 0")
	case b.Multiplier > 0 && b.Kind != DS:
		return fmt.Errorf("only a ds block has a depthwise multiplier")
	case b.Experts > 0 && !has(gExperts) || b.PointExperts > 0 && !has(gAttention):
		return fmt.Errorf("a %v block has no such experts", b.Kind)
	case b.Attention.Kind != NoAttention && !has(gAttention):
		return fmt.Errorf("a %v block has no attention", b.Kind)
	case b.Residual && (b.Stride != 1 || b.Channels != in.C):
		return fmt.Errorf("residual from %d to %d channels at stride %d, want equal channels and stride 1", in.C, b.Channels, b.Stride)
	}
	if err := b.Attention.validate(); err != nil {
		return err
	}
	out := blocks.Shape{H: (in.H-1)/b.Stride + 1, W: (in.W-1)/b.Stride + 1, C: b.Channels}
	wide := max(b.Expanded, in.C*max(1, b.Multiplier))
	inner := max(wide, b.Channels)
	if wide > maxNumber {
		return fmt.Errorf("%d channels inside, want at most %d", wide, maxNumber)
	}
	if in.Pixels() > maxValues/wide || out.Pixels() > maxValues/b.Channels {
		return fmt.Errorf("an activation of %v has more than 2^31 values", in)
	}
	sets := max(1, b.Experts, b.PointExperts)
	if b.Kernel*b.Kernel*inner > maxWeights/inner/sets {
		return fmt.Errorf("more than 2^31 weights")
	}
	v.shape = out
	return v.work(in.Pixels()+sets, 3*max(b.Kernel*b.Kernel, b.Attention.Kernel, 49)*inner*inner)
}

func (a *Attention) validate() error {
	switch a.Kind {
	case NoAttention:
		if *a != (Attention{}) {
			return fmt.Errorf("numbers of an attention without its kind")
		}
	case SE:
		if a.Squeeze < 1 || a.Kernel != 0 || a.Inner <= blocks.Identity || int(a.Inner) >= activationCount ||
			a.Gate != blocks.HSigmoid && a.Gate != blocks.Sigmoid {
			return fmt.Errorf("squeeze-and-excite %d:%v:%v: want channels, an inner activation and a gate of hsigmoid or sigmoid", a.Squeeze, a.Inner, a.Gate)
		}
	case ECA:
		if *a != (Attention{Kind: ECA, Kernel: a.Kernel}) || a.Kernel < 1 || a.Kernel > maxKernel || a.Kernel%2 == 0 {
			return fmt.Errorf("eca of %d taps: want an odd number from 1 to %d and no more", a.Kernel, maxKernel)
		}
	case CBAM:
		if *a != (Attention{Kind: CBAM, Squeeze: a.Squeeze}) || a.Squeeze < 1 {
			return fmt.Errorf("cbam of %d channels: want 1 or more and nothing else", a.Squeeze)
		}
	default:
		return fmt.Errorf("unknown attention %d", a.Kind)
	}
	return nil
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
	case h.Activation < 0 || int(h.Activation) >= activationCount:
		return fmt.Errorf("unknown activation %d", h.Activation)
	case !h.acts() && h.Activation != blocks.Identity:
		return fmt.Errorf("an activation without a layer that it follows")
	case h.Classes < 1 || h.Classes > maxNumber:
		return fmt.Errorf("%d classes, want 1 to %d", h.Classes, maxNumber)
	}
	for _, r := range h.Rates {
		if r < 2 || r > maxDilation {
			return fmt.Errorf("rate %d, want 2 to %d", r, maxDilation)
		}
	}
	// The widest tensor of any head: all branches of the map that it works on,
	// and the classes at full size.
	widest := max(h.Channels, v.shape.C) * (len(h.Rates) + 2)
	if max(v.shape.Pixels(), low.Pixels()) > maxValues/max(widest, low.C) || row.needsC && in.Pixels() > maxValues/h.Classes {
		return fmt.Errorf("an activation has more than 2^31 values")
	}
	n := max(h.Channels, v.shape.C, low.C, h.Hidden, h.Classes)
	if 9*n > maxWeights/n/(len(h.Rates)+2) {
		return fmt.Errorf("more than 2^31 weights")
	}
	return v.work(max(v.shape.Pixels(), low.Pixels()), 9*n*n*(len(h.Rates)+2))
}

// activationCount is the number of functions that package blocks knows.
var activationCount = len(blocks.ActFuncs())
