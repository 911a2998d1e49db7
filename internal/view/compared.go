package view

import (
	"fmt"

	"nas/internal/compare"
	"nas/internal/report"
	"nas/internal/results"
)

// Compared draws the fronts of several runs over each other, all on the device of the first one, whatever device
// each was searched for.
func Compared(runs []*results.Stored) (report.Fronts, error) {
	fs, err := compare.Runs(runs)
	if err != nil {
		return report.Fronts{}, err
	}
	_, y := runs[0].Axes()
	f := report.Fronts{Title: titleOf(runs) + ": fronts on one device", Subtitle: fs.Device, Y: axisOf(runs[0], y),
		X: report.Axis{Label: "predicted latency in ms: " + fs.Device, Name: "latency", Unit: "ms", Log: true}}
	names := seriesNames(runs)
	for i, r := range fs.Runs {
		q := report.Series{Name: names[i]}
		if r.Device != fs.Device {
			q.Name = fmt.Sprintf("%s, searched for %s", names[i], r.Device)
		}
		for _, m := range r.Members {
			q.Front = append(q.Front, report.Point{X: m.LatencyMs, XLow: m.LowMs, XHigh: m.HighMs, Y: m.Accuracy})
		}
		f.Series = append(f.Series, q)
	}
	for i, a := range names {
		for j, b := range names {
			if i != j {
				f.Notes = append(f.Notes, fmt.Sprintf("%s is ahead of %.0f %% of the front of %s.", a, fs.AheadPct[i][j], b))
			}
		}
	}
	return f, nil
}
