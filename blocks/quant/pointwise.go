package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

func init() {
	register(func(_ *blocks.Add, c call, dst []int32) {
		integer.Add(dst, c.operand(0), c.operand(1), 1, c.out)
	})
	register(func(_ *blocks.Mul, c call, dst []int32) {
		integer.Mul(dst, c.operand(0), c.operand(1), c.out)
	})
	register(func(op *blocks.Softmax, c call, dst []int32) {
		integer.Softmax(dst, c.in[0], c.to.C, 1, op.Log, c.grid[0], c.out)
	})
	register(func(_ *blocks.Activation, c call, dst []int32) { // the identity
		integer.Rescale(dst, c.in[0], c.grid[0], c.out)
	})
}

// operand is input k, repeated over the output as [blocks.Mul] has it.
func (c call) operand(k int) integer.Operand {
	s, channels := c.shape[k], c.to.C
	at := func(i int) int { return i }
	switch {
	case s == c.to:
	case s.C == channels:
		at = func(i int) int { return i % channels }
	default:
		at = func(i int) int { return i / channels }
	}
	return integer.Operand{Q: c.in[k], Grid: c.grid[k], At: at}
}
