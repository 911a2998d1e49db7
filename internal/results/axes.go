package results

import (
	"cmp"
	"fmt"
	"strings"

	"nas/internal/report"
	"nas/internal/runstore"
	"nas/search"
)

// axes returns the two objectives that a plot shows: the first latency (or else the first
// objective), and accuracy (or else the second).
func (s *Stored) axes() (x, y search.Objective, err error) {
	os := s.Manifest.Objectives
	if len(os) < 2 {
		return x, y, fmt.Errorf("results: %s has one objective: there is no front to draw", s.Dir)
	}
	x, y = os[0], os[1]
	for _, o := range os {
		if o.Name == runstore.KeyAccuracy {
			y = o
		}
	}
	if x == y {
		x = os[1]
	}
	for i := len(os) - 1; i >= 0; i-- {
		if runstore.IsLatency(os[i].Name) && os[i] != y {
			x = os[i]
		}
	}
	return x, y, nil
}

// axis describes an objective for people.
func (s *Stored) axis(o search.Objective) report.Axis {
	a := report.Axis{Maximize: o.Direction == search.Maximize}
	switch {
	case runstore.IsLatency(o.Name):
		a.Label = "predicted latency in ms: " + s.deviceOf(o)
		a.Name, a.Unit, a.Log = "latency", "ms", true
	case o.Name == runstore.KeyAccuracy:
		a.Label, a.Name = s.Manifest.Score.Label, "score"
		if s.Manifest.Score.Percent() {
			a.Name, a.Unit = "top-1", "%"
		}
	case o.Name == runstore.KeyMACs:
		a.Label, a.Log = "multiply-accumulates", true
	case o.Name == runstore.KeyParams:
		a.Label, a.Log = "parameters", true
	default:
		a.Label, a.Log = strings.ReplaceAll(o.Name, "_", " "), true
	}
	return a
}

// deviceOf names the device of a latency objective; "" for any other.
func (s *Stored) deviceOf(o search.Objective) string {
	if !runstore.IsLatency(o.Name) {
		return ""
	}
	if _, name, ok := strings.Cut(o.Name, "@"); ok {
		return s.Manifest.Devices[name]
	}
	return s.Manifest.Device
}

// hypervolumeLabel names hypervolume with its unit, the product of the objectives' units.
func (s *Stored) hypervolumeLabel() string {
	var units []string
	for _, o := range s.Manifest.Objectives {
		unit := o.Unit
		if o.Name == runstore.KeyAccuracy {
			unit = cmp.Or(s.axis(o).Unit, "score")
		}
		units = append(units, cmp.Or(unit, o.Name))
	}
	return "hypervolume, " + strings.Join(units, " x ")
}

// point is a network on the axes of a plot, with its intervals; of is its value of an objective.
func point(of func(runstore.Field) runstore.Value, x, y search.Objective) report.Point {
	a, b := of(runstore.FieldOf(x.Name)), of(runstore.FieldOf(y.Name))
	p := report.Point{X: a.Mid, Y: b.Mid}
	if a.HasInterval() {
		p.XLow, p.XHigh = a.Low, a.High
	}
	if b.HasInterval() {
		p.YLow, p.YHigh = b.Low, b.High
	}
	return p
}
