package onnx

import (
	"testing"

	"nas/blocks"
)

// Layer normalisation written operator by operator is one op with the params of the file,
// over the channels as they lie and over the last axis.
func TestReadsLayerNormOfOperators(t *testing.T) {
	type A = blocks.ONNXAttr
	for name, last := range map[string]bool{"channels first": false, "last axis": true} {
		axes, dims := []int{1}, []int{4, 1, 1}
		x := "x"
		var ops []operator
		add := func(kind, out string, in []string, attrs ...A) {
			ops = append(ops, operator{name: out, kind: kind, in: in, out: []string{out}, attrs: attrs})
		}
		if last {
			axes, dims, x = []int{-1}, []int{4}, "moved"
			add("Transpose", x, []string{"x"}, A{Name: "perm", Value: []int{0, 2, 3, 1}})
		}
		add("ReduceMean", "mean", []string{x}, A{Name: "axes", Value: axes})
		add("Sub", "d", []string{x, "mean"})
		add("Pow", "square", []string{"d", "two"})
		add("ReduceMean", "variance", []string{"square"}, A{Name: "axes", Value: axes})
		add("Add", "more", []string{"variance", "eps"})
		add("Sqrt", "s", []string{"more"})
		add("Div", "q", []string{"d", "s"})
		add("Mul", "scaled", []string{"q", "scale"})
		add("Add", "y", []string{"scaled", "shift"})
		m, err := Read(model(t, ops,
			constant{name: "two", floats: []float32{2}}, constant{name: "eps", floats: []float32{1e-6}},
			constant{name: "scale", dims: dims, floats: []float32{1, 2, 3, 4}},
			constant{name: "shift", dims: dims, floats: []float32{0.5, 0, 0, 1}}), ReadOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		op, ok := m.Network.Nodes[len(m.Network.Nodes)-1].Op.(*blocks.Normalize)
		if !ok || len(m.Network.Nodes) != 2 || *op != (blocks.Normalize{Epsilon: 1e-6}) {
			t.Errorf("%s: read as %d nodes, the last %#v", name, len(m.Network.Nodes), op)
		}
		if got := m.Network.Counts().Params; got != 8 {
			t.Errorf("%s: %d params, want 8", name, got)
		}
	}
}

// A number counts as no params, a tensor as its values, and a bias stays with its layer.
func TestFactorsCountAsTheFileHasThem(t *testing.T) {
	constants := []constant{
		{name: "number", floats: []float32{3}},
		{name: "vector", dims: []int{4, 1, 1}, floats: []float32{1, 2, 3, 4}},
	}
	for _, c := range []struct {
		kind, constant string
		want           int64
	}{{"Mul", "number", 0}, {"Add", "number", 0}, {"Mul", "vector", 4}, {"Sub", "vector", 4}, {"Div", "vector", 4}} {
		m, err := Read(model(t, []operator{op(c.kind, []string{"x", c.constant})}, constants...), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Network.Counts().Params; got != c.want {
			t.Errorf("%s by a %s: %d params, want %d", c.kind, c.constant, got, c.want)
		}
	}
}

// Equal vectors that an exporter merged are params of each node that has them.
func TestMergedInitializersCountEach(t *testing.T) {
	ones := []float32{1, 1, 1, 1}
	for _, v := range []struct {
		floats []float32
		want   int64
	}{{ones, 8}, {[]float32{1, 2, 3, 4}, 4}} {
		m, err := Read(model(t, []operator{
			{name: "a", kind: "Mul", in: []string{"x", "w"}, out: []string{"h"}},
			{name: "b", kind: "Relu", in: []string{"h"}, out: []string{"r"}},
			{name: "c", kind: "Mul", in: []string{"r", "w"}, out: []string{"y"}},
		}, constant{name: "w", dims: []int{4, 1, 1}, floats: v.floats}), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Network.Counts().Params; got != v.want {
			t.Errorf("%v: %d params, want %d", v.floats, got, v.want)
		}
	}
}
