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

// node is a graph of one operator, result the declaration of an output.
func node(kind, out string, in ...string) message {
	return message(nil).sub(graphNode, operator{kind: kind, in: in, out: []string{out}}.message())
}

func result(name string) message {
	return message(nil).sub(graphOutput, message(nil).text(infoName, name))
}

// readBranching reads a model whose middle knows x, the constants yes (cond) and no, and makes the output out.
func readBranching(t *testing.T, cond int, out string, middle message) (*Model, error) {
	t.Helper()
	g := &graph{opset: 13, input: info{"x", []int{1, 1, 1, 4}}, tensors: []constant{
		{name: "yes", bytes: []byte{byte(cond)}, elem: elemBool}, {name: "no", bytes: []byte{0}, elem: elemBool},
	}, outputs: []info{{out, nil}}}
	var b strings.Builder
	if err := g.write(&b, "branches", "", nil); err != nil {
		t.Fatal(err)
	}
	return Read(inGraph([]byte(b.String()), middle), ReadOptions{})
}

// Branches that do not stand in each other may give one name to different tensors, and nothing outside reads them.
func TestBranchNamesAreTheirOwn(t *testing.T) {
	number := func(name string, v float32) message {
		m, _ := constant{name: name, dims: []int{1}, floats: []float32{v}}.message()
		return message(nil).sub(graphInitializer, append(m, floatBytes([]float32{v})...))
	}
	negated := slices.Concat(node("Neg", "t", "x"), node("Abs", "made", "t"), result("made"))
	added := func(v float32) message {
		return slices.Concat(number("t", v), node("Add", "made", "x", "t"), result("made"))
	}
	for name, graphs := range map[string][2]message{
		"node, constant": {negated, added(5)}, "constant, node": {added(5), negated}, "constants": {added(5), added(7)},
	} {
		both := slices.Concat(branch("yes", "a", graphs[0], graphs[0]), branch("yes", "b", graphs[1], graphs[1]))
		m, err := readBranching(t, 1, "y", append(both, node("Sub", "y", "a", "b")...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[string][]float32{
			"node, constant": {-3, -5, -5, -5}, "constant, node": {3, 5, 5, 5}, "constants": {-2, -2, -2, -2},
		}[name]
		if got := evalFile(t, m, []float32{-1, 0, 2, 3})[0]; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if _, err := readBranching(t, 1, "y", append(both, node("Add", "y", "a", "t")...)); err == nil {
			t.Errorf("%s: a name of a branch is read outside", name)
		}
	}
}

// A constant condition chooses the branch, which reads the graph round it; a computed one is refused.
func TestReadBranches(t *testing.T) {
	then := append(node("Neg", "a", "v"), result("a")...)
	inner := append(branch("no", "b", then, append(node("Abs", "c", "v"), result("c")...)), result("b")...)
	middle := append(node("Relu", "v", "x"), branch("yes", "y", then, inner)...)
	for cond, want := range [][]float32{{0, 0, 2, 3}, {0, 0, -2, -3}} {
		m, err := readBranching(t, cond, "y", middle)
		if err != nil {
			t.Fatal(err)
		}
		if got := evalFile(t, m, []float32{-1, 0, 2, 3})[0]; !slices.Equal(got, want) {
			t.Errorf("condition %d: %v, want %v", cond, got, want)
		}
	}
	_, err := readBranching(t, 1, "y", append(node("Relu", "v", "x"), branch("x", "y", then, inner)...))
	if err == nil || !strings.Contains(err.Error(), `operator If of node "choice": its condition`) {
		t.Errorf("a computed condition: %v", err)
	}
	unknown := append(node("Loop", "b", "v"), result("b")...)
	_, err = readBranching(t, 1, "y", append(node("Relu", "v", "x"), branch("yes", "y", unknown, inner)...))
	if err == nil || strings.Count(err.Error(), "onnx: ") != 1 ||
		!strings.Contains(err.Error(), "its branch: operator Loop") {
		t.Errorf("an unknown operator in a branch: %v", err)
	}
	for range deepest {
		inner = append(branch("no", "b", inner, inner), result("b")...)
	}
	_, err = readBranching(t, 1, "y", append(node("Relu", "v", "x"), branch("yes", "y", inner, inner)...))
	if err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("branches in branches: %v", err)
	}
}
