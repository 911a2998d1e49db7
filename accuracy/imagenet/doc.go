// Package imagenet estimates the ImageNet top-1 accuracy of classifiers of separable
// blocks, with a 90 % interval.
//
// The model has two levels. A Gaussian process g reads 28 features of the shape of a
// network: of each of seven parts, or slots, its width, depth, kernel size and share of
// squeeze-and-excite ([Features]). It is fitted to the 3,039 networks of
// Accel-NASBench, which were trained by one short recipe. A linear model t of g, the
// resolution, the share of (hard-)swish and what the counts say beyond the features is
// fitted to published results of full recipes:
//
//	t     = intercept + sum of coefficient x term + recipe offset
//	top-1 = ceiling - exp(-t)
//
// Shape effects come from the first level, level and resolution from the second.
//
// The model is built to be maximised: features are clipped to the range of the data;
// expanded width that no network of the data has does not count, nor does a kernel
// size above 5, nor the width of more than 4 blocks of a slot.
//
// Package accuracy/internal/fit makes the model file imagenet_model.json from the tables of
// package benchmark. The file holds its provenance and what it is worth.
package imagenet
