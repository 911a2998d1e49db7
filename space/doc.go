// Package space describes sets of networks that a search chooses from, and single networks
// of such a set.
//
// A [Spec] is what a person writes: a skeleton of stages in which every number may be a list
// of choices. A [Space] is a Spec that has been checked and completed. It samples genotypes
// ([Genes]: one small integer for each gene), mutates and crosses them, counts them exactly,
// and turns a genotype into an [Arch]. An Arch does not depend on the Space: it holds every
// block with its final numbers, has a text form and an ID, and lowers to a network of package
// blocks.
//
//	Spec -> Space -> Genes -> Arch -> blocks.Network
//
// # Channels, strides, dilation
//
// A width multiplier other than 1 scales channels by blocks.MakeDivisible: to the nearest
// multiple of 8, never below 90 %. The number of expanded channels is that of the input
// channels times the ratio, rounded by the same rule. If both are equal, there is no
// expansion layer.
//
// The first block of a stage has the stage's stride, the others have stride 1. A dilation
// acts on blocks of stride 1 only. A block with a stride keeps dilation 1, because a stride
// behind a dilated window would leave out most of what the window sees. So in a stage of
// stride 2 the dilation gene of the first block has no effect.
//
// With output_stride, a stage whose stride would make the features coarser than that runs at
// stride 1. Its first block keeps the dilation of the stage before. All blocks behind it are
// dilated by the omitted stride, on top of their own dilation (Chen et al., DeepLabV3, 2017,
// section 3.1).
//
// Mbconv, fused and xception blocks of stride 1 and equal channels add their input to their
// output unless the config says otherwise. Blocks of other kinds do so only if the config
// says so.
//
// # The text form of an Arch
//
//	arch    = input " | " stem { " | " stage } " | " head
//	input   = height "x" width "x" channels
//	stem    = stage
//	stage   = "-" | block { " " block }             "-": no blocks
//	head    = "classifier" [ "_c" channels ] [ "_h" hidden ] [ "_" act ] "_n" classes
//	        | "aspp" "_c" channels [ "_d" rate { ":" rate } ] "_" act "_n" classes
//	        | "lraspp" "_c" channels "_t" stage "_" act "_n" classes
//	        | "fast_scnn" "_c" channels "_t" stage "_" act "_n" classes
//	        | "features"
//	        | "ssdlite" "_c" channels [ "_h" hidden ] "_" act "_n" classes
//
// [Block] describes the text form of a block. All numbers are final: absolute channels,
// none of them scaled later. "_t" is the number of the stage, from 1, that gives a
// segmentation head its detail. The classifier has an activation if it has channels or
// hidden ones.
//
// Each network has exactly one text: an mbconv or fused block without expansion is written as
// the ds or conv block that it is, and [Parse] refuses anything that String would not write.
// The first blocks of MobileNetV2 at 224:
//
//	224x224x3 | conv_k3_s2_c32_relu6 | ds_k3_s1_c16_relu6_depthwise |
//	mbconv_k3_s2_x96_c24_relu6 mbconv_k3_s1_x144_c24_relu6_res | ... |
//	classifier_c1280_relu6_n1000
package space
