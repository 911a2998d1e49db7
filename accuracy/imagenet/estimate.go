package imagenet

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"sync"

	"nas/accuracy/benchmark"
	"nas/accuracy/features"
	"nas/accuracy/internal/twolevel"
	"nas/internal/fault"
)

// Model is the fitted estimate. The package describes it.
type Model struct{ *twolevel.Model }

//go:embed imagenet_model.json
var modelJSON []byte

// Load returns the model that the program carries. It must not be changed.
var Load = sync.OnceValues(func() (*Model, error) {
	m, err := twolevel.Read(modelJSON)
	return &Model{m}, err
})

// LeastResolution is the least side of an input, in pixels. Below it the model refuses: nothing smaller
// was trained.
const LeastResolution = 96

// Limits of what the model speaks of.
const (
	minBlocks  = 5    // fewer blocks, it refuses
	maxAspect  = 4    // of the input's sides; beyond, it refuses
	farOutside = 4.0  // standard deviations beyond the data, over all features, that are worth a warning
	maxOutside = 40.0 // of these, beyond which it refuses: twice what the data has
	maxCharge  = 12.0 // points, beyond which it refuses
)

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
	if points > 0 {
		e.Top1Pct -= points
		e.Charges = append(e.Charges, Charge{points, reason})
	}
}

// tooFar is the refusal of a network that the charges or the features put too far outside the data.
func (e *Estimate) tooFar(name string, charged, outside float64) error {
	if charged <= maxCharge {
		return refusal("knows networks within %.0f standard deviations of the data's features, network %s is %.0f beyond",
			maxOutside, name, outside)
	}
	worst := slices.MaxFunc(e.Charges, func(a, b Charge) int { return cmp.Compare(a.Points, b.Points) })
	return refusal("does not know the like of network %s: %.1f points of charges, more than %.0f, most of all because %s",
		name, charged, maxCharge, worst.Reason)
}

// A Refusal is the error of a network that the model does not estimate, because it has no
// data of anything like it.
type Refusal struct{ error }

// Unwrap returns the error that has the text.
func (r Refusal) Unwrap() error { return r.error }

func refusal(format string, args ...any) error {
	const instead = "use a training-free proxy, for example rankmean(naswot,depth)"
	return Refusal{fault.Errorf("accuracy: imagenet "+format+"; %s", append(args, instead)...)}
}

// refuse returns the reason why the model does not estimate a network; nil if it does.
func refuse(name string, f *features.Network) error {
	seen, in := twolevel.VisibleSide(f), f.Input
	switch {
	case f.Unseen.NoVector:
		return refusal("estimates classifiers, network %s ends in a map of %v", name, f.Output)
	case f.Resolution < LeastResolution:
		return refusal("knows inputs of %d pixels and more, network %s has %v", LeastResolution, name, in)
	case max(in.H, in.W) > maxAspect*min(in.H, in.W):
		return refusal("knows square inputs, network %s has %v, more than %d to 1", name, in, maxAspect)
	case seen < LeastResolution:
		return refusal("knows inputs of %d pixels and more, network %s has %v and sees no more of it than %.0f x %.0f",
			LeastResolution, name, in, seen, seen)
	case f.MACs <= 0 || f.ConvParams <= 0:
		return refusal("needs a network with convolutions, network %s has none", name)
	case f.NumBlocks < minBlocks:
		return refusal("knows networks of %d blocks with a spatial convolution and more, network %s has %d",
			minBlocks, name, f.NumBlocks)
	case 2*f.Traits.Linear >= f.NumBlocks:
		return refusal("knows no linear networks, of network %s %d of %d blocks have no nonlinear activation",
			name, f.Traits.Linear, f.NumBlocks)
	}
	return nil
}

// Estimate estimates a network of the given features, trained by a recipe of the
// base class. The error is a [Refusal] where the network is unlike all of the data: its output
// is a map, it sees less than 96 x 96 pixels, its input is longer than 4 to 1, it has fewer than 5
// blocks, half of them are linear, or its charges exceed 12 points.
func (m *Model) Estimate(name string, f *features.Network) (Estimate, error) {
	if err := refuse(name, f); err != nil {
		return Estimate{}, err
	}
	top1, outside := m.Predict(f, benchmark.BaseRecipe)
	if math.IsNaN(top1) || math.IsInf(top1, 0) {
		return Estimate{}, fault.Errorf("accuracy: imagenet of network %s is %v", name, top1)
	}
	e := Estimate{Top1Pct: top1}
	if points := m.PixelPoints(f, top1); points > 0 {
		e.Charges = append(
			e.Charges,
			Charge{points, "the input has more pixels than are read, or than the data has at this " +
				"size and shape; they do not count"},
		)
	}
	for i := range charges {
		e.charge(charges[i].points(f), charges[i].reason)
	}
	widen := 1.0
	for i := range outOfDistribution {
		if o := &outOfDistribution[i]; o.has(f) {
			widen *= o.widen
			e.charge(o.points, o.warning)
			e.Warnings = append(e.Warnings, o.warning)
		}
	}
	if outside > farOutside {
		widen *= math.Sqrt(1 + (outside-farOutside)/4)
		e.Warnings = append(e.Warnings,
			fmt.Sprintf("the network lies outside the data by %.1f standard deviations of its features; "+
				"what lies outside is not counted", outside))
	}
	if charged := top1 - e.Top1Pct; charged > maxCharge || outside > maxOutside {
		return Estimate{}, e.tooFar(name, charged, outside)
	}
	h := widen * (m.HalfWidth * twolevel.ErrorScale(top1))
	e.Low, e.High = max(e.Top1Pct-h, 0), min(e.Top1Pct+h, 100)
	e.Between = widen * (m.Between * twolevel.ErrorScale(top1))
	return e, nil
}
