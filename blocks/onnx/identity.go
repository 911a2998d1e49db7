package onnx

import (
	"errors"
	"fmt"
)

// Operators that compute nothing.

func init() {
	register(map[string]spec{
		"Identity": {in: oneInput, fold: pass, apply: pass},
		"Dropout":  {attrs: "ratio* seed* is_test*", in: [2]int{1, 3}, fold: pass, apply: readDropout},
		"Cast":     {attrs: "to saturate*", in: oneInput, fold: foldCast, apply: readCast},
		"CastLike": {attrs: "saturate*", in: twoInputs, fold: foldCast},
	})
}

func pass(_ *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	return c.in[:1], nil
}

// readDropout passes inference on and refuses training.
func readDropout(_ *reader, c call) ([]*value, error) {
	if t := c.arg(2); t != nil {
		if t.k == nil || t.k.isFloat() || t.k.len() != 1 {
			return nil, errors.New("its training_mode must be a constant")
		}
		if t.k.i[0] != 0 {
			return nil, errors.New("its input training_mode is true: export the model for inference")
		}
	}
	return one(c.activation(0))
}

func readCast(r *reader, c call) ([]*value, error) {
	if to := c.intAttr("to", elemFloat); !floating(to) {
		return nil, fmt.Errorf("of an activation to element type %d", to)
	}
	return one(c.activation(0))
}
