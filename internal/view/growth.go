package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nas/internal/report"
	"nas/internal/results"
	"nas/internal/runstore"
)

// Growth draws the hypervolume over one run or several.
func Growth(runs ...*results.Stored) report.Growth {
	g := report.Growth{Title: titleOf(runs) + ": hypervolume", YLabel: hypervolumeLabel(runs[0]), Notes: []string{
		"Hypervolume: what the front dominates, from the worst of a random sample of the space on. More is better."}}
	if len(runs) == 1 {
		g.Subtitle = searcherOf(runs[0])
	}
	names := seriesNames(runs)
	for i, s := range runs {
		g.Series = append(g.Series, report.GrowthSeries{Name: names[i], Points: s.Volumes})
		if !slices.Equal(s.Manifest.Reference, runs[0].Manifest.Reference) && len(g.Notes) == 1 {
			g.Notes = append(g.Notes, "The runs have different reference points: compare shapes, not levels.")
		}
	}
	return g
}

// hypervolumeLabel names hypervolume with its unit, the product of the objectives' units.
func hypervolumeLabel(s *results.Stored) string {
	var units []string
	for _, o := range s.Manifest.Objectives {
		unit := o.Unit
		if o.Name == runstore.KeyAccuracy {
			a := axisOf(s, o)
			unit = cmp.Or(a.Unit, a.Name)
		}
		units = append(units, cmp.Or(unit, o.Name))
	}
	return "hypervolume, " + strings.Join(units, " x ")
}

// searcherOf is the algorithm with its settings, without the objectives, which stand on the axes.
func searcherOf(s *results.Stored) string {
	settings, _, cut := strings.Cut(s.Manifest.Algorithm, ", objectives=[")
	if cut {
		settings += ")"
	}
	return settings
}

// Agreement draws predicted against measured latency of the front.
func Agreement(s *results.Stored) report.Agreement {
	q := report.AgreementSeries{Name: "members of the front"}
	for _, r := range s.Measured {
		q.Points = append(q.Points, report.Prediction{
			Measured: r.MeasuredMs, Predicted: r.PredictedMs, Low: r.LowMs, High: r.HighMs,
		})
	}
	return report.Agreement{
		Title:    s.Config.Name + ": the front, predicted and measured",
		Quantity: "latency in ms (" + s.Manifest.Device + ")",
		Series:   []report.AgreementSeries{q},
	}
}

// Remeasured draws the members of the front that were measured, before and after: by their predicted latency, and by
// the measured one. It has no series where fewer than two were measured.
func Remeasured(s *results.Stored) report.Fronts {
	x, y := s.Axes()
	f := report.Fronts{X: axisOf(s, x), Y: axisOf(s, y)}
	rows := map[int]runstore.MeasuredRow{}
	for _, r := range s.Measured {
		rows[r.ID] = r
	}
	before, after := report.Series{Name: "predicted"}, report.Series{Name: "measured"}
	for _, t := range s.Front.Trials() {
		r, ok := rows[t.ID]
		if !ok {
			continue
		}
		p := point(func(f runstore.Field) runstore.Value { return f.Of(&t.Result) }, x, y)
		p.X, p.XLow, p.XHigh = r.PredictedMs, r.LowMs, r.HighMs
		p.YLow, p.YHigh = p.Y, p.Y // the same for both
		before.Front = append(before.Front, p)
		p.X, p.XLow, p.XHigh = r.MeasuredMs, r.P10Ms, r.P90Ms
		after.Front = append(after.Front, p)
	}
	if len(before.Front) < 2 {
		return f
	}
	f.Series = []report.Series{before, after}
	f.Title = s.Config.Name + ": the front before and after measuring"
	f.Subtitle = fmt.Sprintf("%d members, by their predicted and by their measured latency", len(before.Front))
	f.X.Label = "latency in ms (" + s.Manifest.Device + ")"
	f.Notes = []string{"Bars: the 90 % interval of the prediction, and the 10th to 90th percentile of the measured runs."}
	return f
}
