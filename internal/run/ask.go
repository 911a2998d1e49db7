package run

import (
	"fmt"
	"math"

	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Asked is a network whose training would tell much, and why.
type Asked struct {
	search.Trial
	OnFront float64 // probability of being on the true front
	// Explains is the share, in per cent, of what is unknown about the front that
	// is expected to be known with this one's accuracy, beyond that of the networks
	// before it and of those told already.
	Explains float64
}

// The prior of the accuracy's unknown part: networks that share all genes have it
// in common, those that share none have little.
const (
	askReach = 0.35 // difference in genes, as a share of them, over which it falls to 1/e
	askNoise = 0.1  // variance of training, against that of the unknown part
)

// Ask chooses n networks to train: the sequence that lowers the variance of what
// is unknown about the accuracy of the front most, each member weighted by its
// probability of being on the true front. The unknown is a Gaussian process over
// genes, of which only places matter, so the choice needs no accuracies (Cohn,
// Ghahramani and Jordan, Active learning with statistical models, JAIR 4, 1996,
// section 3; greedy).
func Ask(dir string, n int) ([]Asked, error) {
	if n < 1 {
		return nil, &UsageError{fmt.Errorf("run: %d networks to ask for: want 1 or more", n)}
	}
	s, err := Load(dir)
	if err != nil {
		return nil, &UsageError{err}
	}
	told, err := runstore.ReadTold(dir)
	if err != nil {
		return nil, err
	}
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return nil, err
	}
	trials := s.candidates(tellCandidates)
	if len(trials) == 0 {
		return nil, &UsageError{fmt.Errorf("run: no trial of %s holds its constraints: there is nothing to train", dir)}
	}
	var rivals []rival
	for i := range trials {
		if r, ok := rivalOf(&trials[i], s.Manifest.Objectives); ok {
			rivals = append(rivals, r)
		}
	}
	chance := chances(rivals)
	genes := make([]space.Genes, len(trials))
	weights := make([]float64, len(trials))
	known := map[string]bool{}
	for i, t := range trials {
		if err := sp.Check(t.Genes); err != nil {
			return nil, fmt.Errorf("run: trial %d of %s: %w", t.ID, dir, err)
		}
		genes[i], weights[i] = t.Genes, chance[t.ID]
	}
	for _, r := range told {
		a, err := space.Parse(r.Arch)
		if err != nil {
			return nil, err
		}
		known[r.ArchID] = true
		genes = append(genes, sp.Nearest(a))
	}
	k := covariance(sp, genes)
	for i := len(trials); i < len(genes); i++ {
		condition(k, i)
	}
	whole := 0.0
	for i, w := range weights {
		whole += w * k[i][i]
	}
	var out []Asked
	for len(out) < n {
		best, most := -1, 0.0
		for x, t := range trials {
			if known[t.ArchID] {
				continue
			}
			gain := 0.0
			for i, w := range weights {
				gain += w * k[i][x] * k[i][x]
			}
			if gain /= k[x][x] + askNoise; gain > most {
				best, most = x, gain
			}
		}
		if best < 0 {
			break // all trained, or nothing left to learn
		}
		out = append(out, Asked{trials[best], weights[best], 100 * most / whole})
		known[trials[best].ArchID] = true
		condition(k, best)
	}
	if len(out) == 0 {
		return nil, &UsageError{fmt.Errorf("run: every network at the front of %s has been trained", dir)}
	}
	return out, nil
}

// covariance of the unknown part: exp(-d/reach), d being the share of the genes
// which either network reads that differ.
func covariance(sp *space.Space, genes []space.Genes) [][]float64 {
	live := make([][]bool, len(genes))
	for i, g := range genes {
		live[i] = sp.Live(g, nil)
	}
	k := make([][]float64, len(genes))
	for i := range k {
		k[i] = make([]float64, len(genes))
		for j := range i + 1 {
			read, differ := 0, 0
			for p := range genes[i] {
				if !live[i][p] && !live[j][p] {
					continue
				}
				read++
				if live[i][p] != live[j][p] || genes[i][p] != genes[j][p] {
					differ++
				}
			}
			k[i][j] = math.Exp(-float64(differ) / float64(max(1, read)) / askReach)
			k[j][i] = k[i][j]
		}
	}
	return k
}

// condition takes away what is known once x has been trained.
func condition(k [][]float64, x int) {
	scale := 1 / (k[x][x] + askNoise)
	column := make([]float64, len(k))
	for i := range k {
		column[i] = k[i][x]
	}
	for i := range k {
		for j := range k[i] {
			k[i][j] -= column[i] * column[j] * scale
		}
	}
}
