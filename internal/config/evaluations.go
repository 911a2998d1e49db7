package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Evaluations is a number of scored candidates, or UntilPlateau. 0 is none given.
type Evaluations int

// UntilPlateau ends the search when the hypervolume stalls.
const UntilPlateau Evaluations = -1

// A search until a plateau: how many evaluations the hypervolume has to stall over, which are also the
// least there are, and the most there are.
const (
	plateauWindow = 5000
	plateauMost   = 200_000
	plateauTrials = 2 * plateauMost
)

// String returns what parse and number read.
func (e Evaluations) String() string {
	if e == UntilPlateau {
		return "plateau"
	}
	return strconv.Itoa(int(e))
}

// MarshalTOML writes a number as such.
func (e Evaluations) MarshalTOML() ([]byte, error) {
	if e == UntilPlateau {
		return []byte(`"plateau"`), nil
	}
	return []byte(e.String()), nil
}

func (e *Evaluations) parse(s string) error {
	if s == "plateau" {
		*e = UntilPlateau
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		v = 0
	}
	return e.number(v)
}

func (e *Evaluations) number(v float64) error {
	if n := Evaluations(v); v >= 1 && v <= 1e9 && float64(n) == v {
		*e = n
		return nil
	}
	return errors.New(`want "plateau" or a whole number, 1 to 1000000000`)
}

// Budget is the number of evaluations if it is known in advance, else 0.
func (s *Search) Budget() int { return max(0, int(s.Evaluations)) }

// Most is the largest number of evaluations.
func (s *Search) Most() int {
	if s.Evaluations == UntilPlateau {
		return plateauMost
	}
	return int(s.Evaluations)
}

// trials is the default of Trials.
func (s *Search) trials() int {
	if s.Evaluations == UntilPlateau {
		return plateauTrials
	}
	return 20 * min(int(s.Evaluations), math.MaxInt32/20)
}

// Window is the number of evaluations over which the hypervolume must grow; 0 means that it need not.
func (s *Search) Window() int {
	if s.Plateau == 0 && s.Evaluations == UntilPlateau {
		return plateauWindow
	}
	return s.Plateau
}

// SetEvaluations reads Evaluations from a text, and raises Trials in proportion.
func (s *Search) SetEvaluations(text string) error {
	before := s.trials()
	if err := s.Evaluations.parse(text); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if now := s.trials(); now > before {
		s.Trials = int(min(math.MaxInt32, float64(s.Trials)*float64(now)/float64(before)))
	}
	return nil
}
