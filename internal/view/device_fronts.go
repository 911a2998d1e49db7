package view

import (
	"fmt"

	"nas/internal/report"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/search"
)

// latenciesOf are the objectives that are latencies, each on a device of its own, the one of the axis first.
func latenciesOf(s *results.Stored) []search.Objective {
	x, _ := s.Axes()
	out := []search.Objective{x}
	for _, o := range s.Manifest.Objectives {
		if runstore.IsLatency(o.Name) && o != x {
			out = append(out, o)
		}
	}
	return out
}

// MainFigure is the picture of the front of one run or several over each other: as [Front] draws it, or as
// [deviceFronts] does where one run has several latencies as objectives.
func MainFigure(runs ...*results.Stored) (report.Fronts, error) {
	if len(runs) == 1 && len(latenciesOf(runs[0])) > 1 {
		return deviceFronts(runs[0])
	}
	return Front(runs...)
}

// deviceFronts lays the fronts of one run on all its devices over each other: each member of the run's front stands
// once for each latency that was an objective. A member that others dominate on one of the devices is a point there.
func deviceFronts(s *results.Stored) (report.Fronts, error) {
	bare := *s
	bare.References = nil // with the notes about them
	f, err := Front(&bare)
	if err != nil {
		return f, err
	}
	_, y := s.Axes()
	trials := s.Front.Trials()
	f.Series, f.Picks, f.Constraints = nil, nil, nil
	for _, o := range latenciesOf(s) {
		q := report.Series{Name: s.DeviceOf(o)}
		for i := range trials {
			t := &trials[i]
			q.Front = append(q.Front, point(func(f runstore.Field) runstore.Value { return f.Of(&t.Result) }, o, y))
		}
		f.Series = append(f.Series, q)
	}
	f.X.Label = "predicted latency in ms, of the device that each front names"
	f.Notes = append([]string{fmt.Sprintf("One search, %d devices: each of the %d members of the front stands once for "+
		"each device. Limits and the networks of the literature are left out.", len(f.Series), len(trials))}, f.Notes...)
	return f, nil
}
