package train

import "nas/blocks/kernels"

// act is an activation that does not follow a batch normalisation.
type act struct {
	f       kernels.Act
	in, out *tensor
	dIn     gradient
	dOut    *tensor
}

func (o *act) uses() (forward, backward []*tensor) {
	kept := o.in
	if fromOutput(o.f) {
		kept = o.out
	}
	backward = []*tensor{kept, o.dOut}
	if o.dIn.t != nil {
		backward = append(backward, o.dIn.t)
	}
	return []*tensor{o.in, o.out}, backward
}

func (o *act) forward(w *worker, s span) {
	n := s.n * o.in.elems
	w.set.Activate(kernels.Map{W: 1, C: n, Y1: 1}, kernels.Dense(o.out.of(w, s), 1, 1, n),
		kernels.Dense(o.in.of(w, s), 1, 1, n), o.f, w.sc)
}

func (o *act) backward(w *worker, s span) {
	if o.dIn.t == nil {
		return
	}
	u := o.in
	if fromOutput(o.f) {
		u = o.out
	}
	d := o.dOut.of(w, s)
	w.set.Slope(o.f, d, u.of(w, s), w.sc)
	o.dIn.put(w, s, d)
}

// sum adds maps.
type sum struct {
	in   []*tensor
	out  *tensor
	dIn  []gradient
	dOut *tensor
}

func (o *sum) uses() (forward, backward []*tensor) {
	backward = []*tensor{o.dOut}
	for _, d := range o.dIn {
		if d.t != nil {
			backward = append(backward, d.t)
		}
	}
	return append([]*tensor{o.out}, o.in...), backward
}

func (o *sum) forward(w *worker, s span) {
	n := s.n * o.out.elems
	m, out := kernels.Map{W: 1, C: n, Y1: 1}, kernels.Dense(o.out.of(w, s), 1, 1, n)
	view := func(t *tensor) kernels.View { return kernels.Dense(t.of(w, s), 1, 1, n) }
	w.set.Add(m, out, view(o.in[0]), view(o.in[1]), kernels.None, w.sc)
	for _, t := range o.in[2:] {
		w.set.Add(m, out, out, view(t), kernels.None, w.sc)
	}
}

func (o *sum) backward(w *worker, s span) {
	d := o.dOut.of(w, s)
	for _, g := range o.dIn {
		g.put(w, s, d)
	}
}

// product multiplies a map a by b, which has the same shape, one value for each channel, or one for each pixel.
type product struct {
	pixels, c int
	a, b, out *tensor
	dA, dB    gradient
	dOut      *tensor
	zeros     []float32
}

func (o *product) uses() (forward, backward []*tensor) {
	backward = []*tensor{o.a, o.b, o.dOut}
	for _, g := range []gradient{o.dA, o.dB} {
		if g.t != nil {
			backward = append(backward, g.t)
		}
	}
	return []*tensor{o.a, o.b, o.out}, backward
}

// times computes dst = a times b for one image.
func (o *product) times(w *worker, dst, a, b []float32) {
	m := kernels.Map{W: o.pixels, C: o.c, Y1: 1}
	view := func(v []float32) kernels.View { return kernels.Dense(v, 1, o.pixels, o.c) }
	switch len(b) {
	case len(a):
		w.set.Mul(m, view(dst), view(a), view(b), kernels.None, w.sc)
	case o.c:
		w.set.Scale(m, view(dst), view(a), b, w.sc)
	default:
		for p, f := range b {
			for c, v := range a[p*o.c:][:o.c] {
				dst[p*o.c+c] = v * f
			}
		}
	}
}

func (o *product) each(s span, f func(one span)) {
	for i := range s.n {
		f(span{s.shard, s.first + i, 1, false})
	}
}

func (o *product) forward(w *worker, s span) {
	o.each(s, func(i span) { o.times(w, o.out.of(w, i), o.a.of(w, i), o.b.of(w, i)) })
}

func (o *product) backward(w *worker, s span) {
	o.each(s, func(i span) {
		d, a, b := o.dOut.of(w, i), o.a.of(w, i), o.b.of(w, i)
		if o.dB.t != nil {
			o.second(w, o.dB.begin(w, i), d, a)
		}
		if o.dA.t != nil {
			t := w.floats(0, len(d))
			o.times(w, t, d, b)
			o.dA.put(w, i, t)
		}
	})
}

// second adds the gradient by b to db.
func (o *product) second(w *worker, db, d, a []float32) {
	switch len(db) {
	case len(d):
		t := w.floats(0, len(d))
		o.times(w, t, d, a)
		addTo(w, db, t)
	case o.c:
		w.set.AddProducts(db, d, a, o.zeros, o.pixels, o.c, w.sc)
	default:
		for p := range db {
			db[p] += kernels.Dot(d[p*o.c:][:o.c], a[p*o.c:][:o.c])
		}
	}
}
