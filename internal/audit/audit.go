// Package audit finds out which genes of a space the models of a run can see: what a gene changes
// in the score and in the latency. On a gene that the score cannot see a search takes whatever is
// cheapest.
package audit

import (
	"context"
	"fmt"
	"math"
	"strings"

	"nas/internal/evaluator"
	"nas/internal/plural"
	"nas/internal/random"
	"nas/space"
)

// Report says for each kind of gene of a space, stage by stage, what one of them changes.
type Report struct {
	Score  string    `json:"score"`
	Device string    `json:"device"`
	Bases  int       `json:"bases"` // networks on which genes were flipped
	Noise  float64   `json:"score_noise"`
	Rows   []GeneRow `json:"genes"`
}

// GeneRow is about the genes of one key in one stage. Changes are those of going from a choice to
// one that stands behind it in the config.
type GeneRow struct {
	Gene           string   `json:"gene"`  // "stage[2].kernel"
	Genes          int      `json:"count"` // of the stage's blocks together
	Choices        []string `json:"choices"`
	Flips          int      `json:"flips"`
	ScoreMean      float64  `json:"score_change_mean"`
	ScoreSD        float64  `json:"score_change_spread"` // standard deviation
	LatencyMeanPct float64  `json:"latency_change_mean_pct"`
	LatencySDPct   float64  `json:"latency_change_spread_pct"`
	// Visible says that the score's changes are more than its own seed noise, and not a fixed
	// charge for what the score says it cannot see.
	Visible bool `json:"visible"`
	// Cheapest is the choice with the least latency on average, and SavingPct how much it saves
	// against the dearest one. It wins where the gene is not visible.
	Cheapest  string  `json:"cheapest"`
	SavingPct float64 `json:"saving_pct"`
	// Declared says that the score itself says that it cannot see the gene. Charged says that,
	// besides, a choice that the score has never seen costs a fixed charge.
	Declared bool        `json:"declared_blind"`
	Charged  bool        `json:"charged"`
	Values   []ChoiceRow `json:"values"`
}

// Space flips one gene at a time on 64 networks drawn from the space of a setup.
func Space(ctx context.Context, s *evaluator.Setup) (*Report, error) {
	groups := groupGenes(s.Space.Genes(), true)
	bases := drawBases(s)
	var nets batch
	flips, costs, err := flipGenes(s, groups, bases, &nets)
	if err != nil {
		return nil, err
	}
	swaps := swapChoices(s, groups, bases, &nets)
	s.Sayf("scoring %s", plural.Of(len(nets.networks), "network"))
	if err := nets.judge(ctx, s); err != nil {
		return nil, err
	}
	noise, err := seedNoise(ctx, s, bases)
	if err != nil {
		return nil, err
	}
	info := s.Accuracy.Info()
	report := &Report{Score: info.Label, Device: s.Devices[0].Profile.Device.String(), Bases: len(bases), Noise: noise}
	blind, charged := genesOf(info.Blind), genesOf(info.Penalised)
	for k, group := range groups {
		row := GeneRow{
			Gene: group.name, Genes: len(group.genes), Choices: group.choices,
			Declared: blind[group.key], Charged: charged[group.key],
		}
		score, latency := nets.changes(flips[k])
		row.Flips = len(score)
		row.ScoreMean, row.ScoreSD = meanSD(score)
		row.LatencyMeanPct, row.LatencySDPct = meanSD(latency)
		row.Visible = !row.Declared && visible(row.Flips, row.ScoreMean, row.ScoreSD, noise)
		row.Values = compareChoices(group, swaps[k], &nets, info, noise)
		row.Cheapest, row.SavingPct = costs[k].cheapest(group.choices)
		report.Rows = append(report.Rows, row)
	}
	return report, nil
}

// flipGenes flips a live gene of each group on each base, and finds what each of its choices costs.
func flipGenes(
	s *evaluator.Setup, groups []geneGroup, bases []space.Genes, nets *batch,
) ([][]change, []choiceCosts, error) {
	flips, costs := make([][]change, len(groups)), make([]choiceCosts, len(groups))
	r := random.Stream(s.Config.Accuracy.Seed, "audit")
	for _, base := range bases {
		from, err := nets.addGenes(s.Space, base)
		if err != nil {
			return nil, nil, err
		}
		for k, group := range groups {
			gene, ok := liveGene(s.Space, base, group.genes, r)
			if !ok {
				continue
			}
			if err := costs[k].add(s, base, gene); err != nil {
				return nil, nil, err
			}
			flipped, ok := flip(s.Space, base, gene, r)
			if !ok {
				continue
			}
			to, err := nets.addGenes(s.Space, flipped)
			if err != nil {
				return nil, nil, err
			}
			c := change{from, to}
			if flipped[gene] < base[gene] {
				c = change{to, from}
			}
			flips[k] = append(flips[k], c)
		}
	}
	return flips, costs, nil
}

// seedNoise is the standard deviation of one network's score over seeds of the score, less what all
// networks share: the part that can change an order. It is 0 for a score that draws nothing.
func seedNoise(ctx context.Context, s *evaluator.Setup, bases []space.Genes) (float64, error) {
	var nets batch
	for _, b := range bases {
		if _, err := nets.addGenes(s.Space, b); err != nil {
			return 0, err
		}
	}
	scores, err := s.SeedScores(ctx, nets.networks)
	if err != nil {
		return 0, err
	}
	return noiseOf(scores), nil
}

// String is the verdict on a gene, for people.
func (r GeneRow) String() string {
	switch {
	case r.Flips == 0:
		return "never read by the networks drawn"
	case r.Visible:
		var like []string
		for _, v := range r.Values {
			if v.Like != "" {
				like = append(like, v.Choice+" scores like "+v.Like)
			}
		}
		return strings.Join(append([]string{"seen"}, like...), "; ")
	case r.Charged && math.Abs(r.ScoreMean) > 0 && len(r.Values) > 0:
		best := r.Values[0]
		for _, v := range r.Values {
			if v.ScoreMean > best.ScoreMean {
				best = v
			}
		}
		return fmt.Sprintf("NOT seen, but a fixed charge for the unknown: %s wins", best.Choice)
	}
	return fmt.Sprintf("NOT seen: %s wins, %.1f %% cheaper", r.Cheapest, r.SavingPct)
}
