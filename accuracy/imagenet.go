package accuracy

import (
	"context"
	"fmt"

	"nas/accuracy/features"
	"nas/accuracy/imagenet"
	"nas/blocks"
)

// ImageNet is the fitted estimate: ImageNet top-1 accuracy in per cent, with a
// 90 % interval, for a classifier of separable blocks trained by a full recipe
// of the base class. Package imagenet describes the model.
//
// The interval is that of the accuracy of a network of a family that was not in the
// data. The difference between two networks of one space and one recipe is known much
// better; Between of each of the two scores is its contribution to the error of the
// difference.
type ImageNet struct{ m *imagenet.Model }

// NewImageNet returns the estimate with the model that the program carries.
func NewImageNet() (*ImageNet, error) {
	m, err := imagenet.Load()
	if err != nil {
		return nil, err
	}
	return &ImageNet{m}, nil
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
	return Score{Value: v.Top1Pct, Low: v.Low, High: v.High, Between: v.Between, Charges: v.Charges,
		Warnings: v.Warnings}, nil
}

// Info describes the estimate, which is blind to dilation and penalises it.
func (e *ImageNet) Info() Info {
	return Info{
		Name: "imagenet", Label: "ImageNet top-1 (%), fitted estimate", Unit: "pct",
		Blind: []Trait{Dilation}, Penalised: []Trait{Dilation},
		Caps: map[Trait]float64{KernelSize: features.MaxKernel, Expansion: features.MaxExpansion},
	}
}

// String names the model by the numbers of networks that its two levels were fitted to.
func (e *ImageNet) String() string {
	return fmt.Sprintf("imagenet{accel=%d,published=%d}", e.m.Provenance.Accel, e.m.Provenance.Published)
}
