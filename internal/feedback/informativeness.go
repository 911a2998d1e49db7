package run

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/stat"

	"nas/internal/config"
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

	// The error of a score that states none, against the score's spread over the
	// candidates: without it, none but the front of the score would count.
	askDoubt = 0.25
)

// Ask chooses n networks to train: the sequence that lowers the variance of what
// is unknown about the accuracy of the front most, each member weighted by its
// probability of being on the true front. The unknown is a Gaussian process over
// genes, of which only places matter, so the choice needs no accuracies (Cohn,
// Ghahramani and Jordan, Active learning with statistical models, JAIR 4, 1996,
// section 3; greedy).
func Ask(dir string, n int) ([]Asked, error) {
	if n < 1 {
		return nil, config.Usagef("run: %d networks to ask for: want 1 or more", n)
	}
	s, err := Load(dir)
	if err != nil {
		return nil, config.Usage(err)
	}
	told, err := runstore.ReadTold(dir)
	if err != nil {
		return nil, err
	}
	sp, err := space.New(s.Config.Space)
	if err != nil {
		return nil, err
	}
	trials, err := s.candidates(tellCandidates)
	if err != nil {
		return nil, err
	}
	if len(trials) == 0 {
		return nil, config.Usagef("run: no trial of %s holds its constraints: there is nothing to train", dir)
	}
	var rivals []rival
	for i := range trials {
		if r, ok := rivalOf(&trials[i], s.Manifest.Objectives); ok {
			rivals = append(rivals, r)
		}
	}
	doubt(rivals, slices.IndexFunc(s.Manifest.Objectives, func(o search.Objective) bool { return o.Name == keyAccuracy }))
	chance := chances(rivals)
	genes := make([]space.Genes, len(trials))
	weights := make([]float64, len(trials))
	known := make([]bool, len(trials))
	for i, t := range trials {
		if err := sp.Check(t.Genes); err != nil {
			return nil, fmt.Errorf("run: trial %d of %s: %w", t.ID, dir, err)
		}
		genes[i], weights[i] = t.Genes, chance[t.ID]
	}
	for _, r := range told {
		a, err := space.Parse(r.Arch)
		if err != nil {
			return nil, fmt.Errorf("run: %s: trial %d: %w: restore the file, or delete it and tell the run again what you trained", filepath.Join(dir, runstore.ToldFile), r.ID, err)
		}
		for i := range trials {
			known[i] = known[i] || trials[i].ArchID == r.ArchID
		}
		genes = append(genes, sp.Nearest(a))
	}
	live := make([][]bool, len(genes))
	for i, g := range genes {
		live[i] = sp.Live(g, nil)
	}
	k := covariance(genes, live)
	for i := len(trials); i < len(genes); i++ {
		condition(k, i)
	}
	whole := 0.0
	for i, w := range weights {
		whole += w * k[i][i]
	}
	var out []Asked
	for _, x := range mostTelling(k, weights, known, n) {
		out = append(out, Asked{trials[x.place], weights[x.place], 100 * x.gain / whole})
	}
	if len(out) == 0 {
		return nil, config.Usagef("run: every network at the front of %s has been trained", dir)
	}
	return out, nil
}

// doubt gives the values of one objective an error, where they all state none.
func doubt(rivals []rival, objective int) {
	if objective < 0 {
		return
	}
	mids := make([]float64, len(rivals))
	for i, r := range rivals {
		if u := r.values[objective]; u.below > 0 || u.above > 0 {
			return
		}
		mids[i] = r.values[objective].mid
	}
	if len(mids) < 2 {
		return
	}
	sd := askDoubt * stat.StdDev(mids, nil)
	for i := range rivals {
		rivals[i].values[objective].below, rivals[i].values[objective].above = sd, sd
	}
}

// telling is a network chosen and the variance that knowing it takes away.
type telling struct {
	place int
	gain  float64
}

// mostTelling chooses n networks, one after the other: k is the covariance of what
// is unknown about all of them, weights how much each matters, known those that
// are not to be chosen. k is conditioned on the choice, known set.
func mostTelling(k [][]float64, weights []float64, known []bool, n int) (out []telling) {
	for len(out) < n {
		best, most := -1, 0.0
		for x := range weights {
			if known[x] {
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
			return out // all trained, or nothing left to learn
		}
		out = append(out, telling{best, most})
		known[best] = true
		condition(k, best)
	}
	return out
}

// covariance of the unknown part: exp(-d/reach), d being the share of the genes
// which either network reads that differ. live says which each one reads.
func covariance(genes []space.Genes, live [][]bool) [][]float64 {
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
