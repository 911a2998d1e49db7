package audit

import (
	"nas/accuracy"
	"nas/blocks"
	"nas/internal/evaluator"
	"nas/internal/random"
	"nas/space"
)

// ChoiceRow is about one choice of a gene, against the first one.
type ChoiceRow struct {
	Choice     string  `json:"choice"`
	ScoreMean  float64 `json:"score_change_mean"`
	LatencyPct float64 `json:"latency_change_mean_pct"`
	// Like is an earlier choice that the score cannot tell from this one, "" where there is none,
	// and Why says what makes the score take this one for it.
	Like string `json:"scores_like,omitempty"`
	Why  string `json:"why,omitempty"`
}

// String is what a user must know of a choice, "" for nothing.
func (v ChoiceRow) String() string {
	if v.Like == "" {
		return ""
	}
	s := v.Choice + " scores like " + v.Like
	if v.Why != "" {
		s += " (" + v.Why + ")"
	}
	return s
}

// swapBases is the number of networks on which every choice of a gene is tried: fewer than for
// flips, as some scores take a tenth of a second.
const swapBases = 16

// swap is a base network with each choice of one of its genes: indices into a batch.
type swap []int

// swapChoices builds, for each group of genes, base networks with every choice. It leaves out those
// that cannot be built with all of them.
func swapChoices(s *evaluator.Setup, groups []geneGroup, bases []space.Genes, nets *batch) [][]swap {
	swaps := make([][]swap, len(groups))
	r := random.Stream(s.Config.Accuracy.Seed, "values")
	for k, group := range groups {
		for _, base := range bases {
			gene, ok := liveGene(s.Space, base, group.genes, r)
			if !ok || len(swaps[k]) == swapBases {
				continue
			}
			built := make([]*blocks.Network, 0, len(group.choices))
			for v := range group.choices {
				n, err := s.Space.Arch(withChoice(base, gene, v)).Network()
				if err != nil {
					break
				}
				built = append(built, n)
			}
			if len(built) < len(group.choices) {
				continue
			}
			var x swap
			for _, n := range built {
				x = append(x, nets.add(n))
			}
			swaps[k] = append(swaps[k], x)
		}
	}
	return swaps
}

// compareChoices compares the choices of a group by the networks of its swaps.
func compareChoices(group geneGroup, swaps []swap, nets *batch, info accuracy.Info, noise float64) []ChoiceRow {
	rows := make([]ChoiceRow, len(group.choices))
	for v, choice := range group.choices {
		compare := func(w int) (score, latencyPct []float64) {
			changes := make([]change, len(swaps))
			for i, x := range swaps {
				changes[i] = change{x[w], x[v]}
			}
			return nets.changes(changes)
		}
		row := ChoiceRow{Choice: choice}
		score, latencyPct := compare(0)
		row.ScoreMean, _ = meanSD(score)
		row.LatencyPct, _ = meanSD(latencyPct)
		for w := range v {
			score, _ := compare(w)
			if mean, sd := meanSD(score); len(score) > 0 && !visible(len(score), mean, sd, noise) {
				row.Like = group.choices[w]
				break
			}
		}
		if like, why := countedAs(group, v, info); like != "" {
			row.Like, row.Why = like, why
		}
		rows[v] = row
	}
	return rows
}
