package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("add", true, lowerAdd)
	lower("mul", true, lowerMul)
	routines["add"] = &routine{make: makeAdd, second: sameShape}
	routines["mul"] = &routine{make: makeMul, second: sameShape}
	routines["scale"] = &routine{make: makeScale, second: vectorShape}
	routines["scale_map"] = &routine{make: makeScaleMap, second: mapShape}
}

// lowerAdd adds two at a time; the activation is computed with the last.
func lowerAdd(c *compiler, i int) {
	nd := &c.net.Nodes[i]
	act, f := c.act(i)
	end := last(i, act)
	s := c.start(i, "add")
	src := s.src
	for k := 1; k < len(src); k++ {
		t := s
		t.src, t.reuse = src[:2:2], k == 1
		if k > 1 {
			n := len(c.ids)
			c.ids = append(c.ids, c.val[end], src[k])
			t.src = c.ids[n:len(c.ids):len(c.ids)]
			t.dst = c.val[end]
			c.touch(t.dst)
			c.touch(src[k])
		}
		if k == len(nd.Inputs)-1 {
			t.Unit.Act = f
			c.emit(t, end, i, act)
		} else {
			c.emit(t, end, i)
		}
	}
}

func lowerMul(c *compiler, i int) {
	a, b := c.shape(c.input(i, 0)), c.shape(c.input(i, 1))
	switch {
	case a == b:
		s := c.start(i, "mul")
		act, f := c.act(i)
		s.Unit.Act, s.reuse = f, true
		c.emit(s, last(i, act), i, act)
	case b == vectorOf(a):
		s := c.start(i, "scale")
		s.reuse = true
		c.emit(s, i, i)
	default:
		s := c.start(i, "scale_map")
		s.reuse = true
		c.emit(s, i, i)
	}
}

func vectorOf(s blocks.Shape) blocks.Shape { return blocks.Shape{H: 1, W: 1, C: s.C} }

func sameShape(u *Unit) blocks.Shape   { return u.In }
func vectorShape(u *Unit) blocks.Shape { return vectorOf(u.In) }
func mapShape(u *Unit) blocks.Shape    { return blocks.Shape{H: u.In.H, W: u.In.W, C: 1} }

func makeAdd(b *binding) (runner, need) {
	set, dst, x, y, act := b.set, b.dst, b.src[0], b.src[1], actOf[b.unit.Act]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.Add(m, dst.all(), x.all(), y.all(), act, sc)
	}), need{}
}

func makeMul(b *binding) (runner, need) {
	set, dst, x, y, act := b.set, b.dst, b.src[0], b.src[1], actOf[b.unit.Act]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.Mul(m, dst.all(), x.all(), y.all(), act, sc)
	}), need{}
}

func makeScale(b *binding) (runner, need) {
	set, dst, x, gate := b.set, b.dst, b.src[0], b.src[1]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		for m.Y0 < m.Y1 { // image by image: each has its own factors
			k := m.Y0 / dst.H
			part := m
			part.Y1 = min(m.Y1, (k+1)*dst.H)
			set.Scale(part, dst.all(), x.all(), gate.data[k*gate.pix:][:gate.C], sc)
			m.Y0 = part.Y1
		}
	}), need{}
}

// makeScaleMap multiplies each pixel by one factor: an attention map.
func makeScaleMap(b *binding) (runner, need) {
	dst, x, gate := b.dst, b.src[0], b.src[1]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, _ *kernels.Scratch) {
		for p := m.Y0 * m.W; p < m.Y1*m.W; p++ {
			g := gate.data[p*gate.pix]
			from := x.data[p*x.pix:][:m.C]
			for i, v := range from {
				dst.data[p*dst.pix+i] = v * g
			}
		}
	}), need{}
}
