// Package int8 holds the fast kernels of networks that were quantised to 8 bits. What they compute is defined by
// package integer, bit for bit, in every instruction set.
//
// # Maps
//
// Maps are stored height x width x channels. Values are unsigned bytes, whatever the file says: a value that a file
// stores as q from -128 to 127 is the byte q + 128, and its zero point moves along. Weights are signed bytes with zero
// point 0, from -128 to 127. Sums are int32.
//
// A [View] is a map somewhere in memory. Kernels read up to [Slack] bytes behind the last byte of a map, and never
// write there: every buffer needs so many bytes of capacity behind its maps. What stands there does not matter.
//
// # Layers
//
// A [Layer] is the geometry of a convolution with its weights, packed for one instruction set. [Set.Conv] runs a range
// of its rows and channels; the bytes written do not depend on how a caller cuts a map into ranges.
//
//	set, err := int8.For("avx512")
//	l := set.Layer(int8.Alloc, g, weights, in, out)
//	sc := int8.NewScratch(set.Need(l))
//	set.Conv(l, dst, src, g.All(), sc)
//
// The sum of a layer is multiplied by a scale in float32, rounded to the nearest integer, halves to even, moved to the
// zero point of the output and clamped. Then a table may replace each byte: any activation is a table of 256 bytes.
//
// # Instruction sets
//
//	generic      portable
//	avx2         16-bit multiply-adds, exact: the 8-bit ones of AVX2 saturate
//	avxvnni      8-bit dot products of 256 bits (AVX-VNNI)
//	avx512bw     16-bit multiply-adds of 512 bits, exact
//	avx512vnni   8-bit dot products of 512 bits (AVX-512 VNNI)
//	neon         16-bit multiply-adds
//	neondot      8-bit dot products (ARMv8.2 dot product)
//
// Without 8-bit dot products on amd64, depthwise convolutions of 3 x 3 and 5 x 5 taps are computed in float32: it holds
// sums below 2^24 exactly, and those of other weights and biases are computed in integers.
//
// The package hides the type int8 of Go: import it under another name where both are needed.
//
// Drivers allocate nothing. Shapes are the caller's promise; a driver panics on a buffer that is too short and
// otherwise trusts its arguments.
package int8
