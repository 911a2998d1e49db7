package run

import (
	"fmt"
	"strings"

	"nas/internal/report"
	"nas/space"
)

// blindKeys are the gene keys of the traits that a score may not see.
var blindKeys = map[string]string{
	"SE": "se", "activation": "activation", "dilation": "dilation", "kernel size": "kernel",
	"expansion": "expansion", "resolution": "resolution", "width": "width", "depth": "depth",
}

// blindTo tells whether the run's score cannot see the genes of a key.
func (s *Stored) blindTo(key string) bool {
	for _, trait := range strings.Split(s.Manifest.Notes["blind"], ", ") {
		if blindKeys[trait] == key {
			return true
		}
	}
	return false
}

// Shares draws what distinguishes the front from the whole space.
func (s *Stored) Shares() (report.Shares, error) {
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return report.Shares{}, err
	}
	var front []space.Genes
	for _, t := range s.Front.Trials() {
		if err := sp.Check(t.Genes); err != nil {
			return report.Shares{}, fmt.Errorf("run: trial %d of %s: %w", t.ID, s.Dir, err)
		}
		front = append(front, t.Genes)
	}
	const samples = 2000
	return report.Shares{
		Title:    s.Config.Name + ": what the front takes",
		Subtitle: fmt.Sprintf("%s networks of the front against %s samples of the space, all blocks together", report.Thousands(len(front)), report.Thousands(samples)),
		Genes:    report.SharesOfGenes(sp, front, samples, s.blindTo),
	}, nil
}
