package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// note keeps the first thing that was understood otherwise than the file has it.
func (r *decoder) note(format string, a ...any) {
	if len(r.m.Notes) == 0 {
		r.m.Notes = append(r.m.Notes, fmt.Sprintf(format, a...))
	}
}

// quantization reads scales and zero points.
func (r *decoder) quantization(x *Tensor, t table) error {
	q, ok, err := t.child(tensorQuantization)
	if err != nil || !ok {
		return err
	}
	if q.field(quantDetails) != 0 {
		return fmt.Errorf("in blocks or of a custom form")
	}
	scale, _, err := q.vector(quantScale, 4)
	if err != nil {
		return err
	}
	zero, _, err := q.vector(quantZero, 8)
	if err != nil {
		return err
	}
	axis, err := q.int(quantAxis, 0)
	if err != nil {
		return err
	}
	n := len(scale) / 4
	if n == 0 || x.Type == Float32 {
		return nil // minima and maxima only
	}
	if n == 1 && len(x.Dims) > 0 && (axis < 0 || int(axis) >= len(x.Dims)) {
		r.note(
			"tensor %.60q, and perhaps others, has one scale along axis %d of %v: read as that of the whole tensor; runtimes "+
				"refuse the file",
			x.Name,
			axis,
			short(x.Dims),
		)
	}
	if n > 1 && (axis < 0 || int(axis) >= len(x.Dims) || x.Dims[axis] != n) {
		// Old converters gave a bias the axis of its weights.
		at := slices.Index(x.Dims, n)
		if at < 0 || slices.Contains(x.Dims[at+1:], n) {
			return fmt.Errorf("%d scales along axis %d of %v", n, axis, short(x.Dims))
		}
		r.note(
			"tensor %.60q, and perhaps others, has %d scales along axis %d of %v: read along axis %d, as old converters "+
				"meant it; runtimes refuse the file",
			x.Name,
			n,
			axis,
			short(x.Dims),
			at,
		)
		axis = int32(at)
	}
	if len(zero) != 0 && len(zero) != 8*n {
		return fmt.Errorf("%d scales and %d zero points", n, len(zero)/8)
	}
	if err := t.d.charge(12 * n); err != nil {
		return err
	}
	x.Scale, x.Zero = make([]float32, n), make([]int64, n)
	for i := range n {
		x.Scale[i] = math.Float32frombits(binary.LittleEndian.Uint32(scale[4*i:]))
		if s := float64(x.Scale[i]); !(s > 0) || math.IsInf(s, 0) {
			return fmt.Errorf("scale %v", s)
		}
		if len(zero) > 0 {
			x.Zero[i] = int64(binary.LittleEndian.Uint64(zero[8*i:]))
		}
	}
	if n > 1 { // one scale has no axis; old converters wrote the axis of the weights
		x.Axis = int(axis)
	}
	return nil
}
