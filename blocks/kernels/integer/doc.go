// Package integer holds the readable reference of arithmetic on integers of 8 bits: what a network computes that
// was quantised by the specification of TensorFlow Lite (Jacob et al., Quantization and training of neural networks
// for efficient integer-arithmetic-only inference, CVPR 2018):
//
//	real = scale * (stored - zero)
//
// Values are stored as int32, whatever their type, so that signed and unsigned bytes are one case. Sums are exact.
// Where the specification leaves the rounding open, results are those of XNNPACK, which most phones run: a sum is
// multiplied by a scale in float32 and rounded to the nearest integer, halves to even.
//
// Nothing here is fast. Shapes are the caller's promise; a wrong one panics.
package integer
