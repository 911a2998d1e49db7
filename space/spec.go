package space

import (
	"fmt"
	"strings"
)

// Spec is a search space as a person writes it: the [space] table of a config.
// Every gene is one value or a list of choices; a list with one value is the
// same as the value. A nil list means the default that its field states.
//
// A Spec is checked and completed by [New].
type Spec struct {
	// Input is height, width and channels of the image, e.g. 224, 224, 3.
	Input []int `toml:"input"`
	// Classes is the number of outputs (of a pixel, for segmentation heads).
	Classes int `toml:"classes"`
	// Resolution is the height that the network gets; the width keeps the shape
	// of Input. Default: the height of Input.
	Resolution Ints `toml:"resolution"`
	// Width is the width multiplier alpha on the channels of stem, stages and
	// head. Scaled channels are rounded to a multiple of 8, never below 90 %;
	// 1 leaves them as written. Default 1.
	Width Floats `toml:"width"`
	// OutputStride, if not 0, limits the ratio of input to feature extent: a
	// stage whose stride would exceed it gets stride 1, and the blocks behind
	// that stride are dilated by it instead (DeepLab). Default 0: no limit.
	OutputStride Ints `toml:"output_stride"`

	Stem  StemSpec    `toml:"stem"`
	Stage []StageSpec `toml:"stage"`
	Head  HeadSpec    `toml:"head"`
}

// StemSpec is the convolution in front of the first stage.
type StemSpec struct {
	Channels   Ints    `toml:"channels"`   // of the output, before the width multiplier; 0 means no stem; default 32
	Kernel     Ints    `toml:"kernel"`     // spatial extent K, odd, 1 to 31; default 3
	Stride     Ints    `toml:"stride"`     // of its convolution, 1 to 8; default 2
	Activation Strings `toml:"activation"` // behind the batch normalisation; default relu6
	// Scale says whether the width multiplier applies to Channels: "always",
	// "up" (only above 1) or "never". Default always.
	Scale string `toml:"scale"`
}

// StageSpec is a row of blocks of equal output channels, of which the first one
// has the stride.
type StageSpec struct {
	Block      Strings `toml:"block"`      // the kind of block; default mbconv
	Channels   Ints    `toml:"channels"`   // of the output, before the width multiplier; no default
	Stride     Ints    `toml:"stride"`     // of the first block, 1 to 8; default 1
	Depth      Ints    `toml:"depth"`      // number of blocks, 1 to 64; default 1
	Kernel     Ints    `toml:"kernel"`     // spatial extent K of the depthwise, or the only, convolution; odd, 1 to 31; default 3
	Expansion  Floats  `toml:"expansion"`  // mbconv, fused: hidden / input channels, above 0, at most 32; default 6
	Dilation   Ints    `toml:"dilation"`   // of the same convolution, 1 to 64; has no effect at stride > 1; default 1
	Activation Strings `toml:"activation"` // of all convolutions of a block but a linear last one; default relu6
	// ActivationAfter places the activation of a ds block: after "depthwise",
	// "pointwise" or "both". Default both.
	ActivationAfter Strings `toml:"activation_after"`
	Groups          Ints    `toml:"groups"`   // grouped: groups of the convolution, 1 to 4096; must divide input and output channels; default: grouped has none
	SE              Floats  `toml:"se"`       // ratio of squeeze-and-excite, 0 to 1; 0 means none; default 0
	Residual        Bools   `toml:"residual"` // whether the input is added to the output where stride is 1 and channels are equal; default: mbconv, fused and xception do
	// Attention is what weighs the channels of ds, mbconv and fused blocks: "se"
	// where the ratio is not 0, "eca", "cbam" (ratio 0 means 0.25) or "none". Default
	// se.
	Attention Strings `toml:"attention"`
	// Experts is the number of sets of weights that a convolution mixes for each
	// image (CondConv), 1 to 64; default 1, an ordinary convolution.
	Experts    Ints `toml:"experts"`
	Multiplier Ints `toml:"multiplier"` // ds: depthwise outputs for each input channel, 1 to 64; default 1
	// Choice makes whole blocks one gene, instead of the lists above, which then
	// hold one value at most: the default of the entries.
	Choice []ChoiceSpec `toml:"choice"`
	// Per is "block" (each block of the stage has genes of its own) or "stage"
	// (all share one set). Default block.
	Per string `toml:"per"`
	// ExpertsIn says which convolutions of ds, mbconv and fused blocks have experts:
	// "depthwise" (the KxK one, also where it is not depthwise), "pointwise" or
	// "both". Default depthwise.
	ExpertsIn string `toml:"experts_in"`
	// SEFrom says what the ratio SE multiplies: the "expanded" channels, rounded to
	// a multiple of 8 (MobileNetV3), or the block's "input" channels, rounded down
	// (MnasNet, EfficientNet). Default expanded.
	SEFrom string `toml:"se_from"`
	// SEActivation follows the first of the two layers of squeeze-and-excite. Default relu.
	SEActivation string `toml:"se_activation"`
	// SEGate follows the second: hsigmoid or sigmoid. Default hsigmoid.
	SEGate string `toml:"se_gate"`
}

// ChoiceSpec is a whole block. What is not set comes from the stage.
type ChoiceSpec struct {
	Block           Strings `toml:"block"`
	Kernel          Ints    `toml:"kernel"`
	Expansion       Floats  `toml:"expansion"`
	Dilation        Ints    `toml:"dilation"`
	Activation      Strings `toml:"activation"`
	ActivationAfter Strings `toml:"activation_after"`
	Groups          Ints    `toml:"groups"`
	SE              Floats  `toml:"se"`
	Residual        Bools   `toml:"residual"`
	Attention       Strings `toml:"attention"`
	Experts         Ints    `toml:"experts"`
	Multiplier      Ints    `toml:"multiplier"`
}

// HeadSpec is what stands after the last stage. See [HeadKind].
type HeadSpec struct {
	Kind     string `toml:"kind"`     // what the network ends in; default classifier
	Channels Ints   `toml:"channels"` // of the last 1x1 convolution, or of the head's branches; classifier: 0 means no convolution; default 1280 (classifier), 256 (aspp), 128 (lraspp, fast_scnn)
	Hidden   Ints   `toml:"hidden"`   // classifier: channels of a hidden linear layer; default 0, none
	// Rates are the dilations of aspp's 3x3 branches, all of them used. Default
	// 6, 12, 18; an empty list leaves the branches out.
	Rates []int `toml:"rates"`
	// Low is the number of the stage, counted from 1, that gives lraspp and
	// fast_scnn their detail. Default 0: the last one whose output is not smaller
	// than an eighth of the input.
	Low        int     `toml:"low"`
	Activation Strings `toml:"activation"` // of the head's convolutions and hidden layer; default relu6
	// Scale is as in StemSpec, for Channels. Default up (MobileNetV2's rule).
	// Hidden is never scaled.
	Scale string `toml:"scale"`
}

// Ints, Floats, Strings and Bools are genes: one value or a list of choices.
type (
	Ints    []int
	Floats  []float64
	Strings []string
	Bools   []bool
)

// A Problem is one thing wrong with a Spec.
type Problem struct {
	// Key is the path of the value, e.g. "space.stage[2].kernel[1]". Stages and
	// list entries are counted from 1.
	Key   string
	Value string // as found, "" if the key is missing
	Want  string // what would be right
}

// String is the problem as one clause.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Key + " is missing: want " + p.Want
	}
	return p.Key + " = " + p.Value + ": want " + p.Want
}

// SpecError is everything wrong with a Spec.
type SpecError struct{ Problems []Problem }

// Error lists all problems.
func (e *SpecError) Error() string {
	if len(e.Problems) == 1 {
		return "space: " + e.Problems[0].String()
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "space: %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		sb.WriteString("\n\t" + p.String())
	}
	return sb.String()
}
