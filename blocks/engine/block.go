package engine

// lowerBlock lowers the convolution i and those behind it as one call, if they
// are the parts of an inverted residual block that is worth it.
func (c *compiler) lowerBlock(i int) bool { return false }
