package onnx

import (
	"fmt"
	"strings"
	"testing"

	"nas/blocks"
)

// TestReadBounds are files made to take as much memory or time as they can.
func TestReadBounds(t *testing.T) {
	chainOf := func(n int, f func(i int) operator) []operator {
		ops := make([]operator, n)
		for i := range ops {
			ops[i] = f(i)
		}
		return ops
	}
	name := func(i int) string {
		if i < 0 {
			return "x"
		}
		return fmt.Sprintf("%x", i)
	}
	long := strings.Repeat("n", 100000)
	many := make([]string, 50000)
	for i := range many {
		many[i] = name(i)
	}
	floats := constant{name: "w", dims: []int{4, 5000}, floats: make([]float32, 20000)}
	three, six := constant{name: "3", floats: []float32{3}}, constant{name: "6", floats: []float32{6}}
	zero := constant{name: "0", floats: []float32{0}}
	for what, data := range map[string][]byte{
		"operators that do nothing": model(t, chainOf(50000, func(i int) operator {
			return operator{kind: "Identity", in: []string{name(i - 1)}, out: []string{name(i)}}
		})),
		"activations": model(t, chainOf(50000, func(i int) operator {
			return operator{kind: "Relu", in: []string{name(i - 1)}, out: []string{name(i)}}
		})),
		"a list doubled again and again": model(t, chainOf(60, func(i int) operator {
			in := []string{name(i - 1), name(i - 1)}
			if i == 0 {
				in = []string{"s", "s"}
			}
			return operator{kind: "Concat", in: in, out: []string{name(i)}, attrs: []blocks.ONNXAttr{{Name: "axis", Value: 0}}}
		}), constant{name: "s", dims: []int{2}, ints: []int{1, 2}}),
		"a large constant of a shape":             model(t, []operator{{kind: "ConstantOfShape", in: []string{"s"}, out: []string{"y"}}}, constant{name: "s", dims: []int{2}, ints: []int{1 << 15, 1 << 15}}),
		"one output a channel, under a long name": model(t, []operator{{name: long, kind: "Split", in: []string{"x"}, out: many, attrs: []blocks.ONNXAttr{{Name: "axis", Value: 1}}}}),
		"the same weights again and again": model(t, chainOf(20000, func(i int) operator {
			return operator{kind: "MatMul", in: []string{"v", "w"}, out: []string{name(i)}}
		}), floats),
		"arithmetic and clips by turns": model(t, chainOf(30000, func(i int) operator {
			in := []string{name(i - 1), "3"}
			kind := "Add"
			switch i % 3 {
			case 1:
				kind, in = "Relu", in[:1]
			case 2:
				kind, in = "Clip", []string{name(i - 1), "0", "6"}
			}
			return operator{kind: kind, in: in, out: []string{name(i)}}
		}), three, zero, six),
		"all sums into one": model(t, append(chainOf(30000, func(i int) operator {
			return operator{kind: "Add", in: []string{name(i - 1), name(i - 1)}, out: []string{name(i)}}
		}), operator{kind: "Concat", in: many[:30000], out: []string{"y"},
			attrs: []blocks.ONNXAttr{{Name: "axis", Value: 1}}})),
	} {
		t.Run(what, func(t *testing.T) { readSafely(t, data) })
	}
}
