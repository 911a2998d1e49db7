package run

import (
	"math"
	"math/rand/v2"
	"strings"

	"nas/space"
)

// geneGroup is the genes of one key and the same choices, of one stage or of all.
type geneGroup struct {
	name, key string
	genes     []int
	choices   []string
}

func geneGroups(genes []space.Gene, byStage bool) (groups []geneGroup) {
	at := map[string]int{}
	for i, g := range genes {
		name, id := g.Key, g.Key+strings.Join(g.Choices, " ")
		if byStage {
			if cut := strings.Index(g.Name, ".block["); cut >= 0 {
				name = g.Name[:cut] + "." + g.Key
			} else {
				name = g.Name
			}
			id = name
		}
		k, ok := at[id]
		if !ok {
			k = len(groups)
			at[id] = k
			groups = append(groups, geneGroup{name: name, key: g.Key, choices: g.Choices})
		}
		groups[k].genes = append(groups[k].genes, i)
	}
	return groups
}

// auditBases draws the networks on which genes are flipped. Genes that are not
// live are drawn too: they count where a flip brings them to life.
func (p *pipeline) auditBases() (bases []space.Genes) {
	r := rand.New(rand.NewPCG(p.cfg.Accuracy.Seed, 0x6261736573)) // "bases"
	genes := p.space.Genes()
	for try := 0; len(bases) < auditBases && try < 8*auditBases; try++ {
		g := p.space.Sample(r)
		for i, live := range p.space.Live(g, nil) {
			if !live {
				g[i] = uint16(r.IntN(len(genes[i].Choices)))
			}
		}
		if _, err := p.space.Arch(g).Network(); err == nil {
			bases = append(bases, g)
		}
	}
	return bases
}

// liveGene draws one of the genes that the network reads.
func (p *pipeline) liveGene(base space.Genes, genes []int, r *rand.Rand) (int, bool) {
	live := p.space.Live(base, nil)
	var some []int
	for _, g := range genes {
		if live[g] {
			some = append(some, g)
		}
	}
	if len(some) == 0 {
		return 0, false
	}
	return some[r.IntN(len(some))], true
}

// flip draws another choice of a gene that makes another network which can be
// built.
func (p *pipeline) flip(base space.Genes, gene int, r *rand.Rand) (space.Genes, bool) {
	id := p.space.Arch(base).String()
	for _, v := range r.Perm(len(p.space.Genes()[gene].Choices)) {
		if v == int(base[gene]) {
			continue
		}
		g := append(space.Genes(nil), base...)
		g[gene] = uint16(v)
		a := p.space.Arch(g)
		if _, err := a.Network(); err == nil && a.String() != id {
			return g, true
		}
	}
	return nil, false
}

// priced sums what each choice of a gene does to the first cost of the run.
type priced struct {
	sum []float64 // of log(cost / mean of the choices), by choice
	n   int
}

// price adds one network, with every choice of one of its genes. Networks that
// cannot be built with all of them are left out.
func (t *priced) price(p *pipeline, base space.Genes, gene int) error {
	choices := p.space.Genes()[gene].Choices
	logs := make([]float64, len(choices))
	mean := 0.0
	for v := range choices {
		g := append(space.Genes(nil), base...)
		g[gene] = uint16(v)
		n, err := p.space.Arch(g).Network()
		if err != nil {
			return nil
		}
		e, err := p.eval.devices[0].predictor.Predict(n)
		if err != nil {
			return err
		}
		logs[v] = math.Log(e.LatencyMs)
		mean += logs[v] / float64(len(choices))
	}
	if t.sum == nil {
		t.sum = make([]float64, len(choices))
	}
	t.n++
	for v := range logs {
		t.sum[v] += logs[v] - mean
	}
	return nil
}

// cheapest is the choice with the least mean cost, and what it saves against the
// dearest.
func (t *priced) cheapest(choices []string) (string, float64) {
	if t.n == 0 {
		return "", 0
	}
	best, worst := 0, 0
	for v, s := range t.sum {
		if s < t.sum[best] {
			best = v
		}
		if s > t.sum[worst] {
			worst = v
		}
	}
	return choices[best], 100 * (1 - math.Exp((t.sum[best]-t.sum[worst])/float64(t.n)))
}
