package run

import (
	"context"
	"fmt"
	"slices"

	"nas/space"
)

// Edit is what differs in one block, or in a stage as a whole.
type Edit struct {
	Where   string   `json:"where"` // "stage 3, block 2"
	Changes []string `json:"changes"`
	// Ms and Score are what the best network would lose of its latency and of its
	// score if this edit alone were taken back: positive Score is a gain by the
	// edit, positive Ms a price. Edits act on each other and need not add up.
	Ms    float64 `json:"latency_ms"`
	Score float64 `json:"score"`
}

// edits lists what was changed, block by block, and judges the best network with
// each edit alone taken back.
func (m *improver) edits(ctx context.Context) error {
	if m.out.Best == nil {
		return nil
	}
	genes := m.space.Genes()
	from, to := m.space.Live(m.start, nil), m.space.Live(m.picked, nil)
	a, b := m.space.Arch(m.start), m.space.Arch(m.picked)
	for i := 0; i < len(genes); {
		g, j := genes[i], i
		for j < len(genes) && genes[j].Stage == g.Stage && genes[j].Block == g.Block {
			j++
		}
		edit := Edit{Where: where(g, len(a.Stages))}
		back := slices.Clone(m.picked)
		for k := i; k < j; k++ {
			if !from[k] || !to[k] || m.start[k] == m.picked[k] {
				continue
			}
			back[k] = m.start[k]
			edit.Changes = append(edit.Changes, fmt.Sprintf("%s %s -> %s", genes[k].Key, genes[k].Choices[m.start[k]], genes[k].Choices[m.picked[k]]))
		}
		if g.Stage > 0 && g.Stage <= len(a.Stages) && g.Block == 0 {
			x, y := a.Stages[g.Stage-1], b.Stages[g.Stage-1]
			for n := len(x); n < len(y); n++ {
				edit.Changes = append(edit.Changes, "new block "+y[n].String())
			}
			for n := len(y); n < len(x); n++ {
				edit.Changes = append(edit.Changes, "without block "+x[n].String())
			}
			for k := range genes { // a block that comes back is the one that was there
				if genes[k].Stage == g.Stage && genes[k].Block > len(y) {
					back[k] = m.start[k]
				}
			}
		}
		i = j
		if len(edit.Changes) == 0 {
			continue
		}
		n, err := m.space.Arch(back).Network()
		if err != nil {
			return err
		}
		s, err := m.side(ctx, n)
		if err != nil {
			return err
		}
		edit.Ms, edit.Score = m.out.Best.Ms-s.Ms, m.out.Best.Score-s.Score
		m.out.Edits = append(m.out.Edits, edit)
	}
	return nil
}

// where names the owner of a gene.
func where(g space.Gene, stages int) string {
	switch {
	case g.Stage < 0:
		return "network"
	case g.Stage == 0:
		return "stem"
	case g.Stage > stages:
		return "head"
	case g.Block == 0:
		return fmt.Sprintf("stage %d", g.Stage)
	}
	return fmt.Sprintf("stage %d, block %d", g.Stage, g.Block)
}
