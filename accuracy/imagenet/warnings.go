package imagenet

import (
	"nas/accuracy/features"
	"nas/accuracy/internal/twolevel"
)

// penalty is what each trait outside the data costs, in points, and each block of
// whose kernel size or expansion only a part counts. Of two networks that the data
// cannot tell apart the one of a kind that occurs in it therefore wins.
const penalty = 0.1

// Bounds of what the data has, over all networks of both levels.
const (
	plainSeparable = 8    // separable blocks of one width without a residual: MobileNetV1
	lastRatio      = 6.0  // width of the last block over its output
	lastOut        = 48.0 // channels of the last block's output: MobileNetV3-Small at half width
	leastVector    = 256  // channels that the classifier reads: MobileNetV1 at a quarter of its width
)

// charges are what a network pays, in points, for what no network of the data has and no
// feature reads. The rates are judgements, not measurements: at least what is lost in the
// literature where something is known, so that no search takes the trait for its score.
var charges = []struct {
	points func(f *features.Network) float64
	reason string
}{
	{func(f *features.Network) float64 { return 2 * float64(f.Traits.Linear) },
		"blocks without a nonlinear activation: two points each"},
	{func(f *features.Network) float64 { return float64(f.Traits.Saturating) },
		"sigmoids between convolutions: a point for each block"},
	{func(f *features.Network) float64 {
		return 0.3 * float64(f.Traits.Plain+max(0, f.Traits.PlainSeparable-plainSeparable))
	}, "blocks that could have a residual have none: 0.3 points each"},
	{func(f *features.Network) float64 { return 0.1*f.Traits.Dilated + f.Traits.Outside },
		"dilation makes holes: 0.1 points for each doubling in each block, and a point for taps outside the map"},
	{func(f *features.Network) float64 { return f.Unread },
		"kernels smaller than their strides leave values unread: a point for each halving of a map"},
	{func(f *features.Network) float64 { return 0.3 * float64(f.Traits.Small) },
		"kernel sizes below 3 count as 3: 0.3 points for each block"},
	{func(f *features.Network) float64 { return penalty * float64(f.Traits.Uneven) },
		"kernels that are not square or have an even size count as the odd size below: 0.1 points for each block"},
	{func(f *features.Network) float64 { return penalty * float64(f.Traits.Squeezed) },
		"squeezes below 1/26 or above half of the width occur in no network of the data; they do not count"},
	{func(f *features.Network) float64 {
		return twolevel.Octaves(float64(f.LastWidth), lastRatio*float64(f.LastOut)) +
			twolevel.Octaves(lastOut, float64(f.LastOut))
	}, "the last block is narrower than any of the data: a point for each halving"},
	{func(f *features.Network) float64 { return 2 * twolevel.Octaves(leastVector, float64(f.Vector)) },
		"the classifier reads fewer channels than any of the data: two points for each halving"},
	{func(f *features.Network) float64 { return float64(f.EmptyLevels) },
		"there is no block at an output stride of 4, 8, 16 or 32: a point each"},
	{func(f *features.Network) float64 { return penalty * float64(f.Uncounted) },
		"blocks have a kernel size above 7 or an expansion of which only a part counts: 0.1 points each"},
}

// maxResolution is the largest side of an input that the data has, in pixels.
const maxResolution = 600

// outOfDistribution lists the traits that no network of the data has. Each multiplies
// the width of the interval and costs so many points.
var outOfDistribution = []struct {
	has           func(f *features.Network) bool
	widen, points float64
	warning       string
}{
	{func(f *features.Network) bool { return f.Unseen.Dilated }, 1.5, penalty,
		"dilation occurs in no network of the data; only its charge counts"},
	{func(f *features.Network) bool { return f.Unseen.Experts }, 1.1, 0,
		"experts count as one convolution: the data does not tell what they gain"},
	{func(f *features.Network) bool { return f.Unseen.Attention }, 1.5, penalty,
		"an attention other than squeeze-and-excite occurs in no network of the data; it is ignored"},
	{func(f *features.Network) bool { return f.Unseen.Grouped }, 1.5, penalty,
		"grouped convolutions that are not depthwise occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.StandardConv }, 1.5, penalty,
		"standard convolutions beyond the stem occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.LargeKernel }, 1.1, penalty,
		"kernel sizes above 5 count as 5: the data does not tell what they gain"},
	{func(f *features.Network) bool { return f.Unseen.Uneven }, 1.5, penalty,
		"kernels that are not square or have an even size occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.Universal }, 1.5, penalty,
		"universal bottlenecks occur in no network of the data: one counts as an inverted residual of its width and larger " +
			"kernel, one without a depthwise convolution only by its MACs"},
	{func(f *features.Network) bool { return f.Unseen.DeepStride }, 1.5, penalty,
		"blocks beyond output stride 32 occur in no network of the data; they count as stride 32"},
	{func(f *features.Network) bool { return f.Unseen.ShallowStem }, 1.5, penalty,
		"blocks before output stride 2 occur in no network of the data; they count as stride 2"},
	{func(f *features.Network) bool { return f.Unseen.NoPooling }, 2, penalty,
		"the network has no global pooling before its classifier, as every network of the data does"},
	{func(f *features.Network) bool { return f.Classes != 1000 }, 2, penalty,
		"the network does not have 1000 classes: read the value as the accuracy it would have on ImageNet"},
	{func(f *features.Network) bool { return f.Resolution > maxResolution }, 1.5, penalty,
		"inputs above 600 pixels occur in no network of the data; they count as 600"},
}
