package onnx

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"nas/blocks"
)

// TestEveryOpReadsBack writes and reads every kind of op, and needs no other program. TestRuntimeAgrees does so in
// more forms where there is an ONNX Runtime.
func TestEveryOpReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.onnx")
	missing := blocks.Kinds()
	for i, n := range append(specimens(t), outsiders(t)...) {
		missing = slices.DeleteFunc(missing, func(kind string) bool {
			return slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Op.Kind() == kind })
		})
		if n.Name == "a constant alone" { // refused: no output depends on an input
			continue
		}
		w, in, out := settle(t, n, uint64(i))
		writeModel(t, path, n, w, Options{})
		readBack(t, path, in, out, fmt.Sprintf("network %d, %s", i, n.Name))
	}
	if len(missing) > 0 {
		t.Errorf("no network of specimens or outsiders has the ops %v", missing)
	}
}

// TestCutOperatorsAreNotRead: reading ends before them, so that a function which reads one is never called.
func TestCutOperatorsAreNotRead(t *testing.T) {
	for _, name := range cutOperators {
		if operators[name].apply != nil {
			t.Errorf("%s has a function that reads it on activations, and is one of cutOperators, before which reading "+
				"ends: take it off that list", name)
		}
	}
}
