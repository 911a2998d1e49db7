package tflite

import (
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/internal/fault"
)

// Quantised tells whether the model computes with integers of 8 bits.
func (m *Model) Quantised() bool {
	return slices.ContainsFunc(m.Tensors, func(t Tensor) bool { return t.Data == nil && t.onGrid() })
}

// onGrid tells whether the tensor holds integers of 8 bits with one scale.
func (t *Tensor) onGrid() bool { return (t.Type == Int8 || t.Type == UInt8) && len(t.Scale) == 1 }

// grid returns the points that a tensor can hold.
func (t *Tensor) grid() integer.Grid {
	g := integer.Grid{Scale: t.Scale[0], Zero: int32(t.Zero[0]), Low: -128, High: 127}
	if t.Type == UInt8 {
		g.Low, g.High = 0, 255
	}
	return g
}

// elems returns the number of values.
func (t *Tensor) elems() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Run computes a quantised model for one image by integer arithmetic (package integer) and returns what its outputs
// stand for. in are the input's values in its own order; they are rounded to the input's grid. In place of an output of
// ARG_MAX stand the values among which that chooses, as in [Read]. An operator that has no integer arithmetic here is
// an error that names it.
//
// Runtimes differ in one operator: MEAN is that of XNNPACK. LiteRT.js computes it in another order of float32, which
// near a half, once in some ten thousand values, is the next integer.
func (m *Model) Run(in []float32) ([][]float32, error) { return m.run(in, integer.Mean) }

// run is Run with the arithmetic of MEAN.
func (m *Model) run(in []float32, mean meanOf) ([][]float32, error) {
	e := &execution{m: m, mean: mean, ints: make([][]int32, len(m.Tensors)), reals: make([][]float32, len(m.Tensors))}
	if len(m.Inputs) != 1 || len(in) != m.Tensors[m.Inputs[0]].elems() {
		return nil, fault.Errorf(
			"tflite: %d values for %d inputs, the first of %v",
			len(in),
			len(m.Inputs),
			m.Tensors[m.Inputs[0]].Dims,
		)
	}
	e.setReals(m.Inputs[0], in)
	room := mostValues
	for i := range m.Operators {
		op := &m.Operators[i]
		if m.chooses(op) {
			continue
		}
		f := executions[op.Name]
		if f == nil || len(op.Outputs) != 1 || len(op.Inputs) == 0 || op.Inputs[0] < 0 {
			return nil, fault.Errorf(
				"tflite: operator %d, %s, of %d inputs and %d outputs: has no integer arithmetic",
				i,
				op.Name,
				len(op.Inputs),
				len(op.Outputs),
			)
		}
		out := op.Outputs[0]
		n := m.Tensors[out].elems()
		if room -= n; room < 0 {
			return nil, fault.Errorf(
				"tflite: operator %d, %s: with its output all are more than %d values",
				i,
				op.Name,
				mostValues,
			)
		}
		e.ints[out] = make([]int32, n)
		if err := f(e, op); err != nil {
			return nil, fault.Errorf("tflite: operator %d, %s: %w", i, op.Name, err)
		}
	}
	var outs [][]float32
	for _, t := range m.Outputs {
		for i := range m.Operators {
			if op := &m.Operators[i]; m.chooses(op) && op.Outputs[0] == t {
				t = op.Inputs[0]
			}
		}
		outs = append(outs, e.realsOf(t))
	}
	return outs, nil
}

// chooses tells whether an operator tells where the largest values of an output are.
func (m *Model) chooses(op *Operator) bool {
	return op.Name == "ARG_MAX" && len(op.Inputs) == 2 && len(op.Outputs) == 1 &&
		slices.Contains(m.Outputs, op.Outputs[0])
}

// mostValues bounds the memory of a run, 2 GiB.
const mostValues = 1 << 29

// meanOf takes the mean over all pixels of each of c channels.
type meanOf func(dst, src []int32, c int, in, out integer.Grid)

// execution holds the values of one run.
type execution struct {
	m     *Model
	mean  meanOf
	ints  [][]int32
	reals [][]float32 // of tensors that are no integers
}

// executions computes the outputs of an operator.
var executions = map[string]func(e *execution, op *Operator) error{}

// setReals gives a tensor values that are rounded to its grid, if it has one.
func (e *execution) setReals(at int, v []float32) {
	t := &e.m.Tensors[at]
	if !t.onGrid() {
		e.reals[at], e.ints[at] = v, nil
		return
	}
	e.ints[at] = make([]int32, len(v))
	t.grid().Convert(e.ints[at], v)
}

func (e *execution) realsOf(at int) []float32 {
	t := &e.m.Tensors[at]
	if !t.onGrid() {
		return e.reals[at]
	}
	v, g := make([]float32, len(e.ints[at])), t.grid()
	for i, q := range e.ints[at] {
		v[i] = g.Real(q)
	}
	return v
}

// in returns the integers of input k, and its tensor.
func (e *execution) in(op *Operator, k int) ([]int32, *Tensor, error) {
	if k >= len(op.Inputs) || op.Inputs[k] < 0 {
		return nil, nil, fmt.Errorf("input %d is missing", k)
	}
	at := op.Inputs[k]
	t := &e.m.Tensors[at]
	if e.ints[at] == nil && t.Data != nil && t.Type != Float32 && t.Type != Float16 {
		q := make([]int32, t.elems())
		for i := range q {
			q[i] = int32(t.at(i))
		}
		e.ints[at] = q
	}
	if e.ints[at] == nil {
		return nil, nil, fmt.Errorf(
			"input %d, %.60q, holds no integers: a model that mixes floats and integers runs as floats",
			k,
			t.Name,
		)
	}
	return e.ints[at], t, nil
}

// grids returns the integers of input k, and the grids of it and of the output, which the activation narrows.
func (e *execution) grids(op *Operator, k int) (q []int32, in, out integer.Grid, err error) {
	q, t, err := e.in(op, k)
	if err != nil {
		return nil, in, out, err
	}
	o := &e.m.Tensors[op.Outputs[0]]
	if !t.onGrid() || !o.onGrid() {
		return nil, in, out, fmt.Errorf(
			"reads %s and writes %s, want 8-bit integers with one scale each",
			typeNames[t.Type],
			typeNames[o.Type],
		)
	}
	out, ok := narrowed(o.grid(), op.Options["activation"])
	if !ok {
		return nil, in, out, fmt.Errorf("activation number %v", op.Options["activation"])
	}
	return q, t.grid(), out, nil
}

// narrowed returns the points of a grid that an activation leaves; ok is false for an unknown one.
func narrowed(g integer.Grid, activation float64) (_ integer.Grid, ok bool) {
	switch activation {
	case None:
	case Relu:
		g.Low = max(g.Low, g.Zero)
	case Relu6:
		g.Low, g.High = max(g.Low, g.Zero), min(g.High, g.Quantize(6))
	default:
		return g, false
	}
	return g, true
}

// same is grids of an input that has as many values as the output.
func (e *execution) same(op *Operator) (q []int32, in, out integer.Grid, err error) {
	q, in, out, err = e.grids(op, 0)
	if err == nil && len(q) != len(e.ints[op.Outputs[0]]) {
		err = fmt.Errorf("of %d values to %d", len(q), len(e.ints[op.Outputs[0]]))
	}
	return q, in, out, err
}

// list returns the constant integers of input k.
func (e *execution) list(op *Operator, k int) ([]int, error) {
	q, _, err := e.in(op, k)
	v := make([]int, len(q))
	for i := range q {
		v[i] = int(q[i])
	}
	return v, err
}

// window reads the geometry of a sliding window with a kernel of k rows and columns.
func (e *execution) window(op *Operator, kh, kw int) (w integer.Window, err error) {
	in, out := e.m.Tensors[op.Inputs[0]].Dims, e.m.Tensors[op.Outputs[0]].Dims
	if len(in) != 4 || len(out) != 4 || in[0] != 1 || out[0] != 1 {
		return w, fmt.Errorf("of %v to %v, want one image's maps", in, out)
	}
	option := func(name string) int { return int(max(op.Options[name], 1)) }
	w = integer.Window{
		H: in[1], W: in[2], C: in[3], OutH: out[1], OutW: out[2], OutC: out[3], KH: kh, KW: kw, Groups: 1,
		StrideH: option("stride_h"), StrideW: option("stride_w"),
		DilH: option("dilation_h"), DilW: option("dilation_w"),
	}
	if op.Options["padding"] == Same {
		w.Top, _ = samePads(w.H, kh, w.StrideH, w.DilH)
		w.Left, _ = samePads(w.W, kw, w.StrideW, w.DilW)
	}
	if h, v := slid(w.H, kh, w.StrideH, w.DilH, op.Options["padding"] == Same),
		slid(w.W, kw, w.StrideW, w.DilW, op.Options["padding"] == Same); h != w.OutH || v != w.OutW {
		return w, fmt.Errorf("of %v to %v, its window of %d x %d makes %d x %d", short(in), short(out), kh, kw, h, v)
	}
	return w, nil
}

// slid returns over how many places a window of k taps slides in n values.
func slid(n, k, stride, dilation int, same bool) int {
	if same {
		return (n + stride - 1) / stride
	}
	return max(0, (n-dilation*(k-1)-1+stride)/stride)
}

// tables are operators of one input that are computed once for each of the 256 values.
var tables = map[string]func(x float64) float64{
	"LOGISTIC": blocks.Sigmoid.Apply, "RELU": blocks.ReLU.Apply, "RELU6": blocks.ReLU6.Apply, "TANH": math.Tanh,
}

func init() {
	for name, f := range tables {
		executions[name] = func(e *execution, op *Operator) error {
			q, in, out, err := e.same(op)
			if err == nil {
				integer.Lookup(e.ints[op.Outputs[0]], q, integer.Table(in, out, f), in)
			}
			return err
		}
	}
	executions["HARD_SWISH"] = func(e *execution, op *Operator) error {
		q, in, out, err := e.same(op)
		if err == nil {
			integer.Lookup(e.ints[op.Outputs[0]], q, integer.HardSwishTable(in, out), in)
		}
		return err
	}
	executions["QUANTIZE"] = runRound
	executions["DEQUANTIZE"] = runRound
	for _, name := range []string{"MAX_POOL_2D", "AVERAGE_POOL_2D"} {
		executions[name] = runPool
	}
	executions["MEAN"] = runMean
	for _, name := range []string{"ADD", "SUB", "MUL"} {
		executions[name] = runPair
	}
	executions["SOFTMAX"] = runSoftmax
	executions["LOG_SOFTMAX"] = runSoftmax
}

// runRound moves values between floats and grids, and between grids.
func runRound(e *execution, op *Operator) error {
	from, to := &e.m.Tensors[op.Inputs[0]], &e.m.Tensors[op.Outputs[0]]
	if from.elems() != to.elems() || from.Data != nil {
		return fmt.Errorf("of %v to %v", short(from.Dims), short(to.Dims))
	}
	if from.onGrid() && to.onGrid() {
		q, in, out, err := e.grids(op, 0)
		if err == nil {
			integer.Rescale(e.ints[op.Outputs[0]], q, in, out)
		}
		return err
	}
	e.setReals(op.Outputs[0], e.realsOf(op.Inputs[0]))
	return nil
}

func runPool(e *execution, op *Operator) error {
	q, in, out, err := e.grids(op, 0)
	if err != nil {
		return err
	}
	s, err := e.window(op, int(op.Options["filter_h"]), int(op.Options["filter_w"]))
	if err != nil {
		return err
	}
	if in.Scale != out.Scale || in.Zero != out.Zero || s.C != s.OutC || min(s.KH, s.KW) < 1 {
		return fmt.Errorf(
			"of %d channels by %d x %d to %d channels, want one scale and one number of channels",
			s.C,
			s.KH,
			s.KW,
			s.OutC,
		)
	}
	if op.Name == "AVERAGE_POOL_2D" {
		integer.AveragePool(e.ints[op.Outputs[0]], q, s, out)
		return nil
	}
	integer.MaxPool(e.ints[op.Outputs[0]], q, s, out)
	return nil
}

// runMean computes the mean over height and width.
func runMean(e *execution, op *Operator) error {
	q, in, out, err := e.grids(op, 0)
	if err != nil {
		return err
	}
	axes, err := e.list(op, 1)
	d := e.m.Tensors[op.Inputs[0]].Dims
	if err != nil || !slices.Equal(axes, []int{1, 2}) || len(d) != 4 || len(q) == 0 ||
		len(e.ints[op.Outputs[0]]) != d[3] {
		return fmt.Errorf("over axes %v of %v, want those of height and width", axes, short(d))
	}
	e.mean(e.ints[op.Outputs[0]], q, d[3], in, out)
	return nil
}

func runSoftmax(e *execution, op *Operator) error {
	q, in, out, err := e.same(op)
	if err != nil {
		return err
	}
	d, beta := e.m.Tensors[op.Inputs[0]].Dims, 1.0
	if len(q) == 0 || len(d) == 0 {
		return fmt.Errorf("of %v", short(d))
	}
	if op.Name == "SOFTMAX" {
		beta = op.Options["beta"]
	}
	integer.Softmax(e.ints[op.Outputs[0]], q, d[len(d)-1], beta, op.Name == "LOG_SOFTMAX", in, out)
	return nil
}
