package view

import (
	"fmt"

	"nas/internal/report"
	"nas/internal/results"
)

// Curves draws the learning curves of a run; it has none where the run trained nothing.
func Curves(s *results.Stored) (report.Curves, error) {
	curves, err := s.Curves()
	stopped, front := 0, 0
	for _, c := range curves {
		if c.Stopped {
			stopped++
		}
		if c.Front {
			front++
		}
	}
	return report.Curves{
		Title: s.Config.Name + ": learning curves",
		Subtitle: fmt.Sprintf("%d networks trained, %d of them to the end, %d on the front", len(curves),
			len(curves)-stopped, front),
		YLabel: s.Manifest.Score.Label, Curves: curves,
		Notes: []string{"The numbers are those of the trials."},
	}, err
}
