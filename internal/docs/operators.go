package main

import (
	"fmt"
	"strings"

	"nas/blocks/onnx"
)

// renderOperators returns the table of the ONNX operators that are read.
func renderOperators() string {
	var b strings.Builder
	b.WriteString("| operator | opset | inputs | on | attributes |\n|---|---|---|---|---|\n")
	for _, o := range onnx.Operators() {
		var attrs []string
		for _, a := range o.Attributes {
			attrs = append(attrs, "`"+a+"`")
		}
		fmt.Fprintf(&b, "| %s | %d+ | %s | %s | %s |\n", o.Name, o.Since, o.InputCount(), o.On(), strings.Join(attrs, ", "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
