package run

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"nas/accuracy"
	"nas/blocks"
	"nas/space"
)

// Audit says for each kind of gene of a space, stage by stage, what one of them
// changes in the score and in the latency: a gene that the score cannot see is
// one on which a search takes whatever is cheapest.
type Audit struct {
	Score  string     `json:"score"`
	Device string     `json:"device"`
	Bases  int        `json:"bases"` // networks on which genes were flipped
	Noise  float64    `json:"score_noise"`
	Rows   []AuditRow `json:"genes"`
}

// AuditRow is about the genes of one key in one stage. Changes are those of going
// from a choice to one that stands behind it in the config.
type AuditRow struct {
	Gene           string   `json:"gene"`  // "stage[2].kernel"
	Genes          int      `json:"count"` // of the stage's blocks together
	Choices        []string `json:"choices"`
	Flips          int      `json:"flips"`
	ScoreMean      float64  `json:"score_change_mean"`
	ScoreSpread    float64  `json:"score_change_spread"` // standard deviation
	LatencyMeanPct float64  `json:"latency_change_mean_pct"`
	LatencySpread  float64  `json:"latency_change_spread_pct"`
	// Visible says that the score's changes are more than its own seed noise, and
	// not a fixed charge for what the score says it cannot see.
	Visible bool `json:"visible"`
	// Cheapest is the choice with the least latency on average, and SavingPct how
	// much it saves against the dearest one. It wins where the gene is not visible.
	Cheapest  string  `json:"cheapest"`
	SavingPct float64 `json:"saving_pct"`
	// Declared says that the score itself says that it cannot see the gene.
	Declared bool         `json:"declared_blind"`
	Charged  bool         `json:"charged"` // it is, and a choice that the score has never seen costs a fixed charge
	Values   []AuditValue `json:"values"`
}

const (
	auditBases = 64
	// Differences of two scores that are noise alone have a root mean square of
	// sqrt(2) times one score's noise, give or take a tenth with 64 of them.
	auditVisible = 1.3
	// The mean change is as telling where it is many of its standard errors.
	auditErrors = 3
	noiseSeeds  = 4
	noiseSample = 64 // reference networks of a score with another seed
)

// AuditSpace flips one gene at a time on 64 networks drawn from the config's
// space. It reads or makes the latency profile as a run does, and touches no run
// directory.
func AuditSpace(ctx context.Context, o Options) (*Audit, error) {
	p := newPipeline(o)
	if err := p.take(ctx, p.prepare, p.profiles, p.scale); err != nil {
		return nil, err
	}
	groups := geneGroups(p.space.Genes(), true)
	bases := p.auditBases()
	a := &Audit{Score: p.eval.accuracy.Info().Label, Device: p.eval.devices[0].profile.Device.String(), Bases: len(bases)}

	// All networks first, so that they are scored by all cores.
	type flip struct {
		group, from, to int // networks
	}
	var nets []*blocks.Network
	add := func(g space.Genes) (int, error) {
		n, err := p.space.Arch(g).Network()
		nets = append(nets, n)
		return len(nets) - 1, err
	}
	var flips []flip
	trials := make([]priced, len(groups))
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x6175646974)) // "audit"
	for _, base := range bases {
		at, err := add(base)
		if err != nil {
			return nil, err
		}
		for k, group := range groups {
			gene, ok := p.liveGene(base, group.genes, r)
			if !ok {
				continue
			}
			if err := trials[k].price(p, base, gene); err != nil {
				return nil, err
			}
			to, ok := p.flip(base, gene, r)
			if !ok {
				continue
			}
			n, err := add(to)
			if err != nil {
				return nil, err
			}
			f := flip{k, at, n}
			if to[gene] < base[gene] {
				f.from, f.to = n, at
			}
			flips = append(flips, f)
		}
	}
	values := p.valueTrials(groups, bases, func(n *blocks.Network) int {
		nets = append(nets, n)
		return len(nets) - 1
	})
	p.say("scoring %d networks", len(nets))
	all, err := accuracy.ScoreAll(ctx, p.eval.accuracy, nets, p.Workers)
	if err != nil {
		return nil, err
	}
	scores := accuracy.Values(all)
	ms := make([]float64, len(nets))
	for i, n := range nets {
		e, err := p.eval.devices[0].predictor.Predict(n)
		if err != nil {
			return nil, err
		}
		ms[i] = e.LatencyMs
	}
	some := make([]*blocks.Network, len(bases))
	for i, b := range bases {
		if some[i], err = p.space.Arch(b).Network(); err != nil {
			return nil, err
		}
	}
	if a.Noise, err = p.seedNoise(ctx, some); err != nil {
		return nil, err
	}
	info := p.eval.accuracy.Info()
	blind, charged := map[string]bool{}, map[string]bool{}
	for _, t := range info.Blind {
		blind[blindKeys[string(t)]] = true
	}
	for _, t := range info.Charged {
		charged[blindKeys[string(t)]] = true
	}
	for k, group := range groups {
		row := AuditRow{Gene: group.name, Genes: len(group.genes), Choices: group.choices, Declared: blind[group.key], Charged: charged[group.key]}
		var score, slower []float64
		for _, f := range flips {
			if f.group == k {
				score = append(score, scores[f.to]-scores[f.from])
				slower = append(slower, 100*(ms[f.to]/ms[f.from]-1))
			}
		}
		row.Flips = len(score)
		row.ScoreMean, row.ScoreSpread = meanSpread(score)
		row.LatencyMeanPct, row.LatencySpread = meanSpread(slower)
		row.Visible = !row.Declared && visible(row, a.Noise)
		var tried []valueTrial
		for _, t := range values {
			if t.group == k {
				tried = append(tried, t)
			}
		}
		row.Values = auditValues(group, tried, scores, ms, info, a.Noise)
		row.Cheapest, row.SavingPct = trials[k].cheapest(group.choices)
		a.Rows = append(a.Rows, row)
	}
	return a, nil
}

// visible decides whether changes of the score are more than its noise.
func visible(r AuditRow, noise float64) bool {
	if r.Flips == 0 {
		return false
	}
	rms := math.Hypot(r.ScoreMean, r.ScoreSpread)
	if noise == 0 {
		return rms > 1e-9
	}
	return rms > auditVisible*math.Sqrt2*noise || math.Abs(r.ScoreMean) > auditErrors*r.ScoreSpread/math.Sqrt(float64(r.Flips)) && rms > 1e-9
}

func meanSpread(v []float64) (mean, spread float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		spread += (x - mean) * (x - mean) / float64(max(1, len(v)-1))
	}
	return mean, math.Sqrt(spread)
}

// String is the verdict on a gene, for people.
func (r AuditRow) String() string {
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
		// A choice unknown to the score costs a fixed charge: the known one wins.
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
