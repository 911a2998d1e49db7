package tflite

import (
	"fmt"

	"nas/blocks/kernels/integer"
)

func init() {
	for _, name := range []string{"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"} {
		executions[name] = runConv
	}
}

// runConv computes convolutions, and FULLY_CONNECTED as one over a column of pixels.
func runConv(e *execution, op *Operator) error {
	q, in, out, err := e.grids(op, 0)
	if err != nil {
		return err
	}
	weights, t, err := e.in(op, 1)
	if err != nil {
		return err
	}
	if len(t.Scale) == 0 || t.Data == nil {
		return fmt.Errorf("its weights are no constants with scales")
	}
	w := integer.Weights{Q: weights, Zero: int32(t.Zero[0]), Scale: t.Scale, In: 1}
	if len(op.Inputs) > 2 && op.Inputs[2] >= 0 {
		if w.Bias, _, err = e.in(op, 2); err != nil {
			return err
		}
	}
	s, err := e.layer(op, t.Dims, &w)
	if err != nil {
		return err
	}
	if w.Bias != nil && len(w.Bias) != s.OutC || len(w.Scale) != 1 && len(w.Scale) != s.OutC {
		return fmt.Errorf("%d scales and %d biases of %d channels", len(w.Scale), len(w.Bias), s.OutC)
	}
	if len(q) != s.H*s.W*s.C || len(e.ints[op.Outputs[0]]) != s.OutH*s.OutW*s.OutC {
		return fmt.Errorf("of %d values to %d", len(q), len(e.ints[op.Outputs[0]]))
	}
	integer.Conv(e.ints[op.Outputs[0]], q, s, w, in, out)
	return nil
}

// layer returns the geometry of a layer with weights of dims d, and says in w where they are.
func (e *execution) layer(op *Operator, d []int, w *integer.Weights) (s integer.Window, err error) {
	if op.Name == "FULLY_CONNECTED" {
		if len(d) != 2 || d[0] == 0 || d[1] == 0 {
			return s, fmt.Errorf("its weights are of %v, want O x I", short(d))
		}
		rows := e.m.Tensors[op.Inputs[0]].elems() / d[1]
		w.Out, w.Tap = d[1], d[1]
		return integer.Window{
			H:       rows,
			W:       1,
			C:       d[1],
			OutH:    rows,
			OutW:    1,
			OutC:    d[0],
			KH:      1,
			KW:      1,
			StrideH: 1,
			StrideW: 1,
			DilH:    1,
			DilW:    1,
			Groups:  1,
		}, nil
	}
	if len(d) != 4 || d[3] == 0 {
		return s, fmt.Errorf("its weights are of %v, want four dims", short(d))
	}
	if s, err = e.window(op, d[1], d[2]); err != nil {
		return s, err
	}
	outs := d[0]
	if op.Name == "CONV_2D" {
		w.Out, w.Tap = d[1]*d[2]*d[3], d[3]
		s.Groups = s.C / d[3]
	} else {
		w.Out, w.Tap = 1, d[3]
		s.Groups, outs = s.C, d[0]*d[3]
	}
	if s.OutC != outs || s.Groups == 0 || s.C%s.Groups != 0 || s.OutC%s.Groups != 0 ||
		op.Name == "CONV_2D" && s.C != s.Groups*d[3] || op.Name != "CONV_2D" && d[0] != 1 {
		return s, fmt.Errorf("%d channels to %d by weights of %v", s.C, s.OutC, short(d))
	}
	return s, nil
}
