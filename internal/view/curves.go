package view

import (
	"nas/internal/report"
	"nas/internal/results"
)

// Curves draws the learning curves of a run; it has none where the run trained nothing.
func Curves(s *results.Stored) (report.Curves, error) {
	curves, err := s.Curves()
	return results.CurvesFigure(s.Config.Name, s.Manifest.Score.Label, curves), err
}
