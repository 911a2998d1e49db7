package costmodel

import (
	"encoding/json"
	"fmt"

	"nas/blocks/engine"
)

// UnitTime is one row of a profile's table: what a unit took.
type UnitTime struct {
	Unit engine.Unit
	Ms   float64
	// Spread is the standard deviation of Ms relative to it: between networks
	// in which the unit occurred, or between runs where it occurred in one.
	Spread float64
	// Networks is the number of networks that the unit was timed in.
	Networks int
}

// Unit is a unit stored as its key.
type Unit struct{ engine.Unit }

func (u Unit) MarshalText() ([]byte, error) { return []byte(u.Key()), nil }

func (u *Unit) UnmarshalText(b []byte) (err error) {
	u.Unit, err = engine.ParseUnit(string(b))
	return err
}

type unitTimeJSON struct {
	Unit     Unit    `json:"unit"`
	Ms       float64 `json:"ms"`
	Spread   float64 `json:"spread"`
	Networks int     `json:"networks"`
}

// MarshalJSON writes the unit as its key.
func (u UnitTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(unitTimeJSON{Unit{u.Unit}, u.Ms, u.Spread, u.Networks})
}

// UnmarshalJSON is the inverse.
func (u *UnitTime) UnmarshalJSON(b []byte) error {
	var j unitTimeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if !(j.Ms > 0) {
		return fmt.Errorf("unit %q: %g ms is not a time", j.Unit.Key(), j.Ms)
	}
	*u = UnitTime{j.Unit.Unit, j.Ms, j.Spread, j.Networks}
	return nil
}
