package space

import (
	"fmt"

	"nas/blocks"
)

// AttentionKind names a gate on the channels of a block.
type AttentionKind uint8

// The gates.
const (
	NoAttention AttentionKind = iota
	SE                        // squeeze-and-excite (Hu et al., CVPR 2018)
	ECA                       // efficient channel attention (Wang et al., CVPR 2020)
	CBAM                      // channel and spatial gates (Woo et al., ECCV 2018)
)

// attentionWords are the names of the gates, by number.
var attentionWords = []string{NoAttention: "none", SE: "se", ECA: "eca", CBAM: "cbam"}

// String returns "none", "se", "eca" or "cbam".
func (k AttentionKind) String() string {
	if int(k) >= len(attentionWords) {
		return fmt.Sprintf("AttentionKind(%d)", uint8(k))
	}
	return attentionWords[k]
}

// Attention is a gate with its final numbers. The zero value is none.
type Attention struct {
	Kind    AttentionKind
	Squeeze int            // SE and CBAM: channels between the two layers
	Kernel  int            // ECA: taps of the convolution over channels, odd
	Inner   blocks.ActFunc // SE: after the first layer; CBAM always has ReLU
	Gate    blocks.ActFunc // SE: blocks.HSigmoid or blocks.Sigmoid; the others always have Sigmoid
}

// newAttention gives a gate on inner channels, in a block with cin input channels, its
// final numbers.
func newAttention(k AttentionKind, ratio float64, cin, inner int, style *style) Attention {
	switch k {
	case SE:
		if n := squeezeChannels(ratio, cin, inner, style.seFromInput, style.divisor); n > 0 {
			return Attention{Kind: SE, Squeeze: n, Inner: style.seInner, Gate: style.seGate}
		}
	case ECA:
		return Attention{Kind: ECA, Kernel: blocks.ECAKernel(inner)}
	case CBAM:
		if ratio == 0 {
			ratio = 0.25
		}
		return Attention{Kind: CBAM, Squeeze: squeezeChannels(ratio, cin, inner, style.seFromInput, style.divisor)}
	}
	return Attention{}
}

// squeezeChannels sizes the inner layer of a gate: a fraction of the channels that the
// gate works on, made divisible (MobileNetV3), or a fraction of the block's input
// channels, rounded down (MnasNet, EfficientNet).
func squeezeChannels(ratio float64, cin, inner int, fromInput bool, d divisor) int {
	if ratio == 0 {
		return 0
	}
	if fromInput {
		return max(1, int(float64(cin)*ratio))
	}
	return d.round(float64(inner) * ratio)
}

// append writes the token of the gate.
func (a *Attention) append(p []byte) []byte {
	switch a.Kind {
	case SE:
		p = appendInt(append(p, "_se"...), a.Squeeze)
		p = append(append(p, ':'), a.Inner.String()...)
		p = append(append(p, ':'), a.Gate.String()...)
	case ECA:
		p = appendInt(append(p, "_eca"...), a.Kernel)
	case CBAM:
		p = appendInt(append(p, "_cbam"...), a.Squeeze)
	}
	return p
}

// attention reads the token of a gate, if there is one.
func (p *parser) attention() (a Attention) {
	switch {
	case p.accept("_se"):
		a.Kind, a.Squeeze = SE, p.number("squeeze channels")
		p.expect(":")
		a.Inner = p.activation()
		p.expect(":")
		a.Gate = p.activation()
	case p.accept("_eca"):
		a.Kind, a.Kernel = ECA, p.number("taps over channels")
	case p.accept("_cbam"):
		a.Kind, a.Squeeze = CBAM, p.number("squeeze channels")
	}
	return a
}

func (a *Attention) validate() error {
	switch a.Kind {
	case NoAttention:
		if *a != (Attention{}) {
			return fmt.Errorf("numbers of an attention without its kind")
		}
	case SE:
		if a.Squeeze < 1 || a.Squeeze > maxNumber || a.Kernel != 0 || a.Inner <= blocks.Identity ||
			int(a.Inner) >= len(actWords) || a.Gate != blocks.HSigmoid && a.Gate != blocks.Sigmoid {
			return fmt.Errorf("squeeze-and-excite %d:%v:%v: want 1 to %d channels, an inner activation "+
				"and a gate of hsigmoid or sigmoid", a.Squeeze, a.Inner, a.Gate, maxNumber)
		}
	case ECA:
		if *a != (Attention{Kind: ECA, Kernel: a.Kernel}) || a.Kernel < 1 || a.Kernel > maxKernel || a.Kernel%2 == 0 {
			return fmt.Errorf("eca of %d taps: want an odd number from 1 to %d and no more", a.Kernel, maxKernel)
		}
	case CBAM:
		if *a != (Attention{Kind: CBAM, Squeeze: a.Squeeze}) || a.Squeeze < 1 || a.Squeeze > maxNumber {
			return fmt.Errorf("cbam of %d channels: want 1 to %d and nothing else", a.Squeeze, maxNumber)
		}
	default:
		return fmt.Errorf("unknown attention %d", a.Kind)
	}
	return nil
}

// layers returns the gate: a squeeze-and-excite, or another one, or neither.
func (a *Attention) layers() (*blocks.SqueezeExcite, blocks.Block) {
	switch a.Kind {
	case SE:
		return &blocks.SqueezeExcite{Hidden: a.Squeeze, Act: a.Inner, Gate: a.Gate}, nil
	case ECA:
		return nil, blocks.ECA{Kernel: a.Kernel}
	case CBAM:
		return nil, blocks.CBAM{Hidden: a.Squeeze}
	}
	return nil, nil
}
