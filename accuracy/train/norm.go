package train

import (
	"math"

	"nas/blocks/kernels"
)

// norm is batch normalisation in training (Ioffe and Szegedy, ICML 2015, algorithm 1), and the activation behind it.
type norm struct {
	c, pixels int // channels; pixels of one image
	act       kernels.Act
	epsilon   float64
	in, out   *tensor
	dIn       gradient
	dOut      *tensor
	m         *model

	scale, shift   int // places among the parameters
	mean, variance int // places among the moving statistics

	part [Shards]moments // of each shard
	back [Shards]products
	sum  moments // of the batch
	// What the kernels take: the mean, and output = input * factor + addend.
	centre, factor, addend []float32
	// The gradient by the input is that by the output * own + input * slope + rest.
	own, slope, rest []float32
}

// moments are the number of pixels, the mean of each channel and the sum of the squared distances to it.
type moments struct {
	n      float64
	mean   []float64
	square []float64
}

// products are the sums of the gradients, and of these times the distance of the input from the mean.
type products struct{ d, dx []float64 }

func newNorm(m *model, c, pixels int) *norm {
	o := &norm{c: c, pixels: pixels, m: m, sum: newMoments(c)}
	for i := range Shards {
		o.part[i] = newMoments(c)
		o.back[i] = products{make([]float64, c), make([]float64, c)}
	}
	for _, v := range []*[]float32{&o.centre, &o.factor, &o.addend, &o.own, &o.slope, &o.rest} {
		*v = kernels.Alloc(c)
	}
	return o
}

func newMoments(c int) moments { return moments{mean: make([]float64, c), square: make([]float64, c)} }

// reset empties m.
func (m *moments) reset() {
	m.n = 0
	clear(m.mean)
	clear(m.square)
}

// merge adds the moments of other pixels to m (Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for
// computing sample variances, 1979, equation 2.1).
func (m *moments) merge(n float64, mean, square func(c int) float64) {
	total := m.n + n
	for c := range m.mean {
		d := mean(c) - m.mean[c]
		m.mean[c] += d * n / total
		m.square[c] += square(c) + d*d*m.n*n/total
	}
	m.n = total
}

func (o *norm) uses() (forward, backward []*tensor) {
	backward = []*tensor{o.in, o.dOut}
	if o.dIn.t != nil {
		backward = append(backward, o.dIn.t)
	}
	return []*tensor{o.in, o.out}, backward
}

func (o *norm) sums() (collect, collectBack []*tensor) {
	collectBack = []*tensor{o.in, o.dOut}
	if fromOutput(o.act) {
		collectBack = append(collectBack, o.out)
	}
	return []*tensor{o.in}, collectBack
}

// sumPixels is the number of pixels whose sum is taken in float32.
const sumPixels = 256

func (o *norm) collect(w *worker, s span) {
	m := &o.part[s.shard]
	if s.start {
		m.reset()
	}
	sum, mean := w.floats(0, o.c), w.floats(1, o.c)
	for x := o.in.of(w, s); len(x) > 0; {
		px := min(sumPixels, len(x)/o.c)
		clear(sum)
		w.set.AddPixels(sum, x, px, o.c, w.sc)
		for c, v := range sum {
			mean[c] = v / float32(px)
		}
		clear(sum)
		w.set.AddSquares(sum, x, mean, px, o.c, w.sc)
		m.merge(float64(px), func(c int) float64 { return float64(mean[c]) }, func(c int) float64 { return float64(sum[c]) })
		x = x[px*o.c:]
	}
}

func (o *norm) combine() {
	o.sum.reset()
	for i := range o.part {
		p := &o.part[i]
		o.sum.merge(p.n, func(c int) float64 { return p.mean[c] }, func(c int) float64 { return p.square[c] })
	}
	gamma, beta := o.m.values[o.scale:], o.m.values[o.shift:]
	for c := range o.c {
		mean, variance := o.sum.mean[c], o.sum.square[c]/o.sum.n
		f := float64(gamma[c]) / math.Sqrt(variance+o.epsilon)
		o.centre[c], o.factor[c], o.addend[c] = float32(mean), float32(f), float32(float64(beta[c])-mean*f)
		unbiased := o.sum.square[c] / max(o.sum.n-1, 1)
		o.m.track(o.mean+c, mean)
		o.m.track(o.variance+c, unbiased)
	}
}

func (o *norm) forward(w *worker, s span) {
	px := s.n * o.pixels
	w.set.Affine(kernels.Map{W: px, C: o.c, Y1: 1}, kernels.Dense(o.out.of(w, s), 1, px, o.c),
		kernels.Dense(o.in.of(w, s), 1, px, o.c), o.factor, o.addend, o.act, w.sc)
}

// blockFloats is about the number of floats that a backward pass takes at once, so that they stay in the first-level
// cache.
const blockFloats = 2048

func (o *norm) collectBack(w *worker, s span) {
	p := &o.back[s.shard]
	if s.start {
		clear(p.d)
		clear(p.dx)
	}
	d, x, z := o.dOut.of(w, s), o.in.of(w, s), []float32(nil)
	if fromOutput(o.act) {
		z = o.out.of(w, s)
	}
	px := max(1, blockFloats/o.c)
	u, sums := w.floats(0, max(px, 2)*o.c), w.floats(1, max(px, 2)*o.c)
	sum, dot := sums[:o.c], sums[o.c:2*o.c]
	for at := 0; at < len(d); at += px * o.c {
		n := min(px, (len(d)-at)/o.c)
		d, x := d[at:][:n*o.c], x[at:][:n*o.c]
		switch {
		case o.act == kernels.None:
		case z != nil:
			w.set.Slope(o.act, d, z[at:], w.sc)
		default:
			w.set.Affine(kernels.Map{W: n, C: o.c, Y1: 1}, kernels.Dense(u, 1, n, o.c), kernels.Dense(x, 1, n, o.c),
				o.factor, o.addend, kernels.None, w.sc)
			w.set.Slope(o.act, d, u, w.sc)
		}
		clear(sum)
		clear(dot)
		w.set.AddPixels(sum, d, n, o.c, w.sc)
		w.set.AddProducts(dot, d, x, o.centre, n, o.c, w.sc)
		for c := range o.c {
			p.d[c] += float64(sum[c])
			p.dx[c] += float64(dot[c])
		}
	}
}

func (o *norm) combineBack() {
	gamma := o.m.values[o.scale:]
	grads := o.m.grads[0] // one shard has it all
	n := o.sum.n
	for c := range o.c {
		var d, dx float64
		for i := range o.back {
			d += o.back[i].d[c]
			dx += o.back[i].dx[c]
		}
		inv := 1 / math.Sqrt(o.sum.square[c]/n+o.epsilon)
		grads[o.scale+c], grads[o.shift+c] = float32(dx*inv), float32(d)
		own := float64(gamma[c]) * inv
		slope := -own * inv * inv * dx / n
		o.own[c], o.slope[c] = float32(own), float32(slope)
		o.rest[c] = float32(-own*d/n - slope*o.sum.mean[c])
	}
}

func (o *norm) backward(w *worker, s span) {
	if o.dIn.t == nil {
		return
	}
	d, x, to := o.dOut.of(w, s), o.in.of(w, s), o.dIn.t.of(w, s)
	px := max(1, blockFloats/o.c)
	t, u := w.floats(0, px*o.c), w.floats(1, px*o.c)
	for at := 0; at < len(d); at += px * o.c {
		n := min(px, (len(d)-at)/o.c)
		m := kernels.Map{W: n, C: o.c, Y1: 1}
		view := func(v []float32) kernels.View { return kernels.Dense(v, 1, n, o.c) }
		w.set.Affine(m, view(t), view(x[at:]), o.slope, o.rest, kernels.None, w.sc)
		if !o.dIn.add {
			w.set.Scale(m, view(to[at:]), view(d[at:]), o.own, w.sc)
		} else {
			w.set.Scale(m, view(u), view(d[at:]), o.own, w.sc)
			w.set.Add(m, view(to[at:]), view(to[at:]), view(u), kernels.None, w.sc)
		}
		w.set.Add(m, view(to[at:]), view(to[at:]), view(t), kernels.None, w.sc)
	}
}
