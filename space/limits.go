package space

import "math"

// Limits on what a Spec may ask for.
const (
	maxChoices  = 64
	maxDepth    = 64
	maxChannels = 1 << 14
	maxVariants = 1 << 20 // of one block
	maxDivisor  = 256     // of channels
)

// Limits describes, with its largest number, what a Spec may have of each thing that its keys do not bound by
// themselves. The documentation has them.
func Limits() []Limit {
	return []Limit{
		{"values of a gene, entries of a choice", maxChoices},
		{"stages", maxStages},
		{"blocks in a stage", maxDepth},
		{"blocks in a network, stem included", maxBlocks},
		{"different blocks in a stage: the product of the lengths of its lists", maxVariants},
		{"channels", maxChannels},
		{"channels inside a block", maxNumber},
		{"sides of the input, in pixels", maxSide},
		{"sides of a kernel, in pixels", maxKernel},
	}
}

// Limit is the largest number of something in a Spec.
type Limit struct {
	What string
	Most int
}

// Limits on what an Arch may ask for. They lie far beyond any network that this package is
// meant for. Within them every count fits into an int64, and a hostile arch string cannot
// make the program allocate much memory.
const (
	maxNumber   = 1 << 16 // any single number
	maxSide     = 1 << 13 // height and width of the input
	maxExperts  = 64      // and depthwise multiplier
	maxKernel   = 31
	maxDilation = 1 << 12
	maxBlocks   = 1024
	maxStages   = 128
	maxRates    = 8
	maxValues   = min(1<<31, math.MaxInt) // of one activation
	maxWeights  = min(1<<31, math.MaxInt) // of one convolution or linear layer
	maxMACs     = 1 << 60                 // of a whole network, by a generous bound
)
