// Package kernelstest has the gradients of the kernels in a few readable lines each, generic over float32 and float64:
// the definitions that tests hold kernels and layers against. Maps are dense, height x width x channels: one map or,
// for batch normalisation, all pixels of a batch. Backward functions add to the gradients that they are given; one that
// is nil is not wanted.
package kernelstest

// Float is the type that a reference computes in.
type Float interface{ ~float32 | ~float64 }
