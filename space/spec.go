package space

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
	// Classes is the number of outputs, for segmentation heads that of one pixel. For
	// ssdlite it counts the background. A network that ends in features has none.
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
	Divisor int `toml:"divisor,omitzero" zero:"8" json:",omitempty" unit:"channels" example:"4"`
	// OutputStride is a limit on the ratio of the input's extent to that of the features. A
	// stage whose stride would exceed it gets stride 1, and the blocks behind that stride
	// are dilated by it instead (DeepLab). Default 0: no limit.
	OutputStride Ints `toml:"output_stride" unit:"pixels a feature" example:"[8, 16, 32]"`
	// Int8Friendly refuses what loses much as 8-bit integers, or has no form with them: swish,
	// gates of sigmoid (se_gate, attention of eca and cbam, the lraspp head), and experts. What
	// is left are relu, relu6, hswish and gates of hsigmoid. Default false.
	Int8Friendly bool `toml:"int8_friendly" json:",omitempty" example:"true"`

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

// HeadSpec is what stands after the last stage. See [HeadKind].
type HeadSpec struct {
	// Kind is what the network ends in. Default classifier.
	Kind string `toml:"kind" example:"'lraspp'"`
	// Channels is the number of output channels of the last 1x1 convolution, or of the
	// head's branches; of ssdlite that of the first map behind the last stage's. For the
	// classifier 0 means that there is no convolution. Default 1280 (classifier), 256 (aspp),
	// 128 (lraspp, fast_scnn), 512 (ssdlite).
	Channels Ints `toml:"channels" example:"[960, 1280]"`
	// Hidden is the number of channels of a hidden linear layer of the classifier, or of
	// ssdlite's 1x1 convolution behind the last stage. Default 0, none.
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
