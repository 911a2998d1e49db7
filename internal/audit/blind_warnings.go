package run

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"

	"nas/space"
)

// warnBlind says which genes the score declares that it cannot see, and which
// choice will win for that reason.
func (p *pipeline) warnBlind(ctx context.Context) error {
	blind, charged := map[string]bool{}, map[string]bool{}
	info := p.eval.accuracy.Info()
	for _, t := range info.Blind {
		blind[blindKeys[string(t)]] = true
	}
	for _, t := range info.Charged {
		charged[blindKeys[string(t)]] = true
	}
	if p.Say == nil || !p.eval.objectives[keyAccuracy] {
		return nil
	}
	p.warnCapped()
	var bases []space.Genes
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x626c696e64)) // "blind"
	for _, group := range geneGroups(p.space.Genes(), false) {
		if !blind[group.key] {
			continue
		}
		if charged[group.key] {
			p.say("the score cannot see %s; a choice that no network of its data has costs a small fixed charge, so %s = %s wins whatever it is worth (nas space --audit says more)",
				group.key, group.key, least(group.choices))
			continue
		}
		if bases == nil {
			bases = p.auditBases()
		}
		var t priced
		for _, base := range bases {
			gene, ok := p.liveGene(base, group.genes, r)
			if !ok {
				continue
			}
			if err := t.price(p, base, gene); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if value, saving := t.cheapest(group.choices); value != "" {
			p.say("the score cannot see %s: the search will take the cheapest, %s = %s, which saves %.1f %% of the latency each time (nas space --audit says more)",
				group.key, group.key, value, saving)
		}
	}
	return nil
}

// least returns the smallest of choices that are numbers: the plain one.
func least(choices []string) string {
	return slices.MinFunc(choices, func(a, b string) int {
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return cmp.Compare(x, y)
	})
}
