package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("slice", true, lowerSlice)
	lower("shuffle", true, lowerShuffle)
	routines["shuffle"] = &routine{make: makeShuffle}
}

// lowerSlice makes the kept channels a view of the input, which costs no call,
// where all readers can read with gaps between the pixels.
func lowerSlice(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.ChannelSlice)
	j := c.input(i, 0)
	view := i < len(c.net.Nodes)-1 && c.val[j] != 0 && c.o.Tap == nil &&
		c.t.DType != Int8 // where it may have a grid of its own
	for _, r := range c.readersOf(i) {
		view = view && lowerings[c.net.Nodes[r].Op.Kind()].strided
	}
	if view {
		c.view(i, c.val[j], o.From)
		return
	}
	s := c.start(i, "copy")
	s.Unit.In = s.Unit.Out
	s.from = o.From
	c.emit(s, i, i)
}

// view makes node i the channels of value v from some channel on.
func (c *compiler) view(i int, v int32, from int) {
	whole := &c.vals[v]
	c.val[i] = int32(len(c.vals))
	c.vals = append(c.vals, value{
		shape: c.shape(i), node: int32(i), first: whole.first, last: whole.last, parent: v, at: int32(from),
	})
}

func lowerShuffle(c *compiler, i int) {
	s := c.start(i, "shuffle")
	s.Unit.Groups = c.net.Nodes[i].Op.(*blocks.ChannelShuffle).Groups
	c.emit(s, i, i)
}

// makeShuffle deals the channels of the groups out in turn.
func makeShuffle(b *binding) (runner, need) {
	dst, src, groups := b.dst, b.src[0], b.unit.Groups
	each := dst.C / groups
	return byRows(dst, b.unit.Batch, func(m kernels.Map, _ *kernels.Scratch) {
		for p := m.Y0 * m.W; p < m.Y1*m.W; p++ {
			to, from := dst.data[p*dst.pix:][:m.C], src.data[p*src.pix:][:m.C]
			if groups == 2 {
				a, b := from[:each], from[each:]
				for j, v := range a {
					to[2*j], to[2*j+1] = v, b[j]
				}
				continue
			}
			for k := range groups {
				for j, v := range from[k*each:][:each] {
					to[j*groups+k] = v
				}
			}
		}
	}), need{}
}
