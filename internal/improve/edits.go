package improve

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

// edits lists what was changed, block by block, and judges the best network with each edit alone taken
// back.
func (c *comparison) edits(ctx context.Context) error {
	if c.out.Best == nil {
		return nil
	}
	genes := c.Space.Genes()
	stages := len(c.Space.Arch(c.start).Stages)
	for i := 0; i < len(genes); {
		g, end := genes[i], i
		for end < len(genes) && genes[end].Stage == g.Stage && genes[end].Block == g.Block {
			end++
		}
		changes, back := c.changesIn(i, end)
		i = end
		if len(changes) == 0 {
			continue
		}
		n, err := c.Space.Arch(back).Network()
		if err != nil {
			return err
		}
		s, err := c.assess(ctx, n)
		if err != nil {
			return err
		}
		c.out.Edits = append(c.out.Edits, Edit{
			Where: where(g, stages), Changes: changes, Ms: c.out.Best.Ms - s.Ms, Score: c.out.Best.Score - s.Score,
		})
	}
	return nil
}

// changesIn returns what was changed in the genes from begin to end, which are those of one block or of a
// stage as a whole, and the best network with that taken back.
func (c *comparison) changesIn(begin, end int) (changes []string, back space.Genes) {
	genes := c.Space.Genes()
	read, readBest := c.Space.Live(c.start, nil), c.Space.Live(c.best, nil)
	back = slices.Clone(c.best)
	for k := begin; k < end; k++ {
		if !read[k] || !readBest[k] || c.start[k] == c.best[k] {
			continue
		}
		back[k] = c.start[k]
		choices := genes[k].Choices
		changes = append(changes, fmt.Sprintf("%s %s -> %s", genes[k].Key, choices[c.start[k]], choices[c.best[k]]))
	}
	g := genes[begin]
	a, b := c.Space.Arch(c.start), c.Space.Arch(c.best)
	if g.Stage <= 0 || g.Stage > len(a.Stages) || g.Block != 0 {
		return changes, back
	}
	x, y := a.Stages[g.Stage-1], b.Stages[g.Stage-1]
	for n := len(x); n < len(y); n++ {
		changes = append(changes, "new block "+y[n].String())
	}
	for n := len(y); n < len(x); n++ {
		changes = append(changes, "without block "+x[n].String())
	}
	for k := range genes { // a block that comes back is the one that was there
		if genes[k].Stage == g.Stage && genes[k].Block > len(y) {
			back[k] = c.start[k]
		}
	}
	return changes, back
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
