package run

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/blocks"
	"nas/space"
)

// AuditValue is about one choice of a gene, against the first one.
type AuditValue struct {
	Choice     string  `json:"choice"`
	ScoreMean  float64 `json:"score_change_mean"`
	LatencyPct float64 `json:"latency_change_mean_pct"`
	// Like is an earlier choice that the score cannot tell from this one, ""
	// where there is none, and Why says what it makes of this one.
	Like string `json:"scores_like,omitempty"`
	Why  string `json:"why,omitempty"`
}

// String is what a user must know of a choice, "" for nothing.
func (v AuditValue) String() string {
	if v.Like == "" {
		return ""
	}
	s := v.Choice + " scores like " + v.Like
	if v.Why != "" {
		s += " (" + v.Why + ")"
	}
	return s
}

// valueBases is the number of networks on which every choice of a gene is tried:
// fewer than for flips, as some scores take a tenth of a second.
const valueBases = 16

// valueTrial is a base network with each choice of one of its genes.
type valueTrial struct {
	group int
	at    []int // of each choice, among the networks
}

// valueTrials builds, for each group of genes, base networks with every choice.
// Those that cannot be built with all of them are left out. Networks are handed to
// add, which returns their places.
func (p *pipeline) valueTrials(groups []geneGroup, bases []space.Genes, add func(*blocks.Network) int) (trials []valueTrial) {
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x76616c756573)) // "values"
	for k, group := range groups {
		done := 0
		for _, base := range bases {
			gene, ok := p.liveGene(base, group.genes, r)
			if !ok || done == valueBases {
				continue
			}
			nets := make([]*blocks.Network, len(group.choices))
			for v := range group.choices {
				g := append(space.Genes(nil), base...)
				g[gene] = uint16(v)
				n, err := p.space.Arch(g).Network()
				if err != nil {
					break
				}
				nets[v] = n
			}
			if nets[len(nets)-1] == nil {
				continue
			}
			t := valueTrial{group: k}
			for _, n := range nets {
				t.at = append(t.at, add(n))
			}
			trials = append(trials, t)
			done++
		}
	}
	return trials
}

// auditValues compares the choices of a group: scores and latencies are those of
// the networks that the trials point to.
func auditValues(group geneGroup, trials []valueTrial, scores, ms []float64, info accuracy.Info, noise float64) []AuditValue {
	values := make([]AuditValue, len(group.choices))
	for v, choice := range group.choices {
		values[v].Choice = choice
		compare := func(w int) (score, latency []float64) {
			for _, t := range trials {
				score = append(score, scores[t.at[v]]-scores[t.at[w]])
				latency = append(latency, 100*(ms[t.at[v]]/ms[t.at[w]]-1))
			}
			return score, latency
		}
		score, latency := compare(0)
		values[v].ScoreMean, _ = meanSpread(score)
		values[v].LatencyPct, _ = meanSpread(latency)
		for w := range v {
			score, _ := compare(w)
			row := AuditRow{Flips: len(score)}
			row.ScoreMean, row.ScoreSpread = meanSpread(score)
			if len(score) > 0 && !visible(row, noise) {
				values[v].Like = group.choices[w]
				break
			}
		}
		if like, why := countedAs(group, v, info); like != "" {
			values[v].Like, values[v].Why = like, why
		}
	}
	return values
}

// countedAs returns the choice that the score declares to take choice v for.
func countedAs(group geneGroup, v int, info accuracy.Info) (like, why string) {
	for trait, limit := range info.Caps {
		if blindKeys[string(trait)] != group.key {
			continue
		}
		x, err := strconv.ParseFloat(group.choices[v], 64)
		if err != nil || x <= limit {
			continue
		}
		why = fmt.Sprintf("no network of its data has a %s above %g, so more counts as that and costs a little for being unknown", trait, limit)
		for _, c := range group.choices {
			if y, err := strconv.ParseFloat(c, 64); err == nil && y == limit {
				return c, why
			}
		}
		return fmt.Sprintf("%g", limit), why
	}
	return "", ""
}

// warnCapped says which choices the score declares to take for others.
func (p *pipeline) warnCapped() {
	info := p.eval.accuracy.Info()
	for _, group := range geneGroups(p.space.Genes(), false) {
		for v := range group.choices {
			if like, why := countedAs(group, v, info); like != "" {
				p.say("%s %s scores like %s: %s", strings.ReplaceAll(group.key, "_", " "), group.choices[v], like, why)
			}
		}
	}
}
