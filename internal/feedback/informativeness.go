package feedback

import (
	"math"

	"nas/space"
)

// The prior of the unknown part of the accuracy, what the run's score does not predict: a Gaussian
// process over genes. Its values do not matter, as the variance of a Gaussian process depends only
// on where it was observed: so a choice of networks to train needs no accuracies.
const (
	lengthScale  = 0.35 // share of the genes that differ over which the covariance falls to 1/e
	trainedNoise = 0.1  // variance of training one network twice, against that of the unknown part
)

// unknown is what is not known about the accuracy of candidates, of which those with an index below
// len(weights) can be chosen.
type unknown struct {
	covariance [][]float64 // of the unknown part
	weights    []float64   // how much each candidate matters
	trained    []bool      // the candidates that are not to be chosen
}

// chosen is a candidate and the weighted variance that its accuracy takes away.
type chosen struct {
	index int
	gain  float64
}

// choose returns up to n candidates, the most informative first, and conditions u on them: the greedy
// A-optimal design (Cohn, Ghahramani and Jordan, Active learning with statistical models, JAIR 4,
// 1996, section 3). It returns fewer where all are trained, or no variance is left.
func (u *unknown) choose(n int) (out []chosen) {
	for len(out) < n {
		best, most := -1, 0.0
		for x := range u.weights {
			if u.trained[x] {
				continue
			}
			if gain := u.informativeness(x); gain > most {
				best, most = x, gain
			}
		}
		if best < 0 {
			return out
		}
		out = append(out, chosen{best, most})
		u.trained[best] = true
		u.condition(best)
	}
	return out
}

// informativeness is by how much the weighted variance falls when x is trained.
func (u *unknown) informativeness(x int) (gain float64) {
	k := u.covariance
	for i, w := range u.weights {
		gain += w * k[i][x] * k[i][x]
	}
	return gain / (k[x][x] + trainedNoise)
}

// variance is the weighted sum of the candidates' variances.
func (u *unknown) variance() (sum float64) {
	for i, w := range u.weights {
		sum += w * u.covariance[i][i]
	}
	return sum
}

// condition takes away the covariance that is explained once x has been trained.
func (u *unknown) condition(x int) {
	k := u.covariance
	scale := 1 / (k[x][x] + trainedNoise)
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

// covarianceOf is exp(-d/lengthScale), where d is the share of differing genes among those that either
// network reads. live says which ones each of them reads.
func covarianceOf(genes []space.Genes, live [][]bool) [][]float64 {
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
			k[i][j] = math.Exp(-float64(differ) / float64(max(1, read)) / lengthScale)
			k[j][i] = k[i][j]
		}
	}
	return k
}
