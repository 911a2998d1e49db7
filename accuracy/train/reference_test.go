package train

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/blocks/kernels/kernelstest"
)

// The reference: each op that can be trained and its gradients as the op's comment defines them, generic over the
// precision. Tests hold it against finite differences, and layers and kernels against it.

type float interface{ float32 | float64 }

// call is an op for one image; a convolution adds to gradients, as all do.
type call[T float] struct {
	op              blocks.Op
	shapes          []blocks.Shape // of the inputs
	out             blocks.Shape
	in, dIn         [][]T
	y, dy           []T
	params, dParams [][]T
}

func (c *call[T]) forward() {
	if g, bias, ok := geometry(c.op, c.shapes, c.out); ok {
		var b []T
		if bias {
			b = c.params[1]
		}
		kernelstest.Conv(&g, c.y, c.in[0], c.params[0], b)
		return
	}
	clear(c.y)
	if c.mixes(func(y, k, x int, w float64) { c.y[y] += T(w) * c.in[k][x] }) {
		return
	}
	for i := range c.y {
		switch o := c.op.(type) {
		case *blocks.Activation:
			c.y[i] = kernelstest.Act(activations[o.Func], c.in[0][i])
		case *blocks.Mul:
			c.y[i] = c.in[0][i] * c.in[1][c.second(i)]
		default:
			c.y[i] = c.in[0][c.largest(i)]
		}
	}
}

func (c *call[T]) backward() {
	if g, bias, ok := geometry(c.op, c.shapes, c.out); ok {
		var b []T
		if bias {
			b = c.dParams[1]
		}
		kernelstest.ConvBackward(&g, c.dIn[0], c.dParams[0], b, c.dy, c.in[0], c.params[0])
		return
	}
	if c.mixes(func(y, k, x int, w float64) { c.dIn[k][x] += T(w) * c.dy[y] }) {
		return
	}
	for i, d := range c.dy {
		switch o := c.op.(type) {
		case *blocks.Activation:
			c.dIn[0][i] += d * kernelstest.Slope(activations[o.Func], c.in[0][i])
		case *blocks.Mul:
			c.dIn[0][i] += d * c.in[1][c.second(i)]
			c.dIn[1][c.second(i)] += d * c.in[0][i]
		default:
			c.dIn[0][c.largest(i)] += d
		}
	}
}

// geometry is that of an op which is a convolution, and whether it has a bias.
func geometry(op blocks.Op, shapes []blocks.Shape, out blocks.Shape) (g kernels.Conv, bias, ok bool) {
	s := shapes[0]
	switch o := op.(type) {
	case *blocks.Conv:
		k, stride, d := o.Window()
		return kernels.Conv{H: s.H, W: s.W, C: s.C, OH: out.H, OW: out.W, N: out.C, KH: k[0], KW: k[1], SH: stride[0],
			SW: stride[1], DH: d[0], DW: d[1], PadT: o.Pad.Top, PadL: o.Pad.Left, Groups: o.G()}, o.Bias, true
	case *blocks.Linear:
		return kernels.Conv{H: 1, W: 1, C: s.Elems(), OH: 1, OW: 1, N: o.Out, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1,
			Groups: 1}, o.Bias, true
	case *blocks.ChannelConv: // over a row of pixels with one channel
		return kernels.Conv{H: 1, W: s.C, C: 1, OH: 1, OW: s.C, N: 1, KH: 1, KW: o.Kernel, SH: 1, SW: 1, DH: 1, DW: 1,
			PadL: o.Kernel / 2, Groups: 1}, false, true
	}
	return g, false, false
}

// second is the place in the second factor of value i of a product.
func (c *call[T]) second(i int) int {
	s := c.shapes[0]
	switch c.shapes[1] {
	case s:
		return i
	case blocks.Shape{H: 1, W: 1, C: s.C}:
		return i % s.C
	}
	return i / s.C
}

// mixes calls f for each value of the input number k that is a part of an output, with its weight. It reports whether
// the op is such a sum.
func (c *call[T]) mixes(f func(y, k, x int, w float64)) bool {
	s, out := c.shapes[0], c.out
	switch o := c.op.(type) {
	case *blocks.Add:
		for k := range c.in {
			for i := range c.y {
				f(i, k, i, 1)
			}
		}
	case *blocks.SumPixels:
		for i := range c.in[0] {
			f(i%s.C, 0, i, 1)
		}
	case *blocks.Resize:
		for i := range c.y {
			ch := i % out.C
			y0, y1, fy := o.Taps(i/out.C/out.W, o.H, s.H)
			x0, x1, fx := o.Taps(i/out.C%out.W, o.W, s.W)
			f(i, 0, (y0*s.W+x0)*s.C+ch, (1-fy)*(1-fx))
			f(i, 0, (y0*s.W+x1)*s.C+ch, (1-fy)*fx)
			f(i, 0, (y1*s.W+x0)*s.C+ch, fy*(1-fx))
			f(i, 0, (y1*s.W+x1)*s.C+ch, fy*fx)
		}
	case *blocks.Pool, *blocks.GlobalPool, *blocks.ChannelPool:
		if isMax(o) {
			return false
		}
		for i := range c.y {
			at, n := c.window(i)
			for _, x := range at {
				f(i, 0, x, 1/float64(n))
			}
		}
	case *blocks.Concat, *blocks.Stack, *blocks.ChannelShuffle, *blocks.ChannelSlice, *blocks.Select:
		c.copies(func(y, k, x int) { f(y, k, x, 1) })
	default:
		return false
	}
	return true
}

// copies calls f for each value that the op copies: it asks the op itself, by the places of the inputs.
func (c *call[T]) copies(f func(y, k, x int)) {
	var inputs, places []int // of each value of all inputs
	ts := make([]blocks.Tensor, len(c.in))
	for k, v := range c.in {
		ts[k] = blocks.Tensor{Shape: c.shapes[k], Data: make([]float32, len(v))}
		for i := range v {
			ts[k].Data[i] = float32(len(places)) // exact
			inputs, places = append(inputs, k), append(places, i)
		}
	}
	out := blocks.Tensor{Shape: c.out, Data: make([]float32, len(c.y))}
	c.op.Eval(out, ts, nil)
	for i, p := range out.Data {
		f(i, inputs[int(p)], places[int(p)])
	}
}

func isMax(op blocks.Op) bool {
	switch o := op.(type) {
	case *blocks.Pool:
		return o.Pool == blocks.MaxPool
	case *blocks.GlobalPool:
		return o.Pool == blocks.MaxPool
	}
	return op.(*blocks.ChannelPool).Pool == blocks.MaxPool
}

// largest is the place of the largest value that value i of a pooling reads; of equal ones the first.
func (c *call[T]) largest(i int) int {
	at, _ := c.window(i)
	best := at[0]
	for _, x := range at {
		if c.in[0][x] > c.in[0][best] {
			best = x
		}
	}
	return best
}

// window lists what value i of a pooling reads, and the number that its mean divides by.
func (c *call[T]) window(i int) (at []int, n int) {
	s := c.shapes[0]
	o, slides := c.op.(*blocks.Pool)
	if !slides {
		for x := range c.in[0] {
			if _, all := c.op.(*blocks.GlobalPool); all && x%s.C == i || !all && x/s.C == i {
				at = append(at, x)
			}
		}
		return at, len(at)
	}
	k, stride, d := o.Window()
	py, px, ch := i/c.out.C/c.out.W, i/c.out.C%c.out.W, i%c.out.C
	for ky := range k[0] {
		for kx := range k[1] {
			y, x := py*stride[0]-o.Pad.Top+ky*d[0], px*stride[1]-o.Pad.Left+kx*d[1]
			switch {
			case y >= 0 && y < s.H && x >= 0 && x < s.W:
				at = append(at, (y*s.W+x)*s.C+ch)
				n++
			case o.CountPad && y >= -o.Pad.Top && y < s.H+o.Pad.Bottom && x >= -o.Pad.Left && x < s.W+o.Pad.Right:
				n++
			}
		}
	}
	return at, n
}

// network is the reference of a whole network, for a batch.
type network[T float] struct {
	net        *blocks.Network
	last       int     // the node of the logits
	params     [][][]T // of each node
	dParams    [][][]T // gradients
	maps, grad [][][]T // of each node and image
	labels     []int   // of each image
	smoothing  float64 // of the labels
}

// newNetwork copies weights and images.
func newNetwork[T float](n *blocks.Network, w *blocks.Weights, batch [][]float32, labels []int,
	smoothing float64) *network[T] {
	r := &network[T]{net: n, last: n.Returned()[0], labels: labels, smoothing: smoothing}
	if _, ok := n.Nodes[r.last].Op.(*blocks.Softmax); ok {
		r.last = n.Nodes[r.last].Inputs[0]
	}
	for i := range n.Nodes {
		var values, grads [][]T
		for k, v := range w.Node(i) {
			if shared := n.Nodes[i].Shared; shared != nil && shared[k] > 0 {
				values, grads = append(values, r.params[shared[k]][k]), append(grads, r.dParams[shared[k]][k])
				continue
			}
			values, grads = append(values, converted[T](v)), append(grads, make([]T, len(v)))
		}
		r.params, r.dParams = append(r.params, values), append(r.dParams, grads)
		var maps, grad [][]T
		for b := range batch {
			maps = append(maps, make([]T, n.Nodes[i].Shape.Elems()))
			grad = append(grad, make([]T, n.Nodes[i].Shape.Elems()))
			if i == 0 {
				maps[b] = converted[T](batch[b])
			}
		}
		r.maps, r.grad = append(r.maps, maps), append(r.grad, grad)
	}
	return r
}

func converted[T float](v []float32) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// call is node i for image b.
func (r *network[T]) call(i, b int) *call[T] {
	nd := &r.net.Nodes[i]
	c := &call[T]{op: nd.Op, shapes: r.net.InShapes(i), out: nd.Shape, y: r.maps[i][b], dy: r.grad[i][b],
		params: r.params[i], dParams: r.dParams[i]}
	for _, j := range nd.Inputs {
		c.in, c.dIn = append(c.in, r.maps[j][b]), append(c.dIn, r.grad[j][b])
	}
	return c
}

// loss carries out the forward pass, with the statistics of the batch.
func (r *network[T]) loss() (loss float64) {
	for i := 1; i <= r.last; i++ {
		if op, ok := r.net.Nodes[i].Op.(*blocks.BatchNorm); ok {
			x := flat(r.maps[r.net.Nodes[i].Inputs[0]])
			y := make([]T, len(x))
			kernelstest.Norm(y, x, r.params[i][0], r.params[i][1], op.Eps())
			unflat(r.maps[i], y)
			continue
		}
		for b := range r.labels {
			r.call(i, b).forward()
		}
	}
	for b, label := range r.labels {
		l, _ := crossEntropy(r.grad[r.last][b], r.maps[r.last][b], label, r.smoothing, 1/float64(len(r.labels)))
		loss += l / float64(len(r.labels))
	}
	return loss
}

// gradients carries out both passes.
func (r *network[T]) gradients() (loss float64) {
	for i := range r.grad {
		for b := range r.grad[i] {
			clear(r.grad[i][b])
		}
		for k := range r.dParams[i] {
			clear(r.dParams[i][k])
		}
	}
	loss = r.loss()
	for i := r.last; i > 0; i-- {
		if op, ok := r.net.Nodes[i].Op.(*blocks.BatchNorm); ok {
			j := r.net.Nodes[i].Inputs[0]
			dx := flat(r.grad[j])
			kernelstest.NormBackward(dx, r.dParams[i][0], r.dParams[i][1], flat(r.grad[i]), flat(r.maps[j]),
				r.params[i][0], op.Eps())
			unflat(r.grad[j], dx)
			continue
		}
		for b := range r.labels {
			r.call(i, b).backward()
		}
	}
	return loss
}

// flat puts the maps of all images one behind the other, and unflat takes them apart.
func flat[T float](maps [][]T) (all []T) {
	for _, m := range maps {
		all = append(all, m...)
	}
	return all
}

func unflat[T float](maps [][]T, all []T) {
	for _, m := range maps {
		copy(m, all)
		all = all[len(m):]
	}
}

// apart is the distance of two vectors relative to the length of the second. A gradient that vanishes, such as that by
// a bias before a batch normalisation, is no more than rounding.
func apart[A, B float](got []A, want []B) float64 {
	var far, all float64
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		far, all = far+d*d, all+float64(v)*float64(v)
	}
	return math.Sqrt(far) / (math.Sqrt(all) + 1e-3)
}
