package imagenet

import (
	"fmt"
	"math"

	"nas/accuracy/benchmark"
	"nas/accuracy/features"
	"nas/internal/fault"
)

// Limits of what the model speaks of.
const (
	minResolution = 96  // pixels; below, it refuses: nothing smaller was trained
	maxResolution = 600 // pixels; above, it warns
	farOutside    = 4.0 // standard deviations beyond the data, over all features, that are worth a warning
)

// penalty is what each trait outside the data costs, in points, and each block of
// whose kernel size or expansion only a part counts. Of two networks that the data
// cannot tell apart the one of a kind that occurs in it therefore wins.
const penalty = 0.1

// outOfDistribution lists the traits that no network of the data has. Each multiplies
// the width of the interval and costs a penalty.
var outOfDistribution = []struct {
	has     func(f *features.Network) bool
	widen   float64
	warning string
}{
	{func(f *features.Network) bool { return f.Unseen.Dilated }, 1.5,
		"dilation occurs in no network of the data; it is ignored"},
	{func(f *features.Network) bool { return f.Unseen.Attention }, 1.5,
		"an attention other than squeeze-and-excite occurs in no network of the data; it is ignored"},
	{func(f *features.Network) bool { return f.Unseen.Grouped }, 1.5,
		"grouped convolutions that are not depthwise occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.StandardConv }, 1.5,
		"standard convolutions beyond the stem occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.LargeKernel }, 1.1,
		"kernel sizes above 5 occur in no network of the data; they count as 5"},
	{func(f *features.Network) bool { return f.Unseen.Uneven }, 1.5,
		"kernels that are not square or have an even size occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.Universal }, 1.5,
		"blocks with a depthwise convolution before the expansion, or with none, occur in no network of the data"},
	{func(f *features.Network) bool { return f.Unseen.DeepStride }, 1.5,
		"blocks beyond output stride 32 occur in no network of the data; they count as stride 32"},
	{func(f *features.Network) bool { return f.Unseen.ShallowStem }, 1.5,
		"blocks before output stride 2 occur in no network of the data; they count as stride 2"},
	{func(f *features.Network) bool { return f.Unseen.NoPooling }, 2,
		"the network has no global pooling before its classifier, as every network of the data does"},
	{func(f *features.Network) bool { return f.Classes != 1000 }, 2,
		"the network does not have 1000 classes: read the value as the accuracy it would have on ImageNet"},
	{func(f *features.Network) bool { return f.Resolution > maxResolution }, 1.5,
		"inputs above 600 pixels occur in no network of the data; they count as 600"},
	{func(f *features.Network) bool { return f.NumBlocks < 5 }, 2,
		"networks of fewer than 5 blocks occur in no network of the data"},
}

// Estimate is what the model says of a network, in per cent.
type Estimate struct {
	Top1Pct   float64
	Low, High float64 // bounds of the 90 % interval of the level
	// Between is the standard deviation of the part of the error that the network does
	// not share with others of its space and recipe.
	Between  float64
	Charges  []Charge // already taken off Top1Pct and the bounds
	Warnings []string // complete sentences without a final stop
}

// Charge is what a trait of a network costs of which the data says nothing: a search
// would take it where it were free.
type Charge struct {
	Points float64 // above 0
	Reason string  // a complete sentence without a final stop
}

func (e *Estimate) charge(points float64, reason string) {
	e.Top1Pct -= points
	e.Charges = append(e.Charges, Charge{points, reason})
}

// Estimate estimates a network of the given features, trained by a recipe of the
// base class. It refuses networks whose output is a map and inputs below 96 pixels.
func (m *Model) Estimate(name string, f *features.Network) (Estimate, error) {
	const instead = "use a training-free proxy, for example rankmean(naswot,depth)"
	switch {
	case f.Unseen.NoVector:
		return Estimate{}, fault.Errorf("accuracy: imagenet estimates classifiers, network %s ends in a map of %v; %s",
			name, f.Output, instead)
	case f.Resolution < minResolution:
		return Estimate{}, fault.Errorf("accuracy: imagenet knows inputs of %d pixels and more, network %s has %v; %s",
			minResolution, name, f.Input, instead)
	case f.MACs <= 0 || f.ConvParams <= 0:
		return Estimate{}, fault.Errorf("accuracy: imagenet needs a network with convolutions, network %s has none", name)
	}
	top1, outside := m.predict(f, benchmark.BaseRecipe)
	if math.IsNaN(top1) || math.IsInf(top1, 0) {
		return Estimate{}, fault.Errorf("accuracy: imagenet of network %s is %v", name, top1)
	}
	e := Estimate{Top1Pct: top1}
	if f.Uncounted > 0 {
		e.charge(penalty*float64(f.Uncounted), "blocks have a kernel size or expansion of which only a part counts")
	}
	widen := 1.0
	for i := range outOfDistribution {
		if o := &outOfDistribution[i]; o.has(f) {
			widen *= o.widen
			e.charge(penalty, o.warning)
			e.Warnings = append(e.Warnings, o.warning)
		}
	}
	if outside > farOutside {
		widen *= math.Sqrt(1 + (outside-farOutside)/4)
		e.Warnings = append(e.Warnings,
			fmt.Sprintf("the network lies outside the data by %.1f standard deviations of its features; "+
				"what lies outside is not counted", outside))
	}
	h := widen * (m.HalfWidth * errorScale(top1))
	e.Low, e.High = max(e.Top1Pct-h, 0), min(e.Top1Pct+h, 100)
	e.Between = widen * (m.Between * errorScale(top1))
	return e, nil
}
