package view

import (
	"cmp"
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
