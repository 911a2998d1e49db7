package accuracy

import (
	"context"
	"fmt"

	"nas/accuracy/features"
	"nas/accuracy/imagenet"
	"nas/blocks"
)

// LeastResolution is the least side of an input that ImageNet judges, in pixels.
const LeastResolution = imagenet.LeastResolution

// ImageNet is the fitted estimate: ImageNet top-1 accuracy in per cent, with a
// 90 % interval, for a classifier of separable blocks trained by a full recipe
// of a class: the base class unless [Options] name another. Package imagenet describes the model.
//
// The interval is that of the accuracy of a network of a family that was not in the
// data. The difference between two networks of one space and one recipe is known much
// better; Between of each of the two scores is its contribution to the error of the
// difference.
type ImageNet struct {
	m      *imagenet.Model
	recipe imagenet.Recipe
}

// NewImageNet returns the estimate with the model that the program carries, for a class of
// recipes, one of [imagenet.Recipes]; "" means base.
func NewImageNet(recipe string) (*ImageNet, error) {
	m, err := imagenet.Load()
	if err != nil {
		return nil, err
	}
	r, err := m.Recipe(recipe)
	return &ImageNet{m, r}, err
}

// Estimate returns top-1 accuracy in per cent. It refuses networks whose output is a
// map and inputs below 96 pixels.
func (e *ImageNet) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	return e.score(ctx, n.Name, features.Of(n))
}

// EstimateChain implements [ChainEstimator].
func (e *ImageNet) EstimateChain(ctx context.Context, name string, chain ...*BlockFeatures) (Score, error) {
	return e.score(ctx, name, features.Join(chain...))
}

func (e *ImageNet) score(ctx context.Context, name string, f features.Network) (Score, error) {
	if err := ctx.Err(); err != nil {
		return Score{}, err
	}
	v, err := e.m.Estimate(name, &f)
	if err != nil {
		return Score{}, err
	}
	v = e.recipe.Apply(v)
	return Score{Value: v.Top1Pct, Low: v.Low, High: v.High, Between: v.Between, Charges: v.Charges,
		Warnings: v.Warnings}, nil
}

// Expected is what to expect of a network that was chosen because its score is high, in per
// cent; NaN for a score without an interval. [imagenet.Recipe.Expected] cites the source.
func (e *ImageNet) Expected(value, low, high, macs float64) float64 {
	return e.recipe.Expected(value, low, high, macs)
}

// Info describes the estimate, which is blind to dilation and penalises it.
func (e *ImageNet) Info() Info {
	return Info{
		Name: "imagenet", Label: "ImageNet top-1 (%), fitted estimate, " + e.recipe.Name + " recipe", Unit: "pct",
		Blind: []Trait{Dilation}, Penalised: []Trait{Dilation},
		Caps: map[Trait]float64{KernelSize: features.MaxKernel, Expansion: features.MaxExpansion},
	}
}

// String names the model by the numbers of networks that its two levels were fitted to, and
// the recipe if that is not the base one.
func (e *ImageNet) String() string {
	recipe := ""
	if e.recipe.Name != imagenet.Recipes[0] {
		recipe = ",recipe=" + e.recipe.Name
	}
	return fmt.Sprintf("imagenet{accel=%d,published=%d%s}", e.m.Provenance.Accel, e.m.Provenance.Published, recipe)
}
