package timing

const CutOps = "ops" // the same without block fusion: convolutions with what runtimes commonly fuse

const CutBlocks = "blocks" // as CutOps, but with the convolutions of each separable block as one unit "block"
