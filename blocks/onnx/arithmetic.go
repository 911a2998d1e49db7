package onnx

import (
	"errors"
	"fmt"
	"slices"

	"nas/blocks"
)

// pair returns the two inputs of an operator, an activation first, and whether they were swapped
// for that.
func (c call) pair() (x, y *value, swapped bool, err error) {
	x, y = c.arg(0), c.arg(1)
	if x == nil || y == nil || len(c.in) != 2 {
		return nil, nil, false, errors.New("it takes two inputs")
	}
	if x.k != nil {
		x, y, swapped = y, x, true
	}
	if x.k != nil || (y.k != nil && y.k.f == nil) {
		return nil, nil, false, errors.New("of constants that this program does not fold")
	}
	return x, y, swapped, nil
}

// perChannel returns the constant as one number for each channel, or a single
// number. Its dims must be 1 but for the channels'.
func perChannel(v *value, t *tensor) ([]float32, error) {
	if len(t.f) == 1 {
		return t.f, nil
	}
	axis := len(t.dims) - len(v.dims) + 1 // of the channels, when aligned at the end
	if v.view == asMap && len(v.dims) > 1 && axis >= 0 && axis < len(t.dims) && t.dims[axis] == v.dims[1] &&
		len(t.f) == v.dims[1] {
		return t.f, nil
	}
	return nil, fmt.Errorf("with a constant %v over %s %v", short(t.dims), viewNames[v.view], short(v.dims))
}

// times and shifted apply a constant to an activation.
func (r *reader) times(v *value, t *tensor, invert bool) (*value, error) {
	k, err := perChannel(v, t)
	if err != nil {
		return nil, err
	}
	of := func(x float32) float64 {
		if invert {
			return 1 / float64(x)
		}
		return float64(x)
	}
	if len(k) == 1 {
		return r.affine(v, of(k[0]), 0)
	}
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	if err := r.charge(8 * len(k)); err != nil {
		return nil, err
	}
	scale := make([]float32, len(k))
	for i, x := range k {
		scale[i] = float32(of(x))
	}
	return r.scaleShift(v, scale, make([]float32, len(k)))
}

func (r *reader) shifted(v *value, t *tensor, sign float64) (*value, error) {
	k, err := perChannel(v, t)
	if err != nil {
		return nil, err
	}
	if len(k) == 1 {
		return r.affine(v, 1, sign*float64(k[0]))
	}
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	if err := r.charge(8 * len(k)); err != nil {
		return nil, err
	}
	scale, shift := make([]float32, len(k)), make([]float32, len(k))
	for i, x := range k {
		scale[i], shift[i] = 1, float32(sign*float64(x))
	}
	return r.scaleShift(v, scale, shift)
}

// both returns two activations as outputs of nodes, with the same view and rank.
func (r *reader) both(x, y *value) (*value, *value, error) {
	if x.view != y.view || len(x.dims) != len(y.dims) {
		return nil, nil, fmt.Errorf("of %s %v and %s %v", viewNames[x.view], short(x.dims), viewNames[y.view], short(y.dims))
	}
	x, err := r.plain(x)
	if err != nil {
		return nil, nil, err
	}
	y, err = r.plain(y)
	return x, y, err
}

func (r *reader) sum(x, y *value) ([]*value, error) {
	x, y, err := r.both(x, y)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(x.dims, y.dims) {
		return nil, fmt.Errorf("of %v and %v: sums are read of equal shapes only", short(x.dims), short(y.dims))
	}
	out, err := r.add("", &blocks.Add{}, nil, x, y)
	return one(like(out, x, err))
}

func readAdd(r *reader, c call) ([]*value, error) {
	x, y, _, err := c.pair()
	if err != nil {
		return nil, err
	}
	if y.k != nil {
		return one(r.shifted(x, y.k, 1))
	}
	return r.sum(x, y)
}

func readSub(r *reader, c call) ([]*value, error) {
	x, y, swapped, err := c.pair()
	if err != nil {
		return nil, err
	}
	switch {
	case swapped: // constant - x
		if x, err = r.affine(x, -1, 0); err != nil {
			return nil, err
		}
		return one(r.shifted(x, y.k, 1))
	case y.k != nil:
		return one(r.shifted(x, y.k, -1))
	}
	if y, err = r.affine(y, -1, 0); err != nil {
		return nil, err
	}
	return r.sum(x, y)
}

func readDiv(r *reader, c call) ([]*value, error) {
	x, y, swapped, err := c.pair()
	if err != nil {
		return nil, err
	}
	if swapped || y.k == nil {
		return nil, errors.New("by an activation")
	}
	return one(r.times(x, y.k, true))
}

func readMul(r *reader, c call) ([]*value, error) {
	x, y, _, err := c.pair()
	if err != nil {
		return nil, err
	}
	if y.k != nil {
		return one(r.times(x, y.k, false))
	}
	alike := x.view == y.view && slices.Equal(x.dims, y.dims)
	if !alike && (x.view != asMap || y.view != asMap) {
		return nil, fmt.Errorf("of %s %v and %s %v", viewNames[x.view], short(x.dims), viewNames[y.view], short(y.dims))
	}
	// x * min(max(x+3, 0), 6) and x * sigmoid(x), either way round.
	for range 2 {
		if alike && x.isPlain() && y.gate && y.b == 0 && y.pad == (blocks.Pad{}) && x.node == y.node {
			out, err := r.add("", &blocks.Activation{Func: blocks.HSwish}, nil, x)
			if out, err = like(out, x, err); err != nil {
				return nil, err
			}
			a := 6 * y.a
			if a > 1-1e-6 && a < 1+1e-6 {
				a = 1
			}
			return one(r.affine(out, a, 0))
		}
		if alike && x.isPlain() && y.isPlain() {
			nd := r.nodes[y.node]
			if a, ok := nd.Op.(*blocks.Activation); ok && a.Func == blocks.Sigmoid && nd.Inputs[0] == x.node {
				out, err := r.add("", &blocks.Activation{Func: blocks.Swish}, nil, x)
				return one(like(out, x, err))
			}
		}
		x, y = y, x
	}
	if x, y, err = r.both(x, y); err != nil {
		return nil, err
	}
	if r.nodes[x.node].Shape.Elems() < r.nodes[y.node].Shape.Elems() {
		x, y = y, x // what is repeated comes second
	}
	out, err := r.add("", &blocks.Mul{}, nil, x, y)
	return one(like(out, x, err))
}
