package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Add": {
			attrs: "axis broadcast",
			in:    twoInputs,
			fold:  elementwise(over(plusOf), wrap(func(a, b int64) int64 { return a + b })),
			apply: readAdd,
		},
		"Sub": {
			attrs: "axis broadcast",
			in:    twoInputs,
			fold:  elementwise(over(minusOf), wrap(func(a, b int64) int64 { return a - b })),
			apply: readSub,
		},
		"Mul": {
			attrs: "axis broadcast",
			in:    twoInputs,
			fold:  elementwise(over(timesOf), wrap(func(a, b int64) int64 { return a * b })),
			apply: readMul,
		},
		"Div": {
			attrs: "axis broadcast",
			in:    twoInputs,
			fold:  elementwise(over(func(a, b float64) float64 { return a / b }), quotient),
			apply: readDiv,
		},
		"Pow": {attrs: "axis broadcast", in: twoInputs, fold: elementwise(over(math.Pow), power), apply: readPow},
		"Min": {
			in:    anyInputs,
			fold:  elementwise(over(math.Min), wrap(func(a, b int64) int64 { return min(a, b) })),
			apply: readMinMax("min"),
		},
		"Max": {
			in:    anyInputs,
			fold:  elementwise(over(math.Max), wrap(func(a, b int64) int64 { return max(a, b) })),
			apply: readMinMax("max"),
		},
		"Sum": {
			in:    anyInputs,
			fold:  elementwise(over(plusOf), wrap(func(a, b int64) int64 { return a + b })),
			apply: readSum,
		},
		"Mean": {
			in:    anyInputs,
			fold:  elementwise(func(x []float64) float64 { return over(plusOf)(x) / float64(len(x)) }, nil),
			apply: readMean,
		},
	})
}

// Functions of two tensors, of which at least one is an activation.

// constant makes a constant of the file an activation that depends on nothing.
func (r *reader) constant(t *tensor) (*value, error) {
	if len(t.f) == 0 {
		return nil, errors.New("of a constant of integers, or an empty one")
	}
	order := make([]int, len(t.dims))
	for i := range order {
		order[i] = i
	}
	h, w, c := asShape(order)
	extent := func(l []int) int {
		n := 1
		for _, k := range l {
			n *= t.dims[k]
		}
		return n
	}
	r.sources = []string{t.name}
	node, err := r.add(
		"constant",
		&blocks.Constant{Shape: blocks.Shape{H: extent(h), W: extent(w), C: extent(c)}},
		[][]float32{t.f},
		0,
	)
	if err != nil {
		return nil, err
	}
	return &value{node: node, axes: dense(t.dims, order), a: 1}, nil
}

// alignOld gives the second input of an operator before opset 7 the axes that its
// attributes name.
func (c call) alignOld() error {
	if c.intAttr("broadcast", 0) == 0 && c.attrs["axis"].i == 0 {
		return nil
	}
	return errors.New(
		"it repeats its second input by attributes of opset 6 and before: convert the model to a newer opset",
	)
}

// operands returns both inputs, an activation first, and whether they were
// swapped for that.
func (c call) operands() (x, y *value, swapped bool, err error) {
	if err := c.alignOld(); err != nil {
		return nil, nil, false, err
	}
	x, y = c.arg(0), c.arg(1)
	if x == nil || y == nil {
		return nil, nil, false, errors.New("it takes two inputs")
	}
	if x.k != nil {
		x, y, swapped = y, x, true
	}
	if y.k != nil && y.k.f == nil {
		return nil, nil, false, errors.New("of an activation and integers")
	}
	return x, y, swapped, nil
}

// perChannel returns a constant operand of v as one number for each of the last
// extents (channels) of v's node, or as a single number; nil where it is neither.
func (r *reader) perChannel(v *value, t *tensor) []float32 {
	rank := v.rank()
	if len(t.f) == 1 && len(t.dims) <= rank {
		return t.f
	}
	lead := rank - len(t.dims)
	if lead < 0 || v.pads != nil || v.quant != nil || v.from != 0 || !r.whole(v) {
		return nil
	}
	c := r.nodes[v.node].Shape.C
	for k, n := range t.dims {
		if n == 1 {
			continue
		}
		a := v.axes[lead+k]
		if n != len(t.f) || n != c || len(a) != 1 || a[0] != (blocks.Stride{N: c, Step: 1}) {
			return nil
		}
	}
	return t.f
}

// factors applies x*scale + shift with constants, of which one is nil for none.
func (r *reader) factors(v *value, scale, shift *tensor, sign float64, invert bool) (*value, bool, error) {
	t := scale
	if t == nil {
		t = shift
	}
	k := r.perChannel(v, t)
	if k == nil {
		return nil, false, nil
	}
	of := func(x float32) float64 {
		if invert {
			return 1 / float64(x)
		}
		return sign * float64(x)
	}
	if len(k) == 1 {
		if scale != nil {
			v, err := r.affine(v, of(k[0]), 0)
			return v, true, err
		}
		v, err := r.affine(v, 1, of(k[0]))
		return v, true, err
	}
	factor, err := r.filled(len(k), 0)
	if err != nil {
		return nil, true, err
	}
	for i, x := range k {
		factor[i] = float32(of(x))
	}
	if v, err = r.settled(v); err != nil {
		return nil, true, err
	}
	r.sources = []string{t.name}
	v, err = r.each(&blocks.Affine{Scale: 1, Scales: scale != nil, Shifts: shift != nil}, [][]float32{factor}, v)
	return v, true, err
}

// binary applies f to two tensors, each times a factor, repeated to a common shape.
func (r *reader) binary(f blocks.BinaryFunc, x, y *value, sx, sy float64) ([]*value, error) {
	var err error
	for _, p := range []struct {
		v      **value
		factor float64
	}{{&x, sx}, {&y, sy}} {
		if (*p.v).k != nil {
			if *p.v, err = r.constant((*p.v).k); err != nil {
				return nil, err
			}
		}
		if p.factor != 1 {
			if *p.v, err = r.affine(*p.v, p.factor, 0); err != nil {
				return nil, err
			}
		}
		if *p.v, err = r.plain(*p.v); err != nil {
			return nil, err
		}
	}
	to, err := broadcastDims(x.extents(), y.extents())
	if err != nil {
		return nil, err
	}
	batch := x.batch()
	if batch == nil {
		batch = y.batch()
	}
	// The layout is that of the tensor that is not repeated, the first where both are.
	lead, other, swapped := x, y, false
	if !slices.Equal(x.extents(), to) && slices.Equal(y.extents(), to) {
		lead, other, swapped = y, x, true
	}
	if batch != nil && lead.batch() == nil {
		return nil, errBatch
	}
	if lead, err = r.stretched(lead, to); err != nil {
		return nil, err
	}
	if lead, err = r.settled(lead); err != nil {
		return nil, err
	}
	lead, match, err := r.matched(lead, other, to)
	if err != nil {
		return nil, err
	}
	inputs := []int{lead.node, match}
	if swapped && f != "mul" && f != "add" {
		slices.Reverse(inputs)
	}
	node, err := r.add("", pairOp(f, r.nodes[lead.node].Shape, r.nodes[match].Shape), nil, inputs...)
	if err != nil {
		return nil, err
	}
	return []*value{{node: node, axes: lead.axes, a: 1}}, nil
}

// pairOp is the op for a lead of shape s and another of shape t.
func pairOp(f blocks.BinaryFunc, s, t blocks.Shape) blocks.Op {
	switch {
	case f == "add" && s == t:
		return &blocks.Add{}
	case f == "mul" && (s == t || t == blocks.Shape{H: 1, W: 1, C: s.C}),
		f == "mul" && !s.IsVector() && t == blocks.Shape{H: s.H, W: s.W, C: 1}:
		return &blocks.Mul{}
	}
	return &blocks.Binary{Func: f}
}

// matched lays a tensor out as lead lies, or as parts of it that are repeated. It
// returns lead, which may have to be laid out anew for that, and the other's node.
func (r *reader) matched(lead, other *value, to []int) (*value, int, error) {
	shift := len(to) - other.rank()
	batched := len(lead.axes) > 0 && lead.axes[0].batched()
	repeats := func(k int) bool {
		i := k - shift
		return i < 0 || other.axes[i].extent() == 1
	}
	groups, ok := r.groups(lead)
	for _, l := range groups {
		n := 0
		for _, k := range l {
			if repeats(k) {
				n++
			}
		}
		ok = ok && (n == 0 || n == len(l))
	}
	if b := other.batch(); b != nil && (!batched || shift != 0) {
		return nil, 0, errBatch
	}
	if batched && shift == 0 && other.batch() == nil && other.axes[0].extent() != 1 {
		return nil, 0, errBatch
	}
	if !ok {
		// As the lead lies, whatever that takes.
		full := slices.Clone(to)
		if batched && other.batch() == nil {
			full[0] /= lead.axes[0][0].N
		}
		all, err := r.stretched(other, full)
		if err != nil {
			return nil, 0, err
		}
		h, w, c := asShape(lead.order())
		if all, err = r.lay(all, h, w, c); err != nil {
			return nil, 0, err
		}
		lead, err = r.lay(lead, h, w, c)
		return lead, all.node, err
	}
	var nests [3]axis
	for g, l := range groups {
		for _, k := range l {
			if repeats(k) {
				continue
			}
			a := other.axes[k-shift]
			if k == 0 && a.batched() { // as the lead's is
				a = a[1:]
			}
			nests[g] = append(nests[g], a...)
		}
		nests[g] = join(nests[g])
	}
	node, err := r.rearrange(other, nests)
	return lead, node, err
}

// groups lists the axes that make up height, width and channels of v's node,
// outermost first; it fails where an axis lies across two of them.
func (r *reader) groups(v *value) (groups [3][]int, ok bool) {
	s := r.nodes[v.node].Shape
	starts := [3]int{s.W * s.C, s.C, 1}
	ends := [3]int{s.Elems(), s.W * s.C, s.C}
	for _, k := range v.order() {
		a := v.axes[k]
		if k == 0 && a.batched() {
			a = a[1:]
		}
		if len(a) == 0 {
			continue
		}
		if len(a) > 1 {
			return groups, false
		}
		g := 0
		for g < 3 && (a[0].Step < starts[g] || a[0].Step*a[0].N > ends[g]) {
			g++
		}
		if g == 3 {
			return groups, false
		}
		groups[g] = append(groups[g], k)
	}
	return groups, true
}

func readAdd(r *reader, c call) ([]*value, error) {
	x, y, _, err := c.operands()
	if err != nil {
		return nil, err
	}
	if y.k != nil {
		if v, ok, err := r.factors(x, nil, y.k, 1, false); ok {
			return one(v, err)
		}
	}
	return r.binary("add", c.in[0], c.in[1], 1, 1)
}

func readSub(r *reader, c call) ([]*value, error) {
	x, y, swapped, err := c.operands()
	if err != nil {
		return nil, err
	}
	if y.k != nil {
		sign := -1.
		if swapped { // constant - x
			if x, err = r.affine(x, -1, 0); err != nil {
				return nil, err
			}
			sign = 1
		}
		if v, ok, err := r.factors(x, nil, y.k, sign, false); ok {
			return one(v, err)
		}
	}
	if c.in[1].k == nil && c.in[1].scaled() {
		return r.binary("add", c.in[0], c.in[1], 1, -1)
	}
	return r.binary("sub", c.in[0], c.in[1], 1, 1)
}

func readDiv(r *reader, c call) ([]*value, error) {
	x, y, swapped, err := c.operands()
	if err != nil {
		return nil, err
	}
	switch {
	case y.k != nil && !swapped:
		if v, ok, err := r.factors(x, y.k, nil, 1, true); ok {
			return one(v, err)
		}
	case x.k == nil && y.k == nil:
		v, err := r.standardised(x, y)
		if v != nil || err != nil {
			return one(v, err)
		}
	case y.k != nil && len(y.k.f) == 1 && len(y.k.dims) <= x.rank():
		v, err := r.each(&blocks.Unary{Func: "reciprocal"}, nil, x)
		if err != nil {
			return nil, err
		}
		return one(r.affine(v, float64(y.k.f[0]), 0))
	}
	return r.binary("div", c.in[0], c.in[1], 1, 1)
}

func readPow(r *reader, c call) ([]*value, error) {
	x, y, swapped, err := c.operands()
	if err != nil {
		if c.arg(1) == nil || c.arg(1).k == nil || c.arg(0) == nil || c.arg(0).k != nil {
			return nil, err
		}
		// The exponent may be an integer.
		v, err := r.cast(c.arg(1).k, elemFloat)
		if err != nil {
			return nil, err
		}
		x, y = c.arg(0), v[0]
	}
	if y.k != nil && !swapped && len(y.k.f) == 1 && len(y.k.dims) <= x.rank() {
		switch y.k.f[0] {
		case 1:
			return []*value{x}, nil
		case 0.5:
			return one(r.each(&blocks.Unary{Func: "sqrt"}, nil, x))
		case 2:
			return r.binary("mul", x, x, 1, 1)
		}
	}
	if swapped {
		x, y = y, x
	}
	return r.binary("pow", x, y, 1, 1)
}

// folding applies f from left to right.
func (r *reader) folding(f blocks.BinaryFunc, c call) (*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("an input is missing")
	}
	acc := c.in[0]
	for _, v := range c.in[1:] {
		if v == nil {
			return nil, errors.New("an input is missing")
		}
		if acc.k != nil && v.k != nil {
			return nil, errors.New("of constants before an activation")
		}
		out, err := r.binary(f, acc, v, 1, 1)
		if err != nil {
			return nil, err
		}
		acc = out[0]
	}
	return acc, nil
}

func readMinMax(f blocks.BinaryFunc) apply {
	return func(r *reader, c call) ([]*value, error) {
		if len(c.in) == 2 {
			// A limit that is one number is what Clip does.
			if x, y, _, err := c.operands(); err == nil && y.k != nil && len(y.k.f) == 1 && len(y.k.dims) <= x.rank() {
				v, err := r.limited(x, f, float64(y.k.f[0]))
				return one(v, err)
			}
		}
		return one(r.folding(f, c))
	}
}

// limited is min or max of x and a number.
func (r *reader) limited(x *value, f blocks.BinaryFunc, limit float64) (*value, error) {
	if math.IsNaN(limit) || math.IsInf(limit, 0) {
		return nil, fmt.Errorf("with %v", limit)
	}
	if f == "min" {
		return r.each(&blocks.Unary{Func: "at_most", Alpha: limit}, nil, x)
	}
	if limit == 0 {
		return r.each(&blocks.Activation{Func: blocks.ReLU}, nil, x)
	}
	return r.each(&blocks.Unary{Func: "at_least", Alpha: limit}, nil, x)
}

func readSum(r *reader, c call) ([]*value, error) { return one(r.folding("add", c)) }

func readMean(r *reader, c call) ([]*value, error) {
	v, err := r.folding("add", c)
	if err != nil {
		return nil, err
	}
	return one(r.affine(v, 1/float64(len(c.in)), 0))
}

func readMul(r *reader, c call) ([]*value, error) {
	x, y, _, err := c.operands()
	if err != nil {
		return nil, err
	}
	if y.k != nil {
		if v, ok, err := r.factors(x, y.k, nil, 1, false); ok {
			return one(v, err)
		}
		return r.binary("mul", c.in[0], c.in[1], 1, 1)
	}
	// x * min(max(x+3, 0), 6), x * sigmoid(x) and their kin, either way round.
	for range 2 {
		if v, err := r.gated(x, y); v != nil || err != nil {
			return one(v, err)
		}
		x, y = y, x
	}
	return r.binary("mul", x, y, 1, 1)
}

// sameView tells whether two tensors are the same view of their nodes.
func sameView(x, y *value) bool {
	return x.from == y.from && slices.EqualFunc(x.axes, y.axes, func(a, b axis) bool { return slices.Equal(a, b) })
}

// gated returns x times a gate y of x as one activation, nil where y is no gate
// of x that has one.
func (r *reader) gated(x, y *value) (*value, error) {
	if !sameView(x, y) || x.pads != nil || y.pads != nil || x.gate || x.quant != nil || y.quant != nil || x.b != 0 ||
		x.a == 0 {
		return nil, nil
	}
	base := *x
	base.a, base.done, base.laid = 1, nil, nil
	if y.gate {
		if y.b != 0 || x.node != y.node || x.a != 1 {
			return nil, nil
		}
		out, err := r.each(&blocks.Activation{Func: blocks.HSwish}, nil, x)
		if err != nil {
			return nil, err
		}
		a := 6 * y.a
		if a > 1-1e-6 && a < 1+1e-6 {
			a = 1
		}
		return r.affine(out, a, 0)
	}
	nd := r.nodes[y.node]
	switch op := nd.Op.(type) {
	case *blocks.Activation:
		if op.Func == blocks.Sigmoid && nd.Inputs[0] == x.node && y.isPlain() {
			return r.scaledBy(&blocks.Activation{Func: blocks.Swish}, &base, x.a)
		}
	case *blocks.Unary:
		in := r.under(&value{node: nd.Inputs[0], axes: x.axes, from: x.from, a: 1})
		switch {
		case op.Func == "erf" && in.node == x.node && math.Abs(in.a-1/math.Sqrt2) < 1e-6 && in.b == 0 &&
			y.a == y.b && y.a != 0:
			return r.scaledBy(&blocks.Unary{Func: "gelu"}, &base, 2*y.a*x.a)
		case op.Func == "tanh" && y.isPlain():
			soft, ok := r.nodes[in.node].Op.(*blocks.Unary)
			if ok && soft.Func == "softplus" && in.isPlain() && r.nodes[in.node].Inputs[0] == x.node {
				return r.scaledBy(&blocks.Unary{Func: "mish"}, &base, x.a)
			}
		}
	}
	return nil, nil
}

// scaledBy appends an op on x and multiplies the result by a.
func (r *reader) scaledBy(op blocks.Op, x *value, a float64) (*value, error) {
	out, err := r.each(op, nil, x)
	if err != nil {
		return nil, err
	}
	return r.affine(out, a, 0)
}
