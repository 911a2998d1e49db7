package space

import (
	"fmt"
	"strings"
)

// Spec is a search space as a person writes it: the [space] table of a config.
// Every gene is one value or a list of choices; a list with one value is the
// same as the value. A nil list means the default that its field states.
//
// A Spec is checked and completed by [New]. The reference of the config is made from the
// comments of the fields, and from their tags: unit, an example, another line that the
// example needs, what is allowed where the check of the config does not say so, and a bad
// value that makes it say so.
type Spec struct {
	// Input is the height, width and number of channels of the image.
	Input []int `toml:"input" unit:"pixels, pixels, channels" example:"[224, 224, 3]" bad:"[0]"`
	// Classes is the number of outputs, for segmentation heads that of one pixel.
	Classes int `toml:"classes" example:"1000"`
	// Resolution is the height of the image that the network gets. Its width follows from
	// the shape of Input. Default: the height of Input.
	Resolution Ints `toml:"resolution" unit:"pixels" example:"[160, 192, 224]" allowed:"1 to 8192, with a whole width"`
	// Width is the width multiplier alpha on the channels of stem, stages and head. Scaled
	// channels are rounded to a multiple of Divisor, never below 90 %; 1 leaves them as they are.
	// Default 1.
	Width Floats `toml:"width" example:"[0.5, 0.75, 1.0]"`
	// Divisor is the number of which scaled channels, hidden channels and the channels of a
	// gate are multiples, 1 to 256. Default 8.
	Divisor int `toml:"divisor" json:",omitempty" unit:"channels" example:"4"`
	// OutputStride is a limit on the ratio of the input's extent to that of the features. A
	// stage whose stride would exceed it gets stride 1, and the blocks behind that stride
	// are dilated by it instead (DeepLab). Default 0: no limit.
	OutputStride Ints `toml:"output_stride" unit:"pixels a feature" example:"[8, 16, 32]"`

	Stem  StemSpec    `toml:"stem"`
	Stage []StageSpec `toml:"stage"`
	Head  HeadSpec    `toml:"head"`
}

// StemSpec is the convolution in front of the first stage.
type StemSpec struct {
	// Channels is the number of output channels before the width multiplier applies; 0
	// means that there is no stem. Default 32.
	Channels Ints `toml:"channels" example:"[16, 32]"`
	// Kernel is the spatial extent K or [height, width], each 1 to 31. Default 3.
	Kernel Kernels `toml:"kernel" unit:"pixels" example:"[[10, 4], 3]"`
	// Stride is the stride of the convolution, 1 to 8. Default 2.
	Stride Ints `toml:"stride" unit:"pixels" example:"2"`
	// Activation is the function behind the batch normalisation. Default relu6.
	Activation Strings `toml:"activation" example:"['relu6', 'hswish']"`
	// Scale says whether the width multiplier applies to Channels: "always", "up" (only
	// above 1) or "never". Default always.
	Scale string `toml:"scale" example:"'never'"`
}

// StageSpec is a row of blocks with equal output channels. Only the first block has the
// stride.
type StageSpec struct {
	// Block is the kind of block. Default mbconv.
	Block Strings `toml:"block" example:"['mbconv', 'fused']"`
	// Channels is the number of output channels before the width multiplier applies. No
	// default.
	Channels Ints `toml:"channels" example:"[24, 32]"`
	// Stride is the stride of the first block, 1 to 8. Default 1.
	Stride Ints `toml:"stride" unit:"pixels" example:"2"`
	// Depth is the number of blocks, 1 to 64. Default 1.
	Depth Ints `toml:"depth" example:"[1, 2, 3, 4]"`
	// Kernel is the spatial extent K of the depthwise, or the only, convolution, 1 to 31, or
	// [height, width]. In a uib block it is that of the depthwise behind the expansion, and 0 means none.
	// Default 3.
	Kernel Kernels `toml:"kernel" unit:"pixels" example:"[3, 5, [7, 1]]"`
	// Expansion is the ratio of hidden to input channels of mbconv, fused and uib blocks, and of inner to output
	// channels of a bottleneck block. Default 6; a bottleneck block needs one.
	Expansion Floats `toml:"expansion" example:"[3, 4, 6]"`
	// Dilation is the dilation of the KxK convolution, 1 to 64. It has no effect in a block
	// with a stride. Default 1.
	Dilation Ints `toml:"dilation" unit:"pixels" example:"[1, 2]"`
	// Activation is the function behind all convolutions of a block but a linear last one.
	// Default relu6.
	Activation Strings `toml:"activation" example:"['relu6', 'hswish']"`
	// ActivationAfter says which convolution of a ds block the activation follows:
	// "depthwise", "pointwise" or "both". Default both.
	ActivationAfter Strings `toml:"activation_after" example:"'depthwise'" with:"block = 'ds'"`
	// Groups is the number of groups of the KxK convolution of a grouped or bottleneck block, 1 to 4096. It
	// must divide the input and output channels, of a bottleneck block the inner ones. Default: 1, but a grouped
	// block needs one.
	Groups Ints `toml:"groups" example:"[2, 4]" with:"block = 'grouped'"`
	// SE is the ratio of squeeze-and-excite; 0 means none. Default 0.
	SE Floats `toml:"se" example:"[0, 0.25]"`
	// Residual says whether the input is added to the output where the stride is 1 and the
	// channels are equal, in a bottleneck block also elsewhere. Default: mbconv, fused, xception, uib and
	// bottleneck do.
	Residual Bools `toml:"residual" example:"[true, false]"`
	// Attention is what weighs the channels of ds, mbconv, fused, uib and bottleneck blocks: "se" where the
	// ratio is not 0, "eca", "cbam" (ratio 0 means 0.25) or "none". Default se.
	Attention Strings `toml:"attention" example:"['none', 'eca']"`
	// Experts is the number of weight sets that a convolution mixes for each image
	// (CondConv), 1 to 64. Default 1, an ordinary convolution.
	Experts Ints `toml:"experts" example:"[1, 4]"`
	// Multiplier is the number of depthwise outputs for each input channel of a ds block, 1
	// to 64. Default 1.
	Multiplier Ints `toml:"multiplier" example:"[1, 2]" with:"block = 'ds'"`
	// KernelBefore is the spatial extent of the depthwise convolution before the expansion
	// of a uib block, 1 to 31. Default 0, none.
	KernelBefore Ints `toml:"kernel_before" json:",omitempty" unit:"pixels" example:"[0, 3, 5]" with:"block = 'uib'"`
	// Choice makes whole blocks one gene. The keys above then hold one value at most: the
	// default of the entries.
	Choice []ChoiceSpec `toml:"choice" example:"[{block = 'skip'}, {block = 'mbconv', kernel = 5}]" bad:"[]"`
	// Per is "block" (each block of the stage has genes of its own) or "stage" (all share
	// one set). Default block.
	Per string `toml:"per" example:"'stage'"`
	// ExpertsIn says which convolutions of ds, mbconv and fused blocks have experts:
	// "depthwise" (the KxK one, also where it is not depthwise), "pointwise" or "both".
	// Default depthwise.
	ExpertsIn string `toml:"experts_in" example:"'both'"`
	// SEFrom says what the ratio SE multiplies: the "expanded" channels, rounded to a
	// multiple as all scaled channels are (MobileNetV3), or the block's "input" channels,
	// rounded down (MnasNet, EfficientNet). Default expanded.
	SEFrom string `toml:"se_from" example:"'input'"`
	// SEActivation is the function behind the first of the two layers of squeeze-and-excite.
	// Default relu.
	SEActivation string `toml:"se_activation" example:"'swish'"`
	// SEGate is the function behind the second one. Default hsigmoid.
	SEGate string `toml:"se_gate" example:"'sigmoid'"`
}

// ChoiceSpec is a whole block. The stage has the values of the keys that are not set.
type ChoiceSpec struct {
	Block           Strings `toml:"block"`
	Kernel          Kernels `toml:"kernel"`
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
	KernelBefore    Ints    `toml:"kernel_before" json:",omitempty"`
}

// HeadSpec is what stands after the last stage. See [HeadKind].
type HeadSpec struct {
	// Kind is what the network ends in. Default classifier.
	Kind string `toml:"kind" example:"'lraspp'"`
	// Channels is the number of output channels of the last 1x1 convolution, or of the
	// head's branches. For the classifier 0 means that there is no convolution. Default
	// 1280 (classifier), 256 (aspp), 128 (lraspp, fast_scnn).
	Channels Ints `toml:"channels" example:"[960, 1280]"`
	// Hidden is the number of channels of a hidden linear layer of the classifier. Default
	// 0, none.
	Hidden Ints `toml:"hidden" example:"1024"`
	// Rates are the dilations of aspp's 3x3 branches, all of them used. Default 6, 12, 18;
	// an empty list leaves the branches out.
	Rates []int `toml:"rates" unit:"pixels" example:"[6, 12, 18]" with:"kind = 'aspp'" bad:"[1]"`
	// Low is the number of the stage, counted from 1, that gives lraspp and fast_scnn their
	// detail. Default 0: the last one whose output is not smaller than an eighth of the
	// input.
	Low int `toml:"low" example:"1" with:"kind = 'lraspp'" allowed:"the number of a stage, or 0"`
	// Activation is the function of the head's convolutions and hidden layer. Default relu6.
	Activation Strings `toml:"activation" example:"'relu'"`
	// Scale is as in StemSpec, for Channels. Hidden is never scaled. Default up, as in
	// MobileNetV2.
	Scale string `toml:"scale" example:"'always'"`
}

// Ints, Kernels, Floats, Strings and Bools are genes: one value or a list of choices.
type (
	Ints    []int
	Kernels []KernelSize
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
	// Words are what Value may be, where it is one of a few words; else nil.
	Words []string
	// Of is the path of the other value, or of the table of values, that makes this one wrong; "" if it
	// is wrong by itself.
	Of string
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
