package search

import (
	"math"
	"strings"

	"nas/internal/fault"
)

// Direction says which way an objective is better.
type Direction int

// The directions of an objective.
const (
	Minimize Direction = iota
	Maximize
)

// String returns "min" or "max".
func (d Direction) String() string {
	if d == Maximize {
		return "max"
	}
	return "min"
}

// MarshalText writes what String returns.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "min" or "max".
func (d *Direction) UnmarshalText(text []byte) error {
	switch string(text) {
	case "min":
		*d = Minimize
	case "max":
		*d = Maximize
	default:
		return fault.Errorf("search: direction %q; want min or max", text)
	}
	return nil
}

// Objective is one axis of the front. Name is the key of its value in
// [Result.Objectives]; Unit is for people and may be empty.
type Objective struct {
	Name      string    `json:"name"`
	Unit      string    `json:"unit"`
	Direction Direction `json:"direction"`
}

// String returns "latency min" or "latency[ms] min".
func (o Objective) String() string {
	if o.Unit == "" {
		return o.Name + " " + o.Direction.String()
	}
	return o.Name + "[" + o.Unit + "] " + o.Direction.String()
}

// cost turns a value of the objective into one to be minimised. It is its own
// inverse.
func (o Objective) cost(v float64) float64 {
	if o.Direction == Maximize {
		return -v
	}
	return v
}

func checkObjectives(objectives []Objective) error {
	if len(objectives) == 0 {
		return fault.New("search: no objective given")
	}
	seen := map[string]bool{}
	for _, o := range objectives {
		switch {
		case o.Name == "":
			return fault.New("search: an objective has no name")
		case seen[o.Name]:
			return fault.Errorf("search: objective %q is given twice", o.Name)
		case o.Direction != Minimize && o.Direction != Maximize:
			return fault.Errorf("search: objective %q has direction %d; want Minimize or Maximize", o.Name, o.Direction)
		}
		seen[o.Name] = true
	}
	return nil
}

func objectivesString(objectives []Objective) string {
	parts := make([]string, len(objectives))
	for i, o := range objectives {
		parts[i] = o.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// costsTo writes the result's objectives, all to be minimised, into dst and
// returns it, or returns false where a value is missing or not finite.
func costsTo(dst []float64, r *Result, objectives []Objective) ([]float64, bool) {
	for i, o := range objectives {
		v, ok := r.Objectives[o.Name]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, false
		}
		dst[i] = o.cost(v)
	}
	return dst, true
}

// costs converts a point in the units of the objectives to one to be minimised.
func costs(point []float64, objectives []Objective) []float64 {
	out := make([]float64, len(point))
	for i, o := range objectives {
		out[i] = o.cost(point[i])
	}
	return out
}
