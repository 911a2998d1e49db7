package audit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"nas/accuracy"
	"nas/internal/evaluator"
	"nas/internal/random"
	"nas/internal/runstore"
	"nas/space"
)

// geneGroup is the genes of one key and the same choices, of one stage or of all.
type geneGroup struct {
	name, key string
	genes     []int
	choices   []string
	places    places // where the genes are
}

// places are the numbers of stages; 0 stands for a gene of the whole network.
type places []int

// String says where, with a blank before it: " in stages 2-4 and 6".
func (p places) String() string {
	stages := slices.Compact(slices.Sorted(slices.Values(p)))
	if len(stages) == 0 || stages[0] == 0 {
		return ""
	}
	var runs []string
	for i := 0; i < len(stages); {
		j := i
		for j+1 < len(stages) && stages[j+1] == stages[j]+1 {
			j++
		}
		run := strconv.Itoa(stages[i])
		if j > i {
			run += "-" + strconv.Itoa(stages[j])
		}
		runs = append(runs, run)
		i = j + 1
	}
	switch n := len(runs); {
	case len(stages) == 1:
		return " in stage " + runs[0]
	case n > 1:
		runs = append(runs[:n-2], runs[n-2]+" and "+runs[n-1])
	}
	return " in stages " + strings.Join(runs, ", ")
}

// placeOf is the stage in the name of a gene.
func placeOf(name string) (stage int) {
	if _, err := fmt.Sscanf(name, "stage[%d]", &stage); err != nil {
		return 0
	}
	return stage
}

func groupGenes(genes []space.Gene, byStage bool) (groups []geneGroup) {
	index := map[string]int{}
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
		k, ok := index[id]
		if !ok {
			k = len(groups)
			index[id] = k
			groups = append(groups, geneGroup{name: name, key: g.Key, choices: g.Choices})
		}
		groups[k].genes = append(groups[k].genes, i)
		groups[k].places = append(groups[k].places, placeOf(g.Name))
	}
	return groups
}

// genesOf is the keys of the genes that decide these traits.
func genesOf(traits []accuracy.Trait) map[string]bool {
	keys := map[string]bool{}
	for _, t := range traits {
		keys[runstore.GeneOf(string(t))] = true
	}
	return keys
}

// baseCount is the number of networks on which genes are flipped.
const baseCount = 64

// drawBases draws the networks on which genes are flipped. Genes that are not live are drawn too:
// they count where a flip brings them to life.
func drawBases(s *evaluator.Setup) (bases []space.Genes) {
	r := random.Stream(s.Config.Accuracy.Seed, "bases")
	genes := s.Space.Genes()
	for try := 0; len(bases) < baseCount && try < 8*baseCount; try++ {
		g := s.Space.Sample(r)
		for i, live := range s.Space.Live(g, nil) {
			if !live {
				g[i] = uint16(r.IntN(len(genes[i].Choices)))
			}
		}
		if _, err := s.Space.Arch(g).Network(); err == nil {
			bases = append(bases, g)
		}
	}
	return bases
}

// liveGene draws one of the genes that the network reads; false if it reads none of them.
func liveGene(sp *space.Space, base space.Genes, genes []int, r *rand.Rand) (int, bool) {
	live := sp.Live(base, nil)
	var read []int
	for _, g := range genes {
		if live[g] {
			read = append(read, g)
		}
	}
	if len(read) == 0 {
		return 0, false
	}
	return read[r.IntN(len(read))], true
}

// withChoice is a copy of base with choice v of a gene.
func withChoice(base space.Genes, gene, v int) space.Genes {
	g := slices.Clone(base)
	g[gene] = uint16(v)
	return g
}

// flip draws another choice of a gene that makes another network which can be built.
func flip(sp *space.Space, base space.Genes, gene int, r *rand.Rand) (space.Genes, bool) {
	text := sp.Arch(base).String()
	for _, v := range r.Perm(len(sp.Genes()[gene].Choices)) {
		if v == int(base[gene]) {
			continue
		}
		g := withChoice(base, gene, v)
		a := sp.Arch(g)
		if _, err := a.Network(); err == nil && a.String() != text {
			return g, true
		}
	}
	return nil, false
}

// choiceCosts compares the choices of a gene by the latency on the first device.
type choiceCosts struct {
	sum []float64 // of log(latency / geometric mean over the choices), by choice
	n   int       // networks
}

// add takes one network with every choice of one of its genes. It leaves out a network that cannot
// be built with all of them.
func (c *choiceCosts) add(s *evaluator.Setup, base space.Genes, gene int) error {
	choices := s.Space.Genes()[gene].Choices
	logs := make([]float64, len(choices))
	mean := 0.0
	for v := range choices {
		n, err := s.Space.Arch(withChoice(base, gene, v)).Network()
		if err != nil {
			return nil
		}
		e, err := s.Devices[0].Predictor.Predict(n)
		if err != nil {
			return err
		}
		logs[v] = math.Log(e.LatencyMs)
		mean += logs[v] / float64(len(choices))
	}
	if c.sum == nil {
		c.sum = make([]float64, len(choices))
	}
	c.n++
	for v := range logs {
		c.sum[v] += logs[v] - mean
	}
	return nil
}

// cheapest is the choice with the least mean latency, and what it saves against the dearest, in per cent.
func (c *choiceCosts) cheapest(choices []string) (choice string, savingPct float64) {
	if c.n == 0 {
		return "", 0
	}
	best, worst := slices.Index(c.sum, slices.Min(c.sum)), slices.Index(c.sum, slices.Max(c.sum))
	return choices[best], 100 * (1 - math.Exp((c.sum[best]-c.sum[worst])/float64(c.n)))
}

// countedAs returns the choice that the score declares to take choice v for, and why; "" where it tells v apart.
func countedAs(group geneGroup, v int, info accuracy.Info) (like, why string) {
	for trait, limit := range info.Caps {
		if runstore.GeneOf(string(trait)) != group.key {
			continue
		}
		x, err := strconv.ParseFloat(group.choices[v], 64)
		if err != nil || x <= limit {
			continue
		}
		why = fmt.Sprintf("no network of its data has a %s above %g, "+
			"so more counts as that and costs a little for being unknown", trait, limit)
		for _, c := range group.choices {
			if y, err := strconv.ParseFloat(c, 64); err == nil && y == limit {
				return c, why
			}
		}
		return fmt.Sprintf("%g", limit), why
	}
	return "", ""
}
