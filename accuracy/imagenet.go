package accuracy

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"nas/blocks"
)

//go:embed data/imagenet_model.json
var imagenetModelJSON []byte

// ImageNet is the fitted estimate: ImageNet top-1 accuracy in per cent, with a
// 90 % interval, for a classifier of separable blocks trained by a full recipe
// of the base class. It is ceiling - exp(-t) with t linear in a Gaussian process
// over the shapes of the stages, the resolution, the share of (hard-)swish and what
// the counts say beyond the process. The model file, data/imagenet_model.json, holds
// its provenance and figures.
//
// The interval is that of the level of a family of networks never seen, trained
// by a recipe of the base class. The difference between two networks of one space
// and one recipe is known much better: Score.Between is its error, for each of
// the two.
//
// It is built to be maximised: features are clipped to the range of the data,
// expanded width that no network of the data has does not count, nor does a
// kernel size above 5, nor the width of more than 4 blocks of a slot.
type ImageNet struct{ m *imagenetModel }

var loadImageNet = sync.OnceValues(func() (*imagenetModel, error) {
	m := new(imagenetModel)
	if err := json.Unmarshal(imagenetModelJSON, m); err != nil {
		return nil, fmt.Errorf("accuracy: imagenet model: %w", err)
	}
	return m, m.ready()
})

// NewImageNet returns the estimate with the model that the program carries.
func NewImageNet() (*ImageNet, error) {
	m, err := loadImageNet()
	if err != nil {
		return nil, err
	}
	return &ImageNet{m}, nil
}

// Limits of what the estimate speaks of.
const (
	minImageNetRes = 96  // below, it refuses: nothing smaller was trained
	maxImageNetRes = 600 // above, it warns
	farOutside     = 4.0 // standard deviations beyond the data, over all features, that are worth a warning
)

// doubtCost is what each doubt costs, in points, and each block of whose kernel
// size or expansion only a part counts: of two networks that the data cannot
// tell apart the one of a kind that it knows wins.
const doubtCost = 0.1

// doubts are what widens the interval, with the factor and the reason.
var doubts = []struct {
	have   func(t *traits) bool
	factor float64
	text   string
}{
	{func(t *traits) bool { return t.unseen.dilated }, 1.5, "dilation occurs in no network of the data; it is ignored"},
	{func(t *traits) bool { return t.unseen.attention }, 1.5, "an attention other than squeeze-and-excite occurs in no network of the data; it is ignored"},
	{func(t *traits) bool { return t.unseen.grouped }, 1.5, "grouped convolutions that are not depthwise occur in no network of the data"},
	{func(t *traits) bool { return t.unseen.standardConv }, 1.5, "standard convolutions beyond the stem occur in no network of the data"},
	{func(t *traits) bool { return t.unseen.largeKernel }, 1.1, "kernel sizes above 5 occur in no network of the data; they count as 5"},
	{func(t *traits) bool { return t.unseen.deepStride }, 1.5, "blocks beyond output stride 32 occur in no network of the data; they count as stride 32"},
	{func(t *traits) bool { return t.unseen.shallowStem }, 1.5, "blocks before output stride 2 occur in no network of the data; they count as stride 2"},
	{func(t *traits) bool { return t.unseen.noPooling }, 2, "the network has no global pooling before its classifier, as every network of the data does"},
	{func(t *traits) bool { return t.classes != 1000 }, 2, "the network does not have 1000 classes: read the value as the accuracy it would have on ImageNet"},
	{func(t *traits) bool { return t.resolution > maxImageNetRes }, 1.5, "inputs above 600 pixels occur in no network of the data; they count as 600"},
	{func(t *traits) bool { return t.blocks < 5 }, 2, "networks of fewer than 5 blocks occur in no network of the data"},
}

// Estimate returns top-1 in per cent. It refuses maps as output and inputs
// below 96 pixels.
func (e *ImageNet) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	return e.estimate(ctx, n.Name, readTraits(n))
}

// EstimateChain implements [ChainEstimator].
func (e *ImageNet) EstimateChain(ctx context.Context, name string, chain ...*Stretch) (Score, error) {
	return e.estimate(ctx, name, joinTraits(chain...))
}

func (e *ImageNet) estimate(ctx context.Context, name string, t traits) (Score, error) {
	if err := ctx.Err(); err != nil {
		return Score{}, err
	}
	switch {
	case t.unseen.noVector:
		return Score{}, fmt.Errorf("accuracy: imagenet estimates classifiers, network %s ends in a map of %v; use a training-free proxy, for example rankmean(naswot,depth)", name, t.out)
	case t.resolution < minImageNetRes:
		return Score{}, fmt.Errorf("accuracy: imagenet knows inputs of %d pixels and more, network %s has %v; use a training-free proxy, for example rankmean(naswot,depth)", minImageNetRes, name, t.in)
	case t.macs <= 0 || t.convParams <= 0:
		return Score{}, fmt.Errorf("accuracy: imagenet needs a network with convolutions, network %s has none", name)
	}
	top1, outside := e.m.estimate(&t, BaseRecipe)
	if err := finite("imagenet", &blocks.Network{Name: name}, top1); err != nil {
		return Score{}, err
	}
	s := Score{Value: top1 - doubtCost*float64(t.uncounted)}
	widen := 1.0
	for i := range doubts {
		if d := &doubts[i]; d.have(&t) {
			widen *= d.factor
			s.Value -= doubtCost
			s.Warnings = append(s.Warnings, d.text)
		}
	}
	if outside > farOutside {
		widen *= math.Sqrt(1 + (outside-farOutside)/4)
		s.Warnings = append(s.Warnings, fmt.Sprintf("the network lies outside the data by %.1f standard deviations of its features; what lies outside is not counted", outside))
	}
	h := widen * e.m.halfWidth(top1)
	s.Low, s.High = max(s.Value-h, 0), min(s.Value+h, 100)
	s.Between = widen * e.m.between(top1)
	return s, nil
}

// Info says per cent.
func (e *ImageNet) Info() Info {
	return Info{Name: "imagenet", Label: "ImageNet top-1 (%), fitted estimate", Unit: "pct", Blind: []Trait{Dilation}, Charged: []Trait{Dilation},
		Caps: map[Trait]float64{KernelSize: maxKernel, Expansion: maxExpansion}}
}

// String names the model by its figures' provenance.
func (e *ImageNet) String() string {
	return fmt.Sprintf("imagenet{accel=%d,published=%d}", e.m.Provenance.Accel, e.m.Provenance.Published)
}
