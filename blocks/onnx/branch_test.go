package onnx

import (
	"slices"
	"strings"
	"testing"
)

// branch is an If on a condition, whose branches read x and, where inner says so, hold another If.
func branch(cond, out string, then, otherwise message) message {
	graph := func(name string, g message) message {
		return message(nil).text(attrName, name).sub(attrGraph, g).int(attrType, 5)
	}
	m := message(nil).text(nodeInput, cond).text(nodeOutput, out).text(nodeName, "choice").text(nodeOpType, "If")
	return message(nil).sub(graphNode, m.sub(nodeAttribute, graph("then_branch", then)).
		sub(nodeAttribute, graph("else_branch", otherwise)))
}

// A constant condition chooses the branch, which reads the graph round it; a computed one is refused.
func TestReadBranches(t *testing.T) {
	node := func(kind, out string, in ...string) message {
		return message(nil).sub(graphNode, operator{kind: kind, in: in, out: []string{out}}.message())
	}
	result := func(name string) message { return message(nil).sub(graphOutput, message(nil).text(infoName, name)) }
	read := func(cond int, out string, middle message) (*Model, error) {
		g := &graph{opset: 13, input: info{"x", []int{1, 1, 1, 4}}, tensors: []constant{
			{name: "yes", bytes: []byte{byte(cond)}, elem: elemBool}, {name: "no", bytes: []byte{0}, elem: elemBool},
		}, outputs: []info{{out, nil}}}
		var b strings.Builder
		if err := g.write(&b, "branches", "", nil); err != nil {
			t.Fatal(err)
		}
		return Read(inGraph([]byte(b.String()), middle), ReadOptions{})
	}
	then := append(node("Neg", "a", "v"), result("a")...)
	inner := append(branch("no", "b", then, append(node("Abs", "c", "v"), result("c")...)), result("b")...)
	middle := append(node("Relu", "v", "x"), branch("yes", "y", then, inner)...)
	for cond, want := range [][]float32{{0, 0, 2, 3}, {0, 0, -2, -3}} {
		m, err := read(cond, "y", middle)
		if err != nil {
			t.Fatal(err)
		}
		if got := evalFile(t, m, []float32{-1, 0, 2, 3})[0]; !slices.Equal(got, want) {
			t.Errorf("condition %d: %v, want %v", cond, got, want)
		}
	}
	_, err := read(1, "y", append(node("Relu", "v", "x"), branch("x", "y", then, inner)...))
	if err == nil || !strings.Contains(err.Error(), `operator If of node "choice": its condition`) {
		t.Errorf("a computed condition: %v", err)
	}
	for range deepest {
		inner = append(branch("no", "b", inner, inner), result("b")...)
	}
	_, err = read(1, "y", append(node("Relu", "v", "x"), branch("yes", "y", inner, inner)...))
	if err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("branches in branches: %v", err)
	}
}
