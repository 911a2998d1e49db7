package space

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestInt8Friendly wants every key that loses as integers refused by name, and nothing else.
func TestInt8Friendly(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(s *Spec)
		keys   []string // refused
	}{
		{"relu6 and hswish", func(s *Spec) { s.Stage[0].Activation = Strings{"relu6", "hswish"} }, nil},
		{"a gate of hsigmoid", func(s *Spec) { s.Stage[0].SE = Floats{0.25} }, nil},
		{"swish in a stage", func(s *Spec) { s.Stage[0].Activation = Strings{"relu", "swish"} },
			[]string{"stage[1].activation"}},
		{"swish at the ends", func(s *Spec) { s.Stem.Activation, s.Head.Activation = Strings{"swish"}, Strings{"swish"} },
			[]string{"stem.activation", "head.activation"}},
		{"a gate of sigmoid", func(s *Spec) { s.Stage[0].SE, s.Stage[0].SEGate = Floats{0.25}, "sigmoid" },
			[]string{"stage[1].se_gate"}},
		{"a gate that no block has", func(s *Spec) { s.Stage[0].SEGate = "sigmoid" }, nil},
		{"other attention", func(s *Spec) { s.Stage[0].Attention = Strings{"eca", "cbam"} },
			[]string{"stage[1].attention", "stage[1].attention"}},
		{"experts", func(s *Spec) { s.Stage[0].Experts = Ints{1, 4} }, []string{"stage[1].experts"}},
		{"entries of a choice", func(s *Spec) {
			s.Stage[0].SEGate = "sigmoid"
			s.Stage[0].Choice = []ChoiceSpec{{SE: Floats{0.25}}, {SE: Floats{0.5}, Activation: Strings{"swish"}}}
		}, []string{"stage[1].choice[2].activation", "stage[1].se_gate"}},
		{"the head", func(s *Spec) { s.Head.Kind = "lraspp" }, []string{"head.kind"}},
	} {
		spec := Spec{Input: []int{64, 64, 3}, Classes: 10, Stage: []StageSpec{{Channels: Ints{16}, Stride: Ints{2}}}}
		c.change(&spec)
		plain, err := New(spec)
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		spec.Int8Friendly = true
		friendly, err := New(spec)
		var found []string
		var e *SpecError
		if errors.As(err, &e) {
			for _, p := range e.Problems {
				found = append(found, strings.TrimPrefix(p.Key, "space."))
				if !strings.Contains(p.Want, "int8_friendly") || p.Of != "space.int8_friendly" {
					t.Errorf("%s: %v does not say why", c.what, p)
				}
			}
		}
		if !slices.Equal(found, c.keys) {
			t.Errorf("%s: refused are %v, want %v", c.what, found, c.keys)
		}
		if err == nil && friendly.ID() != plain.ID() {
			t.Errorf("%s: the same networks have two IDs", c.what)
		}
	}
}
