package tflite

import (
	"fmt"
	"slices"
)

// notes say what the network computes otherwise than runtimes do.
func (m *Model) notes() []string {
	notes := slices.Clone(m.Notes)
	add := func(what string, has func(op *Operator) bool) {
		for i := range m.Operators {
			if op := &m.Operators[i]; has(op) {
				notes = append(notes, fmt.Sprintf("operator %d, %s: %s", i, op.Name, what))
				return
			}
		}
	}
	add(
		"its weights are integers and what it reads are floats: it is computed with floats; runtimes round its input, too",
		func(op *Operator) bool {
			ws := weightsOf(*op)
			return len(ws) > 0 && ws[0] >= 0 && op.Inputs[0] >= 0 && len(m.Tensors[ws[0]].Scale) > 0 &&
				m.Tensors[op.Inputs[0]].Type == Float32
		},
	)
	add("its output has another scale than its input, which runtimes do not look at, nor does nas infer",
		func(op *Operator) bool {
			if !sameGrid[op.Name] || op.Name == "CONCATENATION" || len(op.Inputs) == 0 || op.Inputs[0] < 0 ||
				len(op.Outputs) == 0 {
				return false
			}
			in, out := &m.Tensors[op.Inputs[0]], &m.Tensors[op.Outputs[0]]
			return in.onGrid() && out.onGrid() && in.grid() != out.grid()
		})
	return notes
}
