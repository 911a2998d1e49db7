package onnx

import (
	"maps"
	"slices"
	"strings"
)

// Operator says what is understood of an ONNX operator. What is beyond that is refused by name.
type Operator struct {
	Name  string `json:"name"`
	Since int    `json:"since"` // the first opset in which it is read
	// Inputs are the fewest and most inputs; a most of -1 is any number.
	Inputs [2]int `json:"inputs"`
	// Attributes are those that are understood. "name=3" is understood with that value only;
	// "name*" changes nothing in inference and is not looked at.
	Attributes []string `json:"attributes"`
	// Activations and Constants tell on what the operator is read: on what depends on the
	// model's input, and on constants, of which it is computed while the model is read.
	Activations bool `json:"activations"`
	Constants   bool `json:"constants"`
	// Ends tells that reading ends before the operator, which chooses among what a network
	// computed: what it reads is an output.
	Ends bool `json:"ends"`
}

// Operators lists the operators that [Read] understands, by name.
func Operators() []Operator {
	var all []Operator
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		s := operators[name]
		o := Operator{Name: name, Since: max(s.since, FirstOpset), Inputs: s.in, Attributes: strings.Fields(s.attrs),
			Activations: s.apply != nil, Constants: s.fold != nil}
		if o.Inputs[1] == many {
			o.Inputs[1] = -1
		}
		slices.Sort(o.Attributes)
		all = append(all, o)
	}
	for _, name := range cutOperators {
		byName := func(o Operator, name string) int { return strings.Compare(o.Name, name) }
		i, known := slices.BinarySearchFunc(all, name, byName)
		if !known {
			o := Operator{Name: name, Since: FirstOpset, Inputs: [2]int{0, -1}, Attributes: []string{}}
			all = slices.Insert(all, i, o)
		}
		all[i].Ends = true
	}
	return all
}

// InputCount says how many inputs the operator has.
func (o Operator) InputCount() string {
	if o.Inputs[1] < 0 {
		return countOf([2]int{o.Inputs[0], many})
	}
	return countOf(o.Inputs)
}

// On says on what the operator is read.
func (o Operator) On() string {
	switch {
	case o.Ends:
		return "reading ends before it"
	case o.Activations && o.Constants:
		return "all"
	case o.Activations:
		return "activations"
	}
	return "constants"
}
