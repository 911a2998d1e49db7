package search

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// finalProcess predicts the cost after the last rung of networks that came to a certain rung. It is a Gaussian process
// (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, algorithm 2.1) of the standardised cost,
// whose covariance of two networks is the sum of
//
//	4                                   the mean
//	s_j t_j + 0.1 (s_j^2-1)(t_j^2-1)    of each trait: a line and a parabola
//	u v                                 the value at the rung, a line
//	Genes g.h / |g|^2                   what each choice adds
//	Pairs exp(-|s-t|^2/4.5 - 0.35 |g-h|^2)   what is left: networks that are alike
//	Noise                               of a training, for a network with itself
//
// Genes, Pairs and Noise are those of a grid that the trials make likeliest (section 5.4.1).
type finalProcess struct {
	rows      []finalRow
	rung      scale // of the value at the rung
	target    scale
	size      float64 // |g|^2 of a usual network
	genes     float64
	pairs     float64
	noise     float64
	weights   []float64
	factor    mat.Cholesky
	deviation float64 // of the error of a prediction, each trial predicted from the others
}

// finalRow is what the end of a trial is predicted from.
type finalRow struct {
	traits []float64 // about standardised
	value  float64   // the cost at the rung; NaN before the first
	genes  []float64
}

// leastFinished is the number of finished trials that a [finalProcess] is fitted to at least.
const leastFinished = 4

// priors are normal priors of the logarithms of Genes and Noise.
const (
	usualGenes, usualNoise = 0.05, 0.03
	priorWidth             = 1.5
)

// newFinalProcess fits a process to rows and what came of them; nil if they are too few.
func newFinalProcess(rows []finalRow, cost []float64) *finalProcess {
	n := len(rows)
	if n < leastFinished {
		return nil
	}
	p := &finalProcess{rows: rows, target: unitScale(cost), rung: scale{factor: 1}}
	if !math.IsNaN(rows[0].value) {
		values := make([]float64, n)
		for i, r := range rows {
			values[i] = r.value
		}
		p.rung = unitScale(values)
	}
	y := make([]float64, n)
	for i, v := range cost {
		y[i] = p.target.of(v)
		for _, g := range rows[i].genes {
			p.size += g * g / float64(n)
		}
	}
	p.size = max(p.size, math.SmallestNonzeroFloat64)
	var best *finalProcess
	likeliest := math.Inf(-1)
	for _, p.genes = range []float64{0.005, 0.02, 0.08, 0.3} {
		for _, p.pairs = range []float64{0, 0.05} {
			for _, p.noise = range []float64{0.01, 0.03, 0.1} {
				q := *p
				if v := q.condition(y); v > likeliest {
					likeliest, best = v, &q
				}
			}
		}
	}
	if best != nil {
		best.deviation = best.leftOut()
	}
	return best
}

// condition conditions the process on the standardised costs of its rows, and returns the logarithm of their
// probability and that of the parameters, but for a constant; -Inf if rounding leaves no solution.
func (p *finalProcess) condition(y []float64) float64 {
	n := len(y)
	k := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			k.SetSym(i, j, p.covariance(&p.rows[i], &p.rows[j]))
		}
		k.SetSym(i, i, k.At(i, i)+p.noise)
	}
	p.factor = mat.Cholesky{}
	if !p.factor.Factorize(k) {
		return math.Inf(-1)
	}
	var w mat.VecDense
	p.factor.SolveVecTo(&w, mat.NewVecDense(n, y)) // an error only tells of a large condition number
	p.weights = w.RawVector().Data
	g, e := math.Log(p.genes/usualGenes)/priorWidth, math.Log(p.noise/usualNoise)/priorWidth
	return -(mat.Dot(mat.NewVecDense(n, y), &w) + p.factor.LogDet() + g*g + e*e) / 2
}

// parts are the covariance without genes and pairs, and what Genes and Pairs are factors of.
func (p *finalProcess) parts(a, b *finalRow) (trend, genes, pairs float64) {
	trend = 4
	far := 0.0
	for j, s := range a.traits {
		t := b.traits[j]
		trend += s*t + 0.1*(s*s-1)*(t*t-1)
		far += (s - t) * (s - t) / 4.5
	}
	if !math.IsNaN(a.value) {
		trend += p.rung.of(a.value) * p.rung.of(b.value)
	}
	for j, g := range a.genes {
		h := b.genes[j]
		genes += g * h / p.size
		far += 0.35 * (g - h) * (g - h)
	}
	return trend, genes, math.Exp(-far)
}

func (p *finalProcess) covariance(a, b *finalRow) float64 {
	trend, genes, pairs := p.parts(a, b)
	return trend + p.genes*genes + p.pairs*pairs
}

// leftOut is the root of the mean squared error of a trial that is predicted from the others (equation 5.12).
func (p *finalProcess) leftOut() float64 {
	var inverse mat.SymDense
	p.factor.InverseTo(&inverse) // an error only tells of a large condition number
	sum := 0.0
	for i, w := range p.weights {
		e := w / inverse.At(i, i)
		sum += e * e / float64(len(p.weights))
	}
	return math.Sqrt(sum) / p.target.factor
}

// mean is the cost that is expected.
func (p *finalProcess) mean(r finalRow) float64 {
	v := 0.0
	for i, w := range p.weights {
		v += w * p.covariance(&p.rows[i], &r)
	}
	return p.target.mean + v/p.target.factor
}

// spread is the standard deviation of the cost, that of a training included.
func (p *finalProcess) spread(r finalRow) float64 {
	k, solved := mat.NewVecDense(len(p.rows), nil), new(mat.VecDense)
	for i := range p.rows {
		k.SetVec(i, p.covariance(&p.rows[i], &r))
	}
	p.factor.SolveVecTo(solved, k) // an error only tells of a large condition number
	return math.Sqrt(max(p.noise, p.covariance(&r, &r)+p.noise-mat.Dot(k, solved))) / p.target.factor
}
