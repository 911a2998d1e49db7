package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lowerPlain("matmul", false, false, nil)
	routines["matmul"] = &routine{make: makeMatMul, second: givenShape, macs: func(u *Unit) int64 {
		return int64(u.Out.Elems()) * int64(u.In.C)
	}}
}

func givenShape(u *Unit) blocks.Shape { return u.Second }

// matmulRun multiplies the matrices of each row of two maps. The second one is packed
// like the weights of a pointwise convolution. Threads divide the rows of the products
// among them; where two parts share a product, both pack its second matrix.
type matmulRun struct {
	set       *kernels.Set
	dst, a, b *tensor
	images    int
	h, w      int            // products of an image and their rows
	shape     kernels.Conv   // of one product
	parts     []kernels.Conv // the same for each thread, with its number of rows
	bias      []float32      // zeros
}

func makeMatMul(b *binding) (runner, need) {
	x, y := b.src[0], b.src[1]
	r := &matmulRun{set: b.set, dst: b.dst, a: x, b: y, images: b.unit.Batch, h: b.dst.H, w: x.W,
		shape: pointwise(1, 1, x.C, y.C)}
	if y.H == 1 { // one matrix serves all rows
		r.h, r.w = 1, x.H*x.W
	}
	r.parts = make([]kernels.Conv, b.target.Threads)
	r.bias = kernels.Alloc(r.shape.BiasLen())
	return r, need{Need: b.set.ConvNeed(&r.shape), floats: r.shape.PackedLen()}
}

func (r *matmulRun) maxParts() int {
	n := r.images * r.h * r.w
	return min(n, maxParts(int64(n)*r.shape.MACs()))
}

func (r *matmulRun) run(part, parts int, th *thread) {
	g := &r.parts[th.index]
	*g = r.shape
	packed := th.buf[:g.PackedLen()]
	last := -1
	for from, to := cut(r.images*r.h*r.w, part, parts); from < to; {
		y := from / r.w // over all images
		n := min(to, (y+1)*r.w) - from
		k, yb := y/r.h, min(y%r.h, r.b.H-1)
		if m := k*r.b.H + yb; m != last {
			g.Pack(packed, r.b.data[m*r.b.W*r.b.C:][:r.b.W*r.b.C])
			last = m
		}
		row := from
		if r.a.H == 1 { // the first matrix serves all rows
			row = k*r.w + from%r.w
		}
		a := r.a.data[row*g.C:]
		g.W, g.OW = n, n
		r.set.Conv(g, packed, r.bias, kernels.Dense(r.dst.data[from*g.N:], 1, n, g.N), kernels.Dense(a, 1, n, g.C),
			kernels.Epilogue{}, kernels.Range{Y0: 0, Y1: 1, N0: 0, N1: g.N}, th.scratch)
		from += n
	}
}
