package tflite

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks/kernels/integer"
)

func init() {
	for _, name := range []string{"RESHAPE", "SQUEEZE", "EXPAND_DIMS"} {
		executions[name] = func(e *execution, op *Operator) error {
			return e.move(op, op.Inputs[0], func(i int) int { return i })
		}
	}
	executions["PAD"] = runPad
	executions["PADV2"] = runPad
	executions["CONCATENATION"] = runConcatenation
	executions["SLICE"] = runSlice
	executions["TRANSPOSE"] = runTranspose
	executions["GATHER"] = runGather
	executions["RESIZE_BILINEAR"] = runResize
	executions["RESIZE_NEAREST_NEIGHBOR"] = runResize
}

// move copies value at(i) of a tensor to value i of the output; -1 leaves what is there. Runtimes move integers as they
// are, even to a tensor of another grid.
func (e *execution) move(op *Operator, from int, at func(i int) int) error {
	q, _, err := e.in(op, slices.Index(op.Inputs, from))
	if err != nil {
		return err
	}
	dst := e.ints[op.Outputs[0]]
	for i := range dst {
		if k := at(i); k >= len(q) {
			return fmt.Errorf("reads value %d of %d", k, len(q))
		} else if k >= 0 {
			dst[i] = q[k]
		}
	}
	return nil
}

// unravel writes index i of a tensor of dims d as one index an axis.
func unravel(i int, d []int, at []int) {
	for k := len(d) - 1; k >= 0; k-- {
		at[k] = i % d[k]
		i /= d[k]
	}
}

// byAxes copies from in to out: f turns the output's index of each axis into the input's, and tells whether there is
// one.
func (e *execution) byAxes(op *Operator, f func(out, in []int) bool) error {
	d, o := e.m.Tensors[op.Inputs[0]].Dims, e.m.Tensors[op.Outputs[0]].Dims
	if len(d) != len(o) {
		return fmt.Errorf("of %v to %v", short(d), short(o))
	}
	from, to := make([]int, len(d)), make([]int, len(o))
	return e.move(op, op.Inputs[0], func(i int) int {
		unravel(i, o, to)
		if !f(to, from) {
			return -1
		}
		at := 0
		for k, x := range from {
			at = at*d[k] + x
		}
		return at
	})
}

func runPad(e *execution, op *Operator) error {
	_, in, out, err := e.grids(op, 0)
	if err != nil {
		return err
	}
	pads, err := e.list(op, 1)
	d := e.m.Tensors[op.Inputs[0]].Dims
	if err != nil || len(pads) != 2*len(d) {
		return fmt.Errorf("paddings %v of %v", pads, d)
	}
	with := in.Zero
	if op.Name == "PADV2" {
		q, _, err := e.in(op, 2)
		if err != nil || len(q) != 1 {
			return fmt.Errorf("its border must be one integer")
		}
		with = q[0]
	}
	if in != out {
		return fmt.Errorf("its output has another scale than its input")
	}
	dst := e.ints[op.Outputs[0]]
	for i := range dst {
		dst[i] = with
	}
	return e.byAxes(op, func(to, from []int) bool {
		for k := range from {
			if from[k] = to[k] - pads[2*k]; from[k] < 0 || from[k] >= d[k] {
				return false
			}
		}
		return true
	})
}

func runSlice(e *execution, op *Operator) error {
	begin, err := e.list(op, 1)
	if err != nil || len(begin) != len(e.m.Tensors[op.Inputs[0]].Dims) {
		return fmt.Errorf("begins %v", begin)
	}
	return e.byAxes(op, func(to, from []int) bool {
		for k := range from {
			from[k] = to[k] + begin[k]
		}
		return true
	})
}

func runTranspose(e *execution, op *Operator) error {
	perm, err := e.list(op, 1)
	for axis := range e.m.Tensors[op.Inputs[0]].Dims {
		if !slices.Contains(perm, axis) {
			err = errors.New("an axis is missing")
		}
	}
	if err != nil || len(perm) != len(e.m.Tensors[op.Inputs[0]].Dims) {
		return fmt.Errorf("axes %v", short(perm))
	}
	return e.byAxes(op, func(to, from []int) bool {
		for k, axis := range perm {
			from[axis] = to[k]
		}
		return true
	})
}

func runGather(e *execution, op *Operator) error {
	list, err := e.list(op, 1)
	axis := int(op.Options["axis"])
	d, o := e.m.Tensors[op.Inputs[0]].Dims, e.m.Tensors[op.Outputs[0]].Dims
	if err != nil || axis < 0 || axis >= len(d) || axis >= len(o) || len(list) != o[axis] ||
		slices.ContainsFunc(list, func(i int) bool { return i < 0 || i >= d[axis] }) {
		return fmt.Errorf("of %v to %v along axis %d", short(d), short(o), axis)
	}
	return e.byAxes(op, func(to, from []int) bool {
		copy(from, to)
		from[axis] = list[to[axis]]
		return true
	})
}

// runConcatenation puts inputs one after the other along an axis. An input of another grid is moved to the output's.
func runConcatenation(e *execution, op *Operator) error {
	o := e.m.Tensors[op.Outputs[0]].Dims
	axis := int(op.Options["axis"])
	if axis < 0 {
		axis += len(o)
	}
	if axis < 0 || axis >= len(o) {
		return fmt.Errorf("along axis %d of %v", axis, o)
	}
	inner, joined := 1, 0
	for _, d := range o[axis+1:] {
		inner *= d
	}
	for k, at := range op.Inputs {
		if at < 0 {
			return fmt.Errorf("input %d is missing", k)
		}
		d := e.m.Tensors[at].Dims
		if len(d) != len(o) || !slices.Equal(d[:axis], o[:axis]) || !slices.Equal(d[axis+1:], o[axis+1:]) {
			return fmt.Errorf("input %d is of %v, the output of %v", k, short(d), short(o))
		}
		joined += d[axis]
	}
	if joined != o[axis] {
		return fmt.Errorf("%d values along axis %d of %v", joined, axis, short(o))
	}
	dst, row, first := e.ints[op.Outputs[0]], o[axis]*inner, 0
	for k, at := range op.Inputs {
		q, in, out, err := e.grids(op, k)
		if err != nil {
			return err
		}
		if in != out {
			moved := make([]int32, len(q))
			integer.Rescale(moved, q, in, out)
			q = moved
		}
		n := e.m.Tensors[at].Dims[axis] * inner
		for i := 0; i*n < len(q); i++ {
			copy(dst[i*row+first:], q[i*n:][:n])
		}
		first += n
	}
	return nil
}

// runResize interpolates rows and columns of integers, as they are.
func runResize(e *execution, op *Operator) error {
	q, _, _, err := e.grids(op, 0)
	if err != nil {
		return err
	}
	d, o := e.m.Tensors[op.Inputs[0]].Dims, e.m.Tensors[op.Outputs[0]].Dims
	if len(d) != 4 || len(o) != 4 || d[0] != 1 || o[0] != 1 || d[3] != o[3] || len(q) == 0 {
		return fmt.Errorf("of %v to %v", short(d), short(o))
	}
	rows, columns := op.positions(o[1], d[1]), op.positions(o[2], d[2])
	c, dst := d[3], e.ints[op.Outputs[0]]
	pixel := func(y, x int) []int32 { return q[(y*d[2]+x)*c:][:c] }
	for y, r := range rows {
		for x, col := range columns {
			integer.Blend(dst[(y*o[2]+x)*c:][:c], pixel(r.low, col.low), pixel(r.low, col.high),
				pixel(r.high, col.low), pixel(r.high, col.high), col.share, r.share)
		}
	}
	return nil
}

// position is what an output position reads: two input positions and the share of the second.
type position struct {
	low, high int
	share     float64
}

// positions lists those of n output positions over m input positions.
func (op *Operator) positions(n, m int) []position {
	corners, half := op.Options["align_corners"] != 0, op.Options["half_pixel_centers"] != 0
	scale := float64(m) / float64(n)
	if corners && n > 1 {
		scale = float64(m-1) / float64(n-1)
	}
	list := make([]position, n)
	for i := range list {
		x := float64(i) * scale
		if op.Name == "RESIZE_NEAREST_NEIGHBOR" {
			if half {
				x = (float64(i) + 0.5) * scale
			} else if corners {
				x = math.Floor(x + 0.5)
			}
			at := min(int(x), m-1)
			list[i] = position{at, at, 0}
			continue
		}
		if half {
			x = (float64(i)+0.5)*scale - 0.5
		}
		x = min(max(x, 0), float64(m-1))
		low := int(x)
		list[i] = position{low, min(low+1, m-1), x - float64(low)}
	}
	return list
}
