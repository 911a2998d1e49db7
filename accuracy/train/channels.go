package train

import "nas/blocks/kernels"

// channelMean is the mean of the channels of each pixel.
type channelMean struct {
	c       int
	in, out *tensor
	dIn     gradient
	dOut    *tensor
}

func (o *channelMean) uses() (forward, backward []*tensor) {
	return plainUses(o.in, o.out, o.dIn, o.dOut)
}

func (o *channelMean) forward(w *worker, s span) {
	x := o.in.of(w, s)
	for p := range o.out.of(w, s) {
		o.out.of(w, s)[p] = kernels.Sum(x[p*o.c:][:o.c]) / float32(o.c)
	}
}

func (o *channelMean) backward(w *worker, s span) {
	if o.dIn.t == nil {
		return
	}
	dx := o.dIn.begin(w, s)
	for p, d := range o.dOut.of(w, s) {
		d /= float32(o.c)
		for c := range o.c {
			dx[p*o.c+c] += d
		}
	}
}

// channelConv slides one kernel along the channels of a vector.
type channelConv struct {
	m       *model
	weight  int // place among the parameters
	k       int
	in, out *tensor
	dIn     gradient
	dOut    *tensor
}

func (o *channelConv) uses() (forward, backward []*tensor) {
	forward, backward = plainUses(o.in, o.out, o.dIn, o.dOut)
	return forward, append(backward, o.in)
}

// pairs calls f for each output, input and tap that belong together.
func (o *channelConv) pairs(n int, f func(out, in, tap int)) {
	for c := range n {
		for i := range o.k {
			if k := c + i - o.k/2; k >= 0 && k < n {
				f(c, k, i)
			}
		}
	}
}

func (o *channelConv) forward(w *worker, s span) {
	weight := o.m.values[o.weight:][:o.k]
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		x, y := o.in.of(w, one), o.out.of(w, one)
		clear(y)
		o.pairs(len(y), func(out, in, tap int) { y[out] += x[in] * weight[tap] })
	}
}

func (o *channelConv) backward(w *worker, s span) {
	weight, dw := o.m.values[o.weight:][:o.k], o.m.grads[s.shard][o.weight:][:o.k]
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		x, dy := o.in.of(w, one), o.dOut.of(w, one)
		o.pairs(len(dy), func(out, in, tap int) { dw[tap] += x[in] * dy[out] })
		if o.dIn.t == nil {
			continue
		}
		dx := o.dIn.begin(w, one)
		o.pairs(len(dy), func(out, in, tap int) { dx[in] += weight[tap] * dy[out] })
	}
}
