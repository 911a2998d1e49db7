package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

type (
	// folder computes an operator whose inputs are all constants.
	folder func(r *reader, c call) ([]*value, error)
	// apply appends what an operator on activations does.
	apply func(r *reader, c call) ([]*value, error)
)

// spec is what is understood of an operator. An attribute, input or output
// beyond that is refused by name, never ignored.
type spec struct {
	// attrs names the attributes that the functions below read. "name=3" is
	// understood with that value only, which is its default or has no effect;
	// "name*" has no effect on inference, whatever its value.
	attrs string
	in    [2]int // fewest and most inputs
	out   int    // outputs that are made; 0 means 1
	since int    // opset from which on it exists; 0: from the first that is read
	fold  folder // nil: refused on constants
	apply apply  // nil: refused on activations
}

// many is the number of inputs or outputs of an operator that takes any number.
const many = math.MaxInt32

// Inputs of most operators.
var (
	oneInput  = [2]int{1, 1}
	twoInputs = [2]int{2, 2}
	anyInputs = [2]int{1, many}
)

// operators is the list of operators that are read. Each file adds its own.
var operators = map[string]spec{}

// register adds operators to the list.
func register(rows map[string]spec) {
	for name, s := range rows {
		operators[name] = s
	}
}

// understood returns an error that names what is not understood of the node.
func (o spec) understood(c call, opset int) error {
	if opset < o.since {
		return fmt.Errorf("the model is of opset %d, which has no such operator: it came with opset %d", opset, o.since)
	}
	if n := len(c.in); n < o.in[0] || n > o.in[1] {
		return fmt.Errorf("it has %d inputs, want %s", n, countOf(o.in))
	}
	for i, name := range c.out {
		if i >= max(o.out, 1) && name != "" {
			return fmt.Errorf("its output %d, %.40q, is read, and this program makes the first only: "+
				"export the model for inference", i, name)
		}
	}
	known := strings.Fields(o.attrs)
	for name, a := range c.attrs {
		k := slices.IndexFunc(
			known,
			func(s string) bool { return strings.TrimSuffix(strings.SplitN(s, "=", 2)[0], "*") == name },
		)
		if k < 0 || a.other {
			return fmt.Errorf(
				"its attribute %.40q is not one that this program understands: export the model without it",
				name,
			)
		}
		if err := a.ofKind(name); err != nil {
			return err
		}
		if _, want, ok := strings.Cut(known[k], "="); ok && fmt.Sprint(a.i) != want {
			return fmt.Errorf(
				"its attribute %s is %d, this program reads %s only: export the model for inference",
				name,
				a.i,
				want,
			)
		}
	}
	return nil
}

func countOf(in [2]int) string {
	switch {
	case in[0] == in[1]:
		return fmt.Sprint(in[0])
	case in[1] == many:
		return fmt.Sprintf("%d or more", in[0])
	}
	return fmt.Sprintf("%d to %d", in[0], in[1])
}
