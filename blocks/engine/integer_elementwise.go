package engine

import (
	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
)

func init() {
	integerRoutines["quantize"] = makeQuantize
	integerRoutines["dequantize"] = makeDequantize
	integerRoutines["act"] = makeIntegerTable
	integerRoutines["unary"] = makeIntegerTable
	integerRoutines["add"] = makeIntegerAdd
	integerRoutines["mul"] = makeIntegerMul
	integerRoutines["scale"] = makeIntegerScale
	integerRoutines["copy"] = makeIntegerCopy
	integerRoutines["shuffle"] = makeIntegerShuffle
}

// makeQuantize rounds the caller's input.
func makeQuantize(b *integerBinding) (runner, need, error) {
	set, dst, src, g := b.set, b.dst, b.src[0], gridOf(b.out)
	row := dst.W * dst.C
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		set.Quantize(dst.bytes[m.Y0*row:m.Y1*row], src.data[m.Y0*row:m.Y1*row], g)
	}), need{}, nil
}

// makeDequantize writes what an output stands for.
func makeDequantize(b *integerBinding) (runner, need, error) {
	set, dst, src, g := b.set, b.dst, b.src[0], gridOf(b.in[0])
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		for p := m.Y0 * m.W; p < m.Y1*m.W; p++ {
			set.Dequantize(dst.data[p*dst.pix:][:m.C], src.bytes[p*src.pix:][:m.C], g)
		}
	}), need{}, nil
}

// makeIntegerTable looks up a function of one value.
func makeIntegerTable(b *integerBinding) (runner, need, error) {
	n := &b.q.Nodes[b.s.Nodes[0]]
	if n.Table == nil {
		return makeIntegerEval(b)
	}
	set, dst, src, t := b.set, b.dst, b.src[0], tableOf(n.Table, b.in[0])
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		set.Lookup(m, dst.bytesAll(), src.bytesAll(), t)
	}), need{}, nil
}

func makeIntegerAdd(b *integerBinding) (runner, need, error) {
	_, add, act := b.parts()
	out, err := b.after(add, act)
	if err != nil {
		return nil, need{}, err
	}
	sum := int8.NewSum(gridOf(b.in[0]), gridOf(b.in[1]), out)
	set, dst, x, y := b.set, b.dst, b.src[0], b.src[1]
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		set.Add(m, dst.bytesAll(), x.bytesAll(), y.bytesAll(), sum)
	}), need{}, nil
}

// product returns that of a unit of two inputs, with the activation behind it.
func (b *integerBinding) product() (*int8.Product, error) {
	_, _, act := b.parts()
	out, err := b.after(b.s.Nodes[0], act)
	if err != nil {
		return nil, err
	}
	return int8.NewProduct(gridOf(b.in[0]), gridOf(b.in[1]), out), nil
}

func makeIntegerMul(b *integerBinding) (runner, need, error) {
	p, err := b.product()
	set, dst, x, y := b.set, b.dst, b.src[0], b.src[1]
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		set.Mul(m, dst.bytesAll(), x.bytesAll(), y.bytesAll(), p)
	}), need{}, err
}

func makeIntegerScale(b *integerBinding) (runner, need, error) {
	p, err := b.product()
	set, dst, x, gate := b.set, b.dst, b.src[0], b.src[1]
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		for m.Y0 < m.Y1 { // image by image: each has its own factors
			k := m.Y0 / dst.H
			part := m
			part.Y1 = min(m.Y1, (k+1)*dst.H)
			set.Scale(part, dst.bytesAll(), x.bytesAll(), gate.bytes[k*gate.pix:][:gate.C], p)
			m.Y0 = part.Y1
		}
	}), need{}, err
}

// makeIntegerCopy copies a map, or a part of one, into a part of another, which may have another grid.
func makeIntegerCopy(b *integerBinding) (runner, need, error) {
	set, dst, src, at, from := b.set, b.dst, b.src[0], b.s.at, b.s.from
	same := b.sameGrid()
	in, out := gridOf(b.in[0]), outputOf(b.out)
	return &rowsRun{b.unit.Batch * src.H, src.W, b.unit.In.C, int64(b.unit.Batch*b.unit.In.Elems()) * 4,
		func(m kernels.Map, _ *kernels.Scratch) {
			d, s := dst.bytesAll(), src.bytesAll()
			d.Data, s.Data = d.Data[at:], s.Data[from:]
			if !same {
				set.Rescale(m, d, s, in, out)
				return
			}
			for p := m.Y0 * m.W; p < m.Y1*m.W; p++ {
				copy(d.Data[p*d.Pix:][:m.C], s.Data[p*s.Pix:])
			}
		}}, need{}, nil
}

// makeIntegerShuffle deals the channels of the groups out in turn.
func makeIntegerShuffle(b *integerBinding) (runner, need, error) {
	if !b.sameGrid() {
		return makeIntegerEval(b)
	}
	dst, src, groups := b.dst, b.src[0], b.unit.Groups
	each := dst.C / groups
	return byteRows(dst, b.unit.Batch, func(m kernels.Map) {
		for p := m.Y0 * m.W; p < m.Y1*m.W; p++ {
			to, from := dst.bytes[p*dst.pix:][:m.C], src.bytes[p*src.pix:][:m.C]
			for k := range groups {
				for j, v := range from[k*each:][:each] {
					to[j*groups+k] = v
				}
			}
		}
	}), need{}, nil
}
