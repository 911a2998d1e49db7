package engine

import (
	"fmt"

	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
)

func init() {
	integerRoutines["conv"] = makeIntegerConv
	integerRoutines["dwconv"] = makeIntegerConv
	integerRoutines["linear"] = makeIntegerConv
}

// integerConvRun runs a convolution of any kind, or a linear layer as one of 1 x 1.
type integerConvRun struct {
	set      *int8.Set
	g        kernels.Conv
	layer    *int8.Layer
	dst, src *tensor
	res      *tensor // or nil
	sum      *int8.Sum
	images   int
	byChan   bool
	grain    int
}

func makeIntegerConv(b *integerBinding) (runner, need, error) {
	r := &integerConvRun{set: b.set, dst: b.dst, src: b.src[0], res: b.res, images: b.unit.Batch, grain: 16}
	if b.unit.Name == "linear" {
		r.g = kernels.Linear{Batch: b.unit.Batch, K: b.unit.In.Elems(), N: b.unit.Out.C}.Conv()
		r.src, r.dst = r.src.flattened(), r.dst.flattened()
		if r.res != nil {
			r.res = r.res.flattened()
		}
		r.images = 1
	} else {
		r.g = b.unit.geometry()
		g := &r.g
		if g.KH == 1 && g.KW == 1 && g.SH == 1 && g.SW == 1 && g.PadT == 0 && g.PadL == 0 && g.OH == g.H && g.OW == g.W {
			g.H, g.OH, r.images = g.H*r.images, g.OH*r.images, 1
		}
	}
	layer, add, act := b.parts()
	l := b.q.Nodes[layer].Layer
	if l == nil {
		return nil, need{}, fmt.Errorf("it has no integer weights")
	}
	var out int8.Output
	var err error
	if add < 0 {
		out, err = b.after(layer, act)
	} else {
		out = outputOf(b.q.Nodes[layer].Grid)
		var sum int8.Output
		if sum, err = b.after(add, act); err == nil {
			r.sum = int8.NewSum(out.Grid, gridOf(b.add), sum)
		}
	}
	if err != nil {
		return nil, need{}, err
	}
	r.layer = b.set.Layer(b.alloc, r.g, int8.Weights{Q: l.Q, Scale: l.Scale, Bias: l.Bias}, gridOf(b.in[0]), out)
	if r.g.Groups > 1 && !r.g.Depthwise() {
		r.grain = r.g.N / r.g.Groups
	}
	maps, weights := r.images*r.g.OH*r.g.OW*(r.g.C+r.g.N), len(l.Q)
	r.byChan = r.g.N >= 4*r.grain && (weights > maps || r.images*r.g.OH < 4*b.p.target.Threads)
	return r, need{bytes: b.set.Need(r.layer)}, nil
}

// flattened is the tensor with each image as one pixel, the images below each other in a row.
func (t *tensor) flattened() *tensor {
	f := *t
	f.C = t.Elems()
	f.H, f.W, f.pix = 1, 1, f.C
	return &f
}

// integerShare is how many times as many multiply-accumulates a call on integers does in the time of one on floats.
const integerShare = 3

func (r *integerConvRun) maxParts() int {
	n := r.images * r.g.OH
	if r.byChan {
		n = r.g.N / r.grain
	}
	return min(n, maxParts(int64(r.images)*r.g.MACs()/integerShare))
}

func (r *integerConvRun) run(part, parts int, th *thread) {
	if r.byChan {
		n := (r.g.N + r.grain - 1) / r.grain
		n0, n1 := cut(n, part, parts)
		r.rows(0, r.images*r.g.OH, n0*r.grain, min(n1*r.grain, r.g.N), th)
		return
	}
	y0, y1 := cut(r.images*r.g.OH, part, parts)
	r.rows(y0, y1, 0, r.g.N, th)
}

// rows computes rows y0 to y1, counted over all images.
func (r *integerConvRun) rows(y0, y1, n0, n1 int, th *thread) {
	for y0 < y1 {
		k := y0 / r.g.OH
		end := min(y1, (k+1)*r.g.OH)
		rng := kernels.Range{Y0: y0 - k*r.g.OH, Y1: end - k*r.g.OH, N0: n0, N1: n1}
		if r.sum != nil {
			r.set.ConvAdd(r.layer, r.dst.bytesImage(k), r.src.bytesImage(k), r.res.bytesImage(k), r.sum, rng, th.bytes)
		} else {
			r.set.Conv(r.layer, r.dst.bytesImage(k), r.src.bytesImage(k), rng, th.bytes)
		}
		y0 = end
	}
}
