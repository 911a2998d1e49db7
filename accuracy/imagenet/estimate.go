package imagenet

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"nas/accuracy/benchmark"
	"nas/internal/fault"
)

//go:embed imagenet_model.json
var modelJSON []byte

// Load returns the model that the program carries. It must not be changed.
var Load = sync.OnceValues(func() (*Model, error) {
	m := new(Model)
	if err := json.Unmarshal(modelJSON, m); err != nil {
		return nil, fault.Errorf("accuracy: imagenet model: %w", err)
	}
	return m, m.ready()
})

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
	has     func(t *Features) bool
	widen   float64
	warning string
}{
	{func(t *Features) bool { return t.unseen.dilated }, 1.5, "dilation occurs in no network of the data; it is ignored"},
	{func(t *Features) bool { return t.unseen.attention }, 1.5, "an attention other than squeeze-and-excite occurs in no network of the data; it is ignored"},
	{func(t *Features) bool { return t.unseen.grouped }, 1.5, "grouped convolutions that are not depthwise occur in no network of the data"},
	{func(t *Features) bool { return t.unseen.standardConv }, 1.5, "standard convolutions beyond the stem occur in no network of the data"},
	{func(t *Features) bool { return t.unseen.largeKernel }, 1.1, "kernel sizes above 5 occur in no network of the data; they count as 5"},
	{func(t *Features) bool { return t.unseen.deepStride }, 1.5, "blocks beyond output stride 32 occur in no network of the data; they count as stride 32"},
	{func(t *Features) bool { return t.unseen.shallowStem }, 1.5, "blocks before output stride 2 occur in no network of the data; they count as stride 2"},
	{func(t *Features) bool { return t.unseen.noPooling }, 2, "the network has no global pooling before its classifier, as every network of the data does"},
	{func(t *Features) bool { return t.classes != 1000 }, 2, "the network does not have 1000 classes: read the value as the accuracy it would have on ImageNet"},
	{func(t *Features) bool { return t.resolution > maxResolution }, 1.5, "inputs above 600 pixels occur in no network of the data; they count as 600"},
	{func(t *Features) bool { return t.blocks < 5 }, 2, "networks of fewer than 5 blocks occur in no network of the data"},
}

// Estimate is what the model says of a network, in per cent.
type Estimate struct {
	Top1Pct   float64
	Low, High float64 // bounds of the 90 % interval of the level
	// Between is the standard deviation of the part of the error that the network does
	// not share with others of its space and recipe.
	Between  float64
	Warnings []string // complete sentences without a final stop
}

// Estimate estimates a network of the given features, trained by a recipe of the
// base class. It refuses networks whose output is a map and inputs below 96 pixels.
func (m *Model) Estimate(name string, t *Features) (Estimate, error) {
	const instead = "use a training-free proxy, for example rankmean(naswot,depth)"
	switch {
	case t.unseen.noVector:
		return Estimate{}, fault.Errorf("accuracy: imagenet estimates classifiers, network %s ends in a map of %v; %s", name, t.out, instead)
	case t.resolution < minResolution:
		return Estimate{}, fault.Errorf("accuracy: imagenet knows inputs of %d pixels and more, network %s has %v; %s",
			minResolution, name, t.in, instead)
	case t.macs <= 0 || t.convParams <= 0:
		return Estimate{}, fault.Errorf("accuracy: imagenet needs a network with convolutions, network %s has none", name)
	}
	top1, outside := m.predict(t, benchmark.BaseRecipe)
	if math.IsNaN(top1) || math.IsInf(top1, 0) {
		return Estimate{}, fault.Errorf("accuracy: imagenet of network %s is %v", name, top1)
	}
	e := Estimate{Top1Pct: top1 - penalty*float64(t.uncounted)}
	widen := 1.0
	for i := range outOfDistribution {
		if o := &outOfDistribution[i]; o.has(t) {
			widen *= o.widen
			e.Top1Pct -= penalty
			e.Warnings = append(e.Warnings, o.warning)
		}
	}
	if outside > farOutside {
		widen *= math.Sqrt(1 + (outside-farOutside)/4)
		e.Warnings = append(e.Warnings,
			fmt.Sprintf("the network lies outside the data by %.1f standard deviations of its features; what lies outside is not counted", outside))
	}
	h := widen * m.halfWidth(top1)
	e.Low, e.High = max(e.Top1Pct-h, 0), min(e.Top1Pct+h, 100)
	e.Between = widen * m.between(top1)
	return e, nil
}
