// Package blocks describes neural networks made of depthwise-separable (and
// plain, grouped, residual ...) blocks, and counts them exactly.
//
// A [Network] is a directed acyclic graph of typed ops over activations of a
// [Shape] (height, width, channels; the batch is kept out of it). One op kind
// is one file: its attributes, its shape rule, its counts, its parameters, its
// reference evaluation and its ONNX form. A [Builder] appends ops and infers
// shapes as it goes; the composite blocks of the literature ([ConvBNAct],
// [DepthwiseSeparable], [InvertedResidual], [FusedInvertedResidual], [UniversalBottleneck],
// [Conditional], [SqueezeExcite], [ECA], [CBAM], [ASPP], [PyramidPooling] ...) are
// plain structs with a Build method on top of it.
//
// Granularity, from large to small: stage > block > op > kernel. This package
// ends at the op; which kernels compute it is decided by blocks/engine.
//
// # Conventions
//
//   - Activations are NHWC, float32.
//   - MACs are multiply-accumulates of convolutions and linear layers, taps that
//     fall into the padding counted; bias, batch normalisation, activation,
//     pooling and elementwise work are not. FLOPs = 2 x MACs.
//   - Params are the trainable ones: batch-normalisation scale and shift are
//     counted, moving statistics are not.
//   - Kernel size (K) is the spatial extent of a convolution; "kernel" alone is
//     the routine that computes it.
package blocks
