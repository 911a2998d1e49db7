// Package kernels holds the numeric primitives under the engine: float32,
// feature maps stored height x width x channels (NHWC), batch one map at a time.
//
// # Three layers
//
// A kernel is the innermost routine: assembly generated for one instruction
// set, or its portable Go twin. A driver is a method of [Set] that cuts a range
// of output rows of a layer into kernel calls. The reference (ref_test.go) is
// the few-line definition of every operation, generic over float32 and float64;
// the tests compare every kernel of every instruction set with it.
//
// A [Set] is all kernels of one instruction set. [Best] gives the fastest that
// this machine runs, [ByName] a named one, [Default] obeys the environment
// variable NAS_KERNELS. With the build tag noasm, and on processors without
// assembly here, only "generic" exists.
//
//	set, err := kernels.Default()
//	g := kernels.Conv{H: 56, W: 56, C: 64, OH: 56, OW: 56, N: 128,
//		KH: 3, KW: 3, SH: 1, SW: 1, DH: 1, DW: 1, PadT: 1, PadL: 1, Groups: 1}
//	w := kernels.Alloc(g.PackedLen())
//	g.Pack(w, weights)                     // [KH][KW][C/Groups][N], once
//	b := kernels.Alloc(g.BiasLen())
//	g.PackBias(b, bias)
//	sc := kernels.NewScratch(set.ConvNeed(&g))
//	set.Conv(&g, w, b, dst, src, kernels.Epilogue{Act: kernels.ReLU6}, g.All(), sc)
//
// # Feature maps
//
// A [View] is a feature map somewhere in memory with a row stride, a pixel
// stride and, if wanted, a ring of rows. One type therefore serves whole
// tensors, a slice of the channels of a wider tensor (concatenation without a
// copy) and the ring buffer of a block fused row by row. A driver computes the
// output rows and channels of a [Range], so that a caller splits a layer over
// threads by rows or by channels; the bytes written do not depend on the split.
//
// Padding takes no memory in the maps. Rows above and below are skipped; columns
// left and right read a row of zeros or, in larger maps, are skipped as well.
//
// # Numbers
//
// A convolution or a linear layer has one accumulator for an output. It starts
// with the bias and takes the products in the order (ky, kx, c) with one fused
// multiply-add each, in every instruction set and in the reference. All variants
// therefore agree bit for bit, except for the sign of a zero. Sums over pixels are
// taken in pixel order. The logistic function and its relatives evaluate the same
// polynomial with the same roundings everywhere (see exp.go for its error).
//
// # Names
//
// A kernel is named op_type_isa_tile, a driver row op:geometry.
//
//	gemm_f32_avx512_8x32    rows of A at a constant distance, 8 pixels x 32 output channels
//	igemm_f32_avx2_6x16     rows of A through a table of pointers, taps outermost
//	dw3s1_f32_avx2_1x7      depthwise, 3 taps a row, stride 1, 7 output pixels
//	dw3s1_f32_avx2_2x4      the same of 3 rows of taps, 2 rows of 4 output pixels
//	dw_f32_avx512_1x8       depthwise, any kernel, 8 output pixels
//	maxtap_f32_avx2         maximum over taps given by pointers, one output pixel
//	add_f32_neon            elementwise
//
// Each kernel has one row in the registry, from which it is chosen, tested and
// timed. The rows of an instruction set stand in the file that declares its
// assembly (zavx2_amd64.go, zneon_arm64.go).
//
// The assembly comes from internal/gen, a module of its own: go run . there
// writes it, go run . -check compares.
//
// Drivers allocate nothing: what they need beyond their arguments is a
// [Scratch], one for each goroutine, sized by the Need functions. Shapes are the
// caller's responsibility; a driver panics on a buffer that is too short and
// otherwise trusts its arguments.
package kernels
