package engine

func init() {
	lowerPlain("constant", false, false, nil)
	routines["constant"] = &routine{make: makeConstant}
}

// makeConstant copies a learned activation into every image. The weights are the
// caller's: later changes to them count.
func makeConstant(b *binding) (runner, need) {
	value, dst := b.params[0], b.dst
	return byPixels(dst, b.unit.Batch, 4*dst.C, func(from, to int, _ *thread) {
		for p := from; p < to; p++ {
			copy(dst.row(p), value[p%dst.Pixels()*dst.C:])
		}
	}), need{}
}
