package kernels

// Linear is a fully connected layer of Batch samples: dst[b] = act(src[b] W +
// bias). Its weights [K][N] are packed like those of a pointwise convolution,
// which it is: each sample is a pixel.
type Linear struct{ Batch, K, N int }

// Conv is the same layer as a convolution: the drivers, Pack, PackBias, ranges
// of output channels and Need are those of the result. For a batch of one the
// time is that of streaming the weights from where they lie.
func (l Linear) Conv() Conv {
	return Conv{H: 1, W: l.Batch, C: l.K, OH: 1, OW: l.Batch, N: l.N, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
}
