package space

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"nas/blocks"
)

// Arch describes one network completely: every block with its final numbers. It can be
// lowered and understood without a space or a config. The package comment describes its text
// form, which [Parse] reads.
type Arch struct {
	Input  blocks.Shape
	Stem   []Block   // stage 0; may be empty
	Stages [][]Block // stages 1, 2 ...; a stage may be empty
	Head   Head
}

// HeadKind names what stands after the last stage.
type HeadKind uint8

// The heads.
const (
	// Classifier: optional 1x1 convolution to Channels with BN and Activation,
	// global average pool, optional linear layer to Hidden with Activation,
	// linear layer to Classes.
	Classifier HeadKind = iota
	// ASPP: atrous spatial pyramid pooling (Chen et al., DeepLabV3, 2017): a 1x1
	// convolution, a 3x3 one for each dilation of Rates and an image-pooling
	// branch, Channels each; concat, 1x1 to Channels, 1x1 to Classes, resized to
	// the input. No Rates is the light form of MobileNetV2's paper.
	ASPP
	// LRASPP: the segmentation head of MobileNetV3 (Howard et al., ICCV 2019,
	// figure 10): a pooled gate on the last stage, resized to stage Low, and a
	// 1x1 classifier on each; their sum resized to the input.
	LRASPP
	// FastSCNN: pyramid pooling, fusion with stage Low, two separable
	// convolutions and a 1x1 classifier, resized to the input (Poudel et al.,
	// BMVC 2019).
	FastSCNN
	// Features: no head. The network returns the last maps at 1/8, 1/16 and 1/32 of the
	// input, those that there are, for a detector or a segmentation network of another
	// program.
	Features
	// SSDLite: the detection head of MobileNetV2 (Sandler et al., CVPR 2018, section 6.2),
	// see [blocks.SSDLite]. Its finer map is the last one of twice the extent of the last
	// stage's: the expanded channels of the block that halves it, where that is an mbconv,
	// as published. Hidden is an optional 1x1 convolution behind the last stage, Channels
	// the width of the first further map.
	SSDLite
	headKinds
)

// headTable holds the heads' names and parameters.
var headTable = [headKinds]struct {
	name                       string
	channels                   int // the default
	hidden, rates, low, needsC bool
	bare                       bool // it has no layers, and so no channels, activation or classes
}{
	Classifier: {name: "classifier", channels: 1280, hidden: true},
	ASPP:       {name: "aspp", channels: 256, rates: true, needsC: true},
	LRASPP:     {name: "lraspp", channels: 128, low: true, needsC: true},
	FastSCNN:   {name: "fast_scnn", channels: 128, low: true, needsC: true},
	Features:   {name: "features", bare: true},
	SSDLite:    {name: "ssdlite", channels: 512, hidden: true, needsC: true},
}

// headWords are the names of the heads, by number.
var headWords = func() (words []string) {
	for _, row := range headTable {
		words = append(words, row.name)
	}
	return words
}()

// String returns the name used in configs and arch strings.
func (k HeadKind) String() string {
	if k >= headKinds {
		return fmt.Sprintf("HeadKind(%d)", uint8(k))
	}
	return headTable[k].name
}

// Head is the end of a network.
type Head struct {
	Kind       HeadKind
	Channels   int            // 0, Classifier only: no 1x1 convolution
	Hidden     int            // Classifier: 0 means no hidden linear layer; SSDLite: no convolution behind the last stage
	Rates      []int          // ASPP: dilations of the 3x3 branches, 2 or more each
	Low        int            // LRASPP, FastSCNN: number of the stage that gives detail
	Activation blocks.ActFunc //
	Classes    int            // Features: 0; SSDLite: with the background
}

// String returns the text form of a. Parse reads it back to an equal Arch.
func (a Arch) String() string {
	var buf [1024]byte
	return string(a.append(buf[:0]))
}

// Describe returns String and ID.
func (a *Arch) Describe() (text, id string) {
	var buf [1024]byte
	p := a.append(buf[:0])
	return string(p), idOf(p)
}

// ID returns the first 12 hexadecimal digits of the SHA-256 of String. A network has the same
// ID in all runs, spaces and versions of the program.
func (a Arch) ID() string {
	var buf [1024]byte
	return idOf(a.append(buf[:0]))
}

func idOf(text []byte) string {
	sum := sha256.Sum256(text)
	var digits [12]byte
	hex.Encode(digits[:], sum[:6])
	return string(digits[:])
}

// append writes the text form. The order of tokens is part of the format.
func (a *Arch) append(p []byte) []byte {
	p = appendSegment(appendInput(p, a.Input), a.Stem)
	for _, st := range a.Stages {
		p = appendSegment(p, st)
	}
	p = append(p, " | "...)
	return a.Head.append(p)
}

func appendInput(p []byte, in blocks.Shape) []byte {
	p = append(appendInt(p, in.H), 'x')
	p = append(appendInt(p, in.W), 'x')
	return appendInt(p, in.C)
}

func appendSegment(p []byte, bs []Block) []byte {
	p = append(p, " |"...)
	if len(bs) == 0 {
		return append(p, " -"...)
	}
	for i := range bs {
		p = append(p, ' ')
		p = bs[i].append(p)
	}
	return p
}

func (h *Head) append(p []byte) []byte {
	p = append(p, h.Kind.String()...)
	if h.Channels > 0 {
		p = appendInt(append(p, "_c"...), h.Channels)
	}
	if h.Hidden > 0 {
		p = appendInt(append(p, "_h"...), h.Hidden)
	}
	for i, r := range h.Rates {
		sep := "_d"
		if i > 0 {
			sep = ":"
		}
		p = appendInt(append(p, sep...), r)
	}
	if h.Low > 0 {
		p = appendInt(append(p, "_t"...), h.Low)
	}
	if h.acts() {
		p = append(p, '_')
		p = append(p, h.Activation.String()...)
	}
	if headTable[h.Kind].bare {
		return p
	}
	return appendInt(append(p, "_n"...), h.Classes)
}

// acts reports whether the head has a layer that its activation follows.
func (h *Head) acts() bool { return h.Channels > 0 || h.Hidden > 0 }
