package engine

import (
	"slices"

	"nas/blocks/kernels"
)

func init() {
	lower("concat", true, lowerConcat)
	routines["copy"] = &routine{make: makeCopy}
}

// lowerConcat puts the inputs into the output's buffer. An input lies there from
// the start if the call that makes it can write, and all that read it can read,
// with gaps between the pixels. The other inputs are copied.
func lowerConcat(c *compiler, i int) {
	nd := &c.net.Nodes[i]
	if len(nd.Inputs) == 1 {
		c.alias(i, nd.Inputs[0])
		return
	}
	dst := c.newValue(i, nd.Shape)
	at := int32(0)
	for _, j := range nd.Inputs {
		v := c.val[j]
		if c.fits(j) {
			c.vals[v].parent, c.vals[v].at = dst, at
			c.vals[dst].first = min(c.vals[dst].first, c.vals[v].first)
		} else {
			s := step{dst: dst, res: -1, tap: -1, fold: [3]fold{noFold, noFold, noFold}, strid: true}
			s.Unit = Unit{Name: "copy", In: c.shape(j), Out: c.shape(j), Batch: c.batch}
			s.Stage, s.Block = nd.Stage, nd.Block
			s.at = int(at)
			n := len(c.ids)
			c.ids = append(c.ids, c.value(j))
			s.src = c.ids[n:len(c.ids):len(c.ids)]
			c.touch(dst)
			c.emit(s, i, i)
		}
		at += int32(c.shape(j).C)
	}
}

// fits tells whether the value of node j can lie inside a wider one.
func (c *compiler) fits(j int) bool {
	v := c.val[j]
	if c.t.DType == Int8 { // each input may have a grid of its own
		return false
	}
	if v == 0 || c.vals[v].parent >= 0 || c.o.Tap != nil {
		return false
	}
	made := false
	for k := range c.steps {
		if c.steps[k].dst == v {
			if !c.steps[k].strid {
				return false
			}
			made = true
		}
	}
	for k := range c.net.Nodes {
		if c.val[k] != v {
			continue
		}
		if k == len(c.net.Nodes)-1 || slices.Contains(c.net.Outputs, k) {
			return false
		}
		for _, r := range c.readersOf(k) {
			if !lowerings[c.net.Nodes[r].Op.Kind()].strided {
				return false
			}
		}
	}
	// A concatenation without a call of its own is written by the values inside it.
	return made || holdsOthers(c.vals, v)
}

func makeCopy(b *binding) (runner, need) {
	dst, src, at, from := b.dst, b.src[0], b.at, b.from
	return &rowsRun{b.unit.Batch * src.H, src.W, b.unit.In.C, int64(b.unit.Batch*b.unit.In.Elems()) * 16,
		func(m kernels.Map, _ *kernels.Scratch) {
			b.set.Copy(m, dst.all().Channels(at), src.all().Channels(from))
		}}, need{}
}

func copyRows(dst, src kernels.View, rows, w, c int) {
	for p := range rows * w {
		copy(dst.Data[p*dst.Pix:][:c], src.Data[p*src.Pix:][:c])
	}
}
