package onnx

import (
	"fmt"
	"slices"
)

// call is an operator with its inputs; missing optional inputs are nil.
type call struct {
	*nodeProto
	in []*value
}

// arg returns input i, nil if it is missing.
func (c call) arg(i int) *value {
	if i >= 0 && i < len(c.in) {
		return c.in[i]
	}
	return nil
}

// activation returns input i, which must be one.
func (c call) activation(i int) (*value, error) {
	v := c.arg(i)
	switch {
	case v == nil:
		return nil, fmt.Errorf("input %d is missing", i)
	case v.k != nil:
		return nil, fmt.Errorf("input %d must be an activation", i)
	}
	return v, nil
}

// floats and ints return input i, which must be a constant of that kind.
func (c call) floats(i int) (*tensor, error) {
	v := c.arg(i)
	if v == nil || v.k == nil || v.k.f == nil {
		return nil, fmt.Errorf("input %d must be a constant of floats", i)
	}
	return v.k, nil
}

// number returns input i, a constant of one float, or missing.
func (c call) number(i int, missing float64) (float64, error) {
	if c.arg(i) == nil {
		return missing, nil
	}
	t, err := c.floats(i)
	if err != nil || len(t.f) != 1 {
		return 0, fmt.Errorf("input %d must be a constant number", i)
	}
	return float64(t.f[0]), nil
}

func (c call) ints(i int) ([]int, error) {
	v := c.arg(i)
	if v == nil || v.k == nil || v.k.f != nil || len(v.k.i) > 64 {
		return nil, fmt.Errorf("input %d must be a constant of at most 64 integers", i)
	}
	out := make([]int, len(v.k.i))
	for k, x := range v.k.i {
		out[k] = clampInt(uint64(x))
	}
	return out, nil
}

// intAttr, floatAttr, textAttr return an attribute or its default.
func (c call) intAttr(name string, missing int) int {
	if a, ok := c.attrs[name]; ok {
		return a.i
	}
	return missing
}

func (c call) floatAttr(name string, missing float64) float64 {
	if a, ok := c.attrs[name]; ok {
		return a.f
	}
	return missing
}

func (c call) textAttr(name, missing string) string {
	if a, ok := c.attrs[name]; ok {
		return a.s
	}
	return missing
}

// axes returns the axes of an operator that had them as an attribute before
// some opset and has them as input i since, counted from the front.
func (c call) axes(i, rank int) ([]int, error) {
	var axes []int
	if a, ok := c.attrs["axes"]; ok {
		axes = slices.Clone(a.ints)
	} else if c.arg(i) != nil {
		var err error
		if axes, err = c.ints(i); err != nil {
			return nil, err
		}
	}
	for k, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank {
			return nil, fmt.Errorf("axis %d of a tensor of rank %d", axes[k], rank)
		}
		axes[k] = a
	}
	slices.Sort(axes)
	return axes, nil
}

func one(v *value, err error) ([]*value, error) {
	if err != nil {
		return nil, err
	}
	return []*value{v}, nil
}
