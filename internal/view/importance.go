package view

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nas/internal/importance"
	"nas/internal/report"
	"nas/internal/results"
)

// The most genes and pairs that a picture shows.
const (
	shownGenes = 24
	shownPairs = 5
)

// Importance draws which genes the objectives of a run depend on.
func Importance(ctx context.Context, s *results.Stored) (report.Importance, error) {
	reports, err := importance.OfRun(ctx, s, importance.Options{})
	if err != nil {
		return report.Importance{}, err
	}
	m := report.Importance{
		Title: s.Config.Name + ": what latency and accuracy depend on",
		Subtitle: fmt.Sprintf("variance over the whole space, by a fit to %s trials; 90 %% intervals over resamples of them",
			report.Thousands(reports[0].Trials)),
	}
	most := map[string]float64{}
	var names []string
	for _, r := range reports {
		m.Values = append(m.Values, r.Value)
		m.Notes = append(m.Notes, fmt.Sprintf("%s: the fit explains %.0f %% of trials that it did not see; a gene that does "+
			"nothing is given up to %.2g %%", r.Value, r.Explained, r.NoisePct))
		for _, g := range r.Genes {
			if _, ok := most[g.Name]; !ok {
				names = append(names, g.Name)
			}
			most[g.Name] = max(most[g.Name], g.Total.Pct)
		}
		if note := pairsNote(r); note != "" {
			m.Notes = append(m.Notes, note)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if most[a] > most[b] {
			return -1
		}
		return 1
	})
	for _, name := range names[:min(len(names), shownGenes)] {
		row := report.ImportanceRow{Label: name}
		for _, r := range reports {
			g := r.Genes[slices.IndexFunc(r.Genes, func(g importance.Gene) bool { return g.Name == name })]
			row.Shares = append(row.Shares, report.ImportanceShare{
				First: g.First.Pct, Total: g.Total.Pct, Low: g.Total.Low, High: g.Total.High,
			})
		}
		m.Rows = append(m.Rows, row)
	}
	return m, nil
}

// pairsNote names the genes that act together most.
func pairsNote(r *importance.Report) string {
	var parts []string
	for _, p := range r.Pairs[:min(len(r.Pairs), shownPairs)] {
		if p.Share.Low > r.NoisePct && p.Share.Pct >= 1 {
			parts = append(parts, fmt.Sprintf("%s and %s %.0f %%", p.A, p.B, p.Share.Pct))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return r.Value + ", together: " + strings.Join(parts, ", ")
}
