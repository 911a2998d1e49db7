package tflite

import (
	"fmt"
	"math"

	"nas/blocks"
	"nas/internal/fault"
)

// span is the range of reals that a tensor takes.
type span struct{ low, high float64 }

func (s span) join(t span) span { return span{min(s.low, t.low), max(s.high, t.high)} }

// grid returns scale and zero point of a type of 8 bits, signed, that holds the span and the number 0 exactly.
func (s span) grid() (scale float32, zero int64) {
	low, high := min(s.low, 0), max(s.high, 0)
	if high-low < 1e-12 {
		return 1, 0
	}
	scale = float32((high - low) / 255)
	return scale, int64(max(-128, min(math.RoundToEven(-128-low/float64(scale)), 127)))
}

// fixedSpans are those that the specification of TensorFlow Lite's 8-bit quantisation fixes for an output. LOGISTIC
// and SOFTMAX have scale 1/256 and zero point -128.
var fixedSpans = map[string]span{
	"LOGISTIC": {0, 255. / 256}, "SOFTMAX": {0, 255. / 256}, "LOG_SOFTMAX": {-255. / 16, 0}, "TANH": {-1, 127. / 128},
}

// sameGrid are operators whose output and inputs have one grid, by the same specification.
var sameGrid = map[string]bool{
	"RESHAPE": true, "PAD": true, "PADV2": true, "MAX_POOL_2D": true, "AVERAGE_POOL_2D": true, "SLICE": true, "TRANSPOSE": true,
	"CONCATENATION": true, "RESIZE_BILINEAR": true, "RESIZE_NEAREST_NEIGHBOR": true, "GATHER": true, "REDUCE_MAX": true,
}

// observation collects the values of each node.
type observation struct {
	values  [][]float32 // of each node: every value, or an even part of them
	extreme []span
}

// observedValues bounds the values that are kept of a node, of all images together.
const observedValues = 1 << 19

// stride returns how far apart the values of a map are that are kept of it. It has no divisor in common with the number
// of channels, or some of them would never be seen.
func stride(s blocks.Shape, images int) int {
	step := max(1, s.Elems()/max(1, observedValues/images))
	for divisor(step, s.C) > 1 {
		step++
	}
	return step
}

// divisor is the greatest common one.
func divisor(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// observe runs n for each image.
func observe(
	n *blocks.Network,
	run func(in []float32) ([][]float32, error),
	images [][]float32,
) (*observation, error) {
	o := &observation{values: make([][]float32, len(n.Nodes)), extreme: make([]span, len(n.Nodes))}
	for _, in := range images {
		acts, err := run(in)
		if err != nil {
			return nil, err
		}
		for i, v := range acts {
			low, high, ok := extremes(v)
			if !ok {
				return nil, fault.Errorf(
					"tflite: node %q returns infinities or what is no number: such a network has no ranges",
					n.Nodes[i].Name,
				)
			}
			o.extreme[i] = o.extreme[i].join(span{float64(low), float64(high)})
			step := stride(n.Nodes[i].Shape, len(images))
			for k := 0; k < len(v); k += step {
				o.values[i] = append(o.values[i], v[k])
			}
		}
	}
	return o, nil
}

// extremes returns the least and the largest value, or false where one is no number or infinite.
func extremes(v []float32) (low, high float32, ok bool) {
	low, high, ok = v[0], v[0], true
	for _, x := range v {
		if x < low {
			low = x
		}
		if x > high {
			high = x
		}
		ok = ok && x-x == 0 // of an infinity and of what is no number this is no number
	}
	return low, high, ok
}

// span returns what a node takes, without the share of values that lies beyond a percentile on either side.
func (o *observation) span(node int, percentile float64) span {
	v := o.values[node]
	if percentile >= 100 || len(v) == 0 {
		return o.extreme[node]
	}
	cut := int(float64(len(v)) * (100 - percentile) / 100)
	return span{float64(ranked(v, cut)), float64(ranked(v, len(v)-1-cut))}
}

// ranked returns what would be at index k if v were sorted; it moves v's values (Hoare's FIND, 1961).
func ranked(v []float32, k int) float32 {
	for low, high := 0, len(v)-1; low < high; {
		pivot, i, j := v[(low+high)/2], low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		if j < k {
			low = i
		}
		if k < i {
			high = j
		}
	}
	return v[k]
}

// spans gives each activation of a float model its span: fixed, shared, observed, or computed from the operator's
// input where it stands inside a node.
func (g *graph) spans(o *observation, percentile float64) (map[int]span, error) {
	m := &g.m
	class := make([]int, len(m.Tensors)) // tensors of one grid have one class
	for i := range class {
		class[i] = i
	}
	find := func(i int) int {
		for class[i] != i {
			i = class[i]
		}
		return i
	}
	for _, op := range m.Operators {
		if !sameGrid[op.Name] {
			continue
		}
		for _, in := range op.Inputs {
			if m.Tensors[in].Data == nil {
				class[find(in)] = find(op.Outputs[0])
			}
		}
	}
	spans, known := map[int]span{}, map[int]bool{}
	add := func(tensor int, s span) {
		c := find(tensor)
		if known[c] {
			s = s.join(spans[c])
		}
		spans[c], known[c] = s, true
	}
	for tensor, node := range g.nodes {
		if p := g.producer(tensor); p == nil || fixedSpans[p.Name] == (span{}) {
			add(tensor, o.span(node, percentile))
		}
	}
	for i := range m.Operators {
		op := &m.Operators[i]
		out := op.Outputs[0]
		if s, ok := fixedSpans[op.Name]; ok {
			add(out, s)
		} else if !known[find(out)] {
			s, ok := g.within(op, func(t int) span { return spans[find(t)] })
			if !ok {
				return nil, fmt.Errorf("operator %d, %s: the range of %q is unknown", i, op.Name, m.Tensors[out].Name)
			}
			add(out, s)
		}
	}
	for i := range m.Operators {
		if op := &m.Operators[i]; op.Name == "ADD" {
			g.widen(op, spans, find)
		}
	}
	all := map[int]span{}
	for i, t := range m.Tensors {
		if t.Data == nil {
			all[i] = spans[find(i)]
		}
	}
	return all, nil
}

// within returns the span of an operator with a constant, from that of its input.
func (g *graph) within(op *Operator, of func(tensor int) span) (s span, ok bool) {
	if len(op.Inputs) != 2 || g.m.Tensors[op.Inputs[1]].Data == nil || op.Name != "MUL" && op.Name != "ADD" {
		return s, false
	}
	in := of(op.Inputs[0])
	for i, c := range g.m.Tensors[op.Inputs[1]].reals() {
		a, b := in.low+float64(c), in.high+float64(c)
		if op.Name == "MUL" {
			a, b = in.low*float64(c), in.high*float64(c)
		}
		if t := (span{min(a, b), max(a, b)}); i == 0 {
			s = t
		} else {
			s = s.join(t)
		}
	}
	if f := op.Options["activation"]; f == Relu || f == Relu6 {
		s.low = max(s.low, 0)
		if s.high = max(s.high, 0); f == Relu6 {
			s.high = min(s.high, 6)
		}
	}
	return s, true
}

// The scale of an operand of ADD over that of the output, as XNNPACK wants it; it refuses others.
const (
	leastRatio = 1. / 1024
	mostRatio  = 256
)

// widen brings the spans of an addition's operands and output so near to each other that runtimes take them.
func (g *graph) widen(op *Operator, spans map[int]span, find func(int) int) {
	width := func(s span) float64 { return max(s.high, 0) - min(s.low, 0) }
	grow := func(tensor int, least float64) {
		c := find(tensor)
		if s := spans[c]; width(s) < least {
			spans[c] = span{min(s.low, 0), min(s.low, 0) + least}
		}
	}
	const room = 1.01 // the scales are rounded
	for _, in := range op.Inputs {
		if g.m.Tensors[in].Data == nil {
			grow(op.Outputs[0], width(spans[find(in)])/mostRatio*room)
		}
	}
	for _, in := range op.Inputs {
		if g.m.Tensors[in].Data == nil {
			grow(in, width(spans[find(op.Outputs[0])])*leastRatio*room)
		}
	}
}
