package tflite

import (
	"fmt"
	"slices"

	"nas/blocks/kernels/integer"
)

// runPair computes operators of two inputs.
func runPair(e *execution, op *Operator) error {
	var ops [2]integer.Operand
	var out integer.Grid
	for k := range ops {
		q, in, o, err := e.grids(op, k)
		if err != nil {
			return err
		}
		from, to := e.m.Tensors[op.Inputs[k]].Dims, e.m.Tensors[op.Outputs[0]].Dims
		if !repeats(from, to) {
			return fmt.Errorf("input %d of %v is not repeated to %v", k, short(from), short(to))
		}
		out = o
		ops[k] = integer.Operand{Q: q, Grid: in, At: repeated(from, to)}
	}
	switch dst := e.ints[op.Outputs[0]]; op.Name {
	case "MUL":
		integer.Mul(dst, ops[0], ops[1], out)
	case "SUB":
		integer.Add(dst, ops[0], ops[1], -1, out)
	default:
		integer.Add(dst, ops[0], ops[1], 1, out)
	}
	return nil
}

// repeats tells whether dims d become those of the output by repeating extents of 1.
func repeats(d, out []int) bool {
	for k := range d {
		at := len(out) - len(d) + k
		if at < 0 || d[k] != 1 && d[k] != out[at] {
			return false
		}
	}
	return true
}

// repeated returns where value i of an output is in an operand of dims d, whose extents of 1 are repeated.
func repeated(d, out []int) func(i int) int {
	size, ends := 1, len(d) // where d ends as the output does
	for ends > 0 && d[ends-1] == out[len(out)-len(d)+ends-1] {
		ends--
		size *= d[ends]
	}
	if !slices.ContainsFunc(d[:ends], func(n int) bool { return n != 1 }) {
		if !slices.ContainsFunc(out[:len(out)-len(d)+ends], func(n int) bool { return n != 1 }) {
			return func(i int) int { return i }
		}
		return func(i int) int { return i % size }
	}
	steps := make([]int, len(out))
	step := 1
	for k := len(d) - 1; k >= 0; k-- {
		if d[k] > 1 {
			steps[len(out)-len(d)+k] = step
		}
		step *= d[k]
	}
	return func(i int) int {
		at := 0
		for k := len(out) - 1; k >= 0; k-- {
			at += i % out[k] * steps[k]
			i /= out[k]
		}
		return at
	}
}
