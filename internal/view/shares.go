package view

import (
	"fmt"

	"nas/internal/fault"
	"nas/internal/report"
	"nas/internal/results"
	"nas/space"
)

// Shares draws what distinguishes the front from the whole space.
func Shares(s *results.Stored) (report.Shares, error) {
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return report.Shares{}, err
	}
	var front []space.Genes
	for _, t := range s.Front.Trials() {
		if err := sp.Check(t.Genes); err != nil {
			return report.Shares{}, fault.Errorf("results: trial %d of %s: %w", t.ID, s.Dir, err)
		}
		front = append(front, t.Genes)
	}
	const samples = 2000
	return report.Shares{
		Title: s.Config.Name + ": what the front takes",
		Subtitle: fmt.Sprintf("%s networks of the front against %s samples of the space, all blocks together",
			report.Thousands(len(front)), report.Thousands(samples)),
		Genes: report.SharesOfGenes(sp, front, samples, s.Manifest.Score.BlindTo),
	}, nil
}
