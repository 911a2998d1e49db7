package kernels

// vecOp names an elementwise kernel.
type vecOp uint8

const (
	vecAdd    vecOp = iota // d = clamp(a + b)
	vecMul                 // d = clamp(a * b)
	vecScale               // d = a * b, b one value a channel
	vecAffine              // d = clamp(fma(a, b, c)), b and c one value a channel
	vecClamp               // d = clamp(a)
	vecHSwish              // d = f(a) ...
	vecHSigmoid
	vecSwish
	vecSigmoid
	vecExp   // d = exp(a - lo)
	vecSum   // d[c] += a, over the rows
	vecSqDev // d[c] += (a - b)^2, over the rows
	vecErf   // d = f(a) ...
	vecTanh
	vecGELU
	vecPReLU // d = max(a, 0) + b*min(a, 0), b one value a channel
	vecGrid  // d = round(clamp(a / b)) * b, b one value a channel
	vecGate  // d = b where lo < a < hi, else 0
	vecDot   // d[c] += a * (b - c), over the rows of a and b
	// d = b times the derivative of the activation at a ...
	vecHSwishSlope
	vecHSigmoidSlope
	vecSwishSlope
	vecSigmoidSlope
	numVec
)

var vecNames = [numVec]string{
	"add", "mul", "scale", "affine", "clamp", "hswish", "hsigmoid", "swish", "sigmoid", "exp", "sum", "sqdev",
	"erf", "tanh", "gelu", "prelu", "grid", "gate", "dot", "hswishslope", "hsigmoidslope", "swishslope", "sigmoidslope",
}

// vecArgs is the argument of the elementwise kernels; the assembly knows the
// offsets. They run over rows (pixels) of n floats (channels):
//
//	for r := range rows {
//		for i := range n {
//			d[r][i] = f(a[r][i], b[r][i], c[i])
//		}
//	}
//
// A distance of zero repeats a row: that is how one value a channel is given,
// and how a sum over pixels is kept in one row of d.
type vecArgs struct {
	d, a, b, c *float32
	ds, as, bs uintptr // bytes from row to row
	rows       int
	n          int
	tail       *[8]int32 // avx2: lanes of the last vector, if n%8 > 0
	mask       uint64    // avx512: the same, if n%16 > 0
	lo, hi     float32

	cd, ca, cb, crow uintptr // copies of d, a, b and rows that the assembly changes
}

// assign gives rows of n floats to a kernel, as one long row if they adjoin.
func (v *vecArgs) assign(d *float32, ds int, a *float32, as int, b *float32, bs int, rows, n int) {
	if ds == n && as == n && (bs == n || b == nil) {
		n, rows = n*rows, 1
	}
	v.assignRows(d, ds, a, as, b, bs, rows, n)
}

func (v *vecArgs) assignRows(d *float32, ds int, a *float32, as int, b *float32, bs int, rows, n int) {
	v.d, v.a, v.b, v.c = d, a, b, nil
	v.ds, v.as, v.bs = uintptr(ds)*4, uintptr(as)*4, uintptr(bs)*4
	v.rows, v.n = rows, n
	v.tail = &tails[n%8]
	v.mask = 1<<uint(n%16) - 1
}

var actVec = [numActs]vecOp{
	ReLU: vecClamp, ReLU6: vecClamp, HSwish: vecHSwish, HSigmoid: vecHSigmoid, Swish: vecSwish, Sigmoid: vecSigmoid,
	Erf: vecErf, Tanh: vecTanh, GELU: vecGELU,
}

// finish applies an activation that is no clamp to rows y0 to y1 of dst.
func (s *Set) finish(ep *Epilogue, dst *View, y0, y1, w, n0, n1 int, sc *Scratch) {
	if _, _, rest := ep.Act.clamp(); !rest {
		return
	}
	if dst.flat(w, y0, y1) {
		s.finishRun(ep, dst, y0, 0, (y1-y0)*w, n0, n1, sc)
		return
	}
	for y := y0; y < y1; y++ {
		s.finishRun(ep, dst, y, 0, w, n0, n1, sc)
	}
}

// finishRun applies it to m pixels from pixel x of row y on.
func (s *Set) finishRun(ep *Epilogue, dst *View, y, x, m, n0, n1 int, sc *Scratch) {
	if _, _, rest := ep.Act.clamp(); !rest {
		return
	}
	v := &sc.vec
	d := at(dst.base(y), x*dst.Pix+n0)
	v.assign(d, dst.Pix, d, dst.Pix, nil, 0, m, n1-n0)
	s.vec[actVec[ep.Act]](v)
}
