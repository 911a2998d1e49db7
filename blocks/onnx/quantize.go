package onnx

import (
	"errors"
	"fmt"
	"math"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"QuantizeLinear": {
			attrs: "axis block_size=0 output_dtype precision* saturate*",
			in:    [2]int{2, 3},
			since: 10,
			fold:  foldQuantize,
			apply: readQuantize,
		},
		"DequantizeLinear": {
			attrs: "axis block_size=0 output_dtype*",
			in:    [2]int{2, 3},
			since: 10,
			fold:  foldDequantize,
			apply: readDequantize,
		},
	})
}

// ranges are the integer types of quantised tensors.
var ranges = map[int][2]int{
	elemInt8: {-128, 127}, elemUint8: {0, 255}, elemInt16: {-1 << 15, 1<<15 - 1}, elemUint16: {0, 1<<16 - 1},
	elemInt32: {math.MinInt32, math.MaxInt32},
}

// gridOf returns scale and zero point, where they are single numbers.
func (c call) gridOf() (grid, error) {
	g := grid{elem: elemUint8}
	if c.arg(1) == nil {
		return g, errors.New("it has no scale")
	}
	s, err := c.number(1, 0)
	if err != nil {
		return g, errors.New("its scale must be one constant number: this program reads one grid for an activation")
	}
	g.scale = s
	if z := c.arg(2); z != nil {
		if z.k == nil || z.k.len() != 1 || z.k.isFloat() {
			return g, errors.New("its zero point must be one constant integer")
		}
		g.zero, g.elem = int(z.k.i[0]), z.k.elem
	} else if t := c.intAttr("output_dtype", 0); t != 0 {
		g.elem = t
	}
	if _, ok := ranges[g.elem]; !ok {
		return g, fmt.Errorf("to element type %d", g.elem)
	}
	return g, nil
}

// readQuantize puts an activation on a grid; only DequantizeLinear may read it.
func readQuantize(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	g, err := c.gridOf()
	if err != nil {
		return nil, err
	}
	span := ranges[g.elem]
	out, err := r.each(&blocks.FakeQuant{Scale: g.scale, Zero: g.zero, Low: span[0], High: span[1]}, nil, v)
	if err != nil {
		return nil, err
	}
	w := *out
	w.quant = &g
	return []*value{&w}, nil
}

func readDequantize(_ *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	g, err := c.gridOf()
	if err != nil {
		return nil, err
	}
	if v.quant == nil {
		return nil, errors.New("of an activation that no QuantizeLinear made")
	}
	if c.arg(2) == nil {
		g.elem = v.quant.elem
	}
	if g != *v.quant {
		return nil, fmt.Errorf(
			"with scale %v and zero point %d of what was quantised with %v and %d",
			g.scale,
			g.zero,
			v.quant.scale,
			v.quant.zero,
		)
	}
	w := *v
	w.quant, w.done, w.laid = nil, nil, nil
	return []*value{&w}, nil
}

// perAxis returns, for each element of t, the index of its scale.
func (c call) perAxis(t, scale *tensor) (func(i int) int, error) {
	if scale.len() == 1 {
		return func(int) int { return 0 }, nil
	}
	axis, err := oneAxis(c.intAttr("axis", 1), len(t.dims))
	if err != nil {
		return nil, err
	}
	if len(scale.dims) != 1 || scale.dims[0] != t.dims[axis] {
		return nil, fmt.Errorf("with scales %v along axis %d of %v", short(scale.dims), axis, short(t.dims))
	}
	inner := 1
	for _, d := range t.dims[axis+1:] {
		inner *= d
	}
	return func(i int) int { return i / inner % t.dims[axis] }, nil
}

// quantised returns the three inputs of an operator on constants.
func (c call) quantised() (t, scale, zero *tensor, err error) {
	ts, err := c.constants()
	if err != nil {
		return nil, nil, nil, err
	}
	ts = append(ts, nil)
	if ts[0] == nil || ts[1] == nil || !ts[1].isFloat() || ts[1].len() < 1 {
		return nil, nil, nil, errors.New("its scale must be a constant")
	}
	if z := ts[2]; z != nil && (z.len() != ts[1].len() || z.isFloat()) {
		return nil, nil, nil, fmt.Errorf("with %d zero points for %d scales", z.len(), ts[1].len())
	}
	return ts[0], ts[1], ts[2], nil
}

// foldDequantize gives the floats that integer weights stand for.
func foldDequantize(r *reader, c call) ([]*value, error) {
	t, scale, zero, err := c.quantised()
	if err != nil {
		return nil, err
	}
	if t.isFloat() {
		return nil, errors.New("of floats")
	}
	of, err := c.perAxis(t, scale)
	if err != nil {
		return nil, err
	}
	out, err := r.make(elemFloat, t.dims)
	if err != nil {
		return nil, err
	}
	out.name = t.name
	r.scales = append(r.scales, scale.f...)
	for i, q := range t.i {
		k := of(i)
		if zero != nil {
			q -= zero.i[k]
		}
		out.f[i] = float32(q) * scale.f[k]
	}
	return folded(out), nil
}

func foldQuantize(r *reader, c call) ([]*value, error) {
	t, scale, zero, err := c.quantised()
	if err != nil {
		return nil, err
	}
	if !t.isFloat() {
		return nil, errors.New("of integers")
	}
	of, err := c.perAxis(t, scale)
	if err != nil {
		return nil, err
	}
	elem := elemUint8
	if zero != nil {
		elem = zero.elem
	} else if o := c.intAttr("output_dtype", 0); o != 0 {
		elem = o
	}
	span, ok := ranges[elem]
	if !ok {
		return nil, fmt.Errorf("to element type %d", elem)
	}
	out, err := r.make(elem, t.dims)
	if err != nil {
		return nil, err
	}
	for i, v := range t.f {
		k := of(i)
		q := math.RoundToEven(float64(v / scale.f[k]))
		if zero != nil {
			q += float64(zero.i[k])
		}
		out.i[i] = int64(min(max(q, float64(span[0])), float64(span[1])))
	}
	return folded(out), nil
}
