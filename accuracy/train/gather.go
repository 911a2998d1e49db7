package train

import "nas/blocks/kernels"

// tap is a pixel of the input, and its weight in a pixel of the output.
type tap struct {
	at     int32
	weight float32
}

// blend computes each pixel of the output as a weighted sum of pixels of the input: average pooling, resizing, sums.
type blend struct {
	c       int
	taps    [][]tap // of each output pixel
	in, out *tensor
	dIn     gradient
	dOut    *tensor
}

func (o *blend) uses() (forward, backward []*tensor) { return plainUses(o.in, o.out, o.dIn, o.dOut) }

// plainUses are those of a layer whose gradient depends on no value.
func plainUses(in, out *tensor, dIn gradient, dOut *tensor) (forward, backward []*tensor) {
	backward = []*tensor{dOut}
	if dIn.t != nil {
		backward = append(backward, dIn.t)
	}
	return []*tensor{in, out}, backward
}

func (o *blend) forward(w *worker, s span) {
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		x, y := o.in.of(w, one), o.out.of(w, one)
		for p, taps := range o.taps {
			d := y[p*o.c:][:o.c]
			clear(d)
			for _, t := range taps {
				kernels.Axpy(d, x[int(t.at)*o.c:][:o.c], t.weight)
			}
		}
	}
}

func (o *blend) backward(w *worker, s span) {
	if o.dIn.t == nil {
		return
	}
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		dx, dy := o.dIn.begin(w, one), o.dOut.of(w, one)
		for p, taps := range o.taps {
			d := dy[p*o.c:][:o.c]
			for _, t := range taps {
				kernels.Axpy(dx[int(t.at)*o.c:][:o.c], d, t.weight)
			}
		}
	}
}

// run is n neighbouring values of an input that are copied to the output.
type run struct{ input, from, to, n int }

// rearrange copies values: concatenation, slices, shuffles.
type rearrange struct {
	runs []run
	in   []*tensor
	out  *tensor
	dIn  []gradient
	dOut *tensor
}

func (o *rearrange) uses() (forward, backward []*tensor) {
	backward = []*tensor{o.dOut}
	for _, g := range o.dIn {
		if g.t != nil {
			backward = append(backward, g.t)
		}
	}
	return append([]*tensor{o.out}, o.in...), backward
}

func (o *rearrange) forward(w *worker, s span) {
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		y := o.out.of(w, one)
		for _, r := range o.runs {
			copy(y[r.to:][:r.n], o.in[r.input].of(w, one)[r.from:])
		}
	}
}

func (o *rearrange) backward(w *worker, s span) {
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		dy := o.dOut.of(w, one)
		dx := make([][]float32, 0, 8)
		for _, g := range o.dIn {
			if g.t == nil {
				dx = append(dx, nil)
				continue
			}
			dx = append(dx, g.begin(w, one))
		}
		for _, r := range o.runs {
			if d := dx[r.input]; d != nil {
				d = d[r.from:][:r.n]
				for k, v := range dy[r.to:][:r.n] {
					d[k] += v
				}
			}
		}
	}
}

// largest keeps the largest of the values that each output reads; of equal ones the first.
type largest struct {
	reads   func(out int, f func(in int)) // calls f for each, in order
	in, out *tensor
	dIn     gradient
	dOut    *tensor
}

func (o *largest) uses() (forward, backward []*tensor) {
	forward, backward = plainUses(o.in, o.out, o.dIn, o.dOut)
	return forward, append(backward, o.in)
}

// find returns the place of the largest value that an output reads.
func (o *largest) find(x []float32, out int) int {
	best := -1
	o.reads(out, func(in int) {
		if best < 0 || x[in] > x[best] {
			best = in
		}
	})
	return best
}

func (o *largest) forward(w *worker, s span) {
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		x, y := o.in.of(w, one), o.out.of(w, one)
		for k := range y {
			y[k] = x[o.find(x, k)]
		}
	}
}

func (o *largest) backward(w *worker, s span) {
	if o.dIn.t == nil {
		return
	}
	for i := range s.n {
		one := span{s.shard, s.first + i, 1, false}
		x, dx := o.in.of(w, one), o.dIn.begin(w, one)
		for k, d := range o.dOut.of(w, one) {
			dx[o.find(x, k)] += d
		}
	}
}
