package main

import (
	"fmt"
	"strings"

	"nas/blocks/onnx"
)

// operatorsView is the JSON form of show --operators.
type operatorsView struct {
	Opsets    [2]int          `json:"opsets"` // first and last that are read
	Operators []onnx.Operator `json:"operators"`
}

// showOperators lists what is read of ONNX files.
func showOperators(a *app) error {
	all := onnx.Operators()
	if a.json {
		return a.writeJSON(operatorsView{[2]int{onnx.FirstOpset, onnx.LastOpset}, all})
	}
	t := table{head: []string{"operator", "opset", "inputs", "on", "attributes"}}
	for _, o := range all {
		t.add(o.Name, fmt.Sprintf("%d+", o.Since), o.InputCount(), o.On(), strings.Join(o.Attributes, " "))
	}
	t.write(a.stdout)
	a.printf("\nOpsets %d to %d. name=3: with that value only. name*: has no effect on inference.\n",
		onnx.FirstOpset, onnx.LastOpset)
	return nil
}
