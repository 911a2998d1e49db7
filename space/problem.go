package space

import (
	"fmt"
	"strings"
)

// A Problem is one thing wrong with a Spec.
type Problem struct {
	// Key is the path of the value, e.g. "space.stage[2].kernel[1]". Stages and
	// list entries are counted from 1.
	Key   string
	Value string // as found, "" if the key is missing
	Want  string // what would be right
	// Words are what Value may be, where it is one of a few words; else nil.
	Words []string
	// Of is the path of the other value, or of the table of values, that makes this one wrong; "" if it
	// is wrong by itself.
	Of string
}

// String is the problem as one clause.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Key + " is missing: want " + p.Want
	}
	return p.Key + " = " + p.Value + ": want " + p.Want
}

// SpecError is everything wrong with a Spec.
type SpecError struct{ Problems []Problem }

// Error lists all problems.
func (e *SpecError) Error() string {
	if len(e.Problems) == 1 {
		return "space: " + e.Problems[0].String()
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "space: %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		sb.WriteString("\n\t" + p.String())
	}
	return sb.String()
}
