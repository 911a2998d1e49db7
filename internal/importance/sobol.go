package importance

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"nas/space"
)

// decomposer estimates shares of the variance of a surrogate over the space, by sampling.
type decomposer struct {
	s        *surrogate
	x, y, z  []space.Genes // independent samples
	fx, fy   []float64
	variance float64
	mixed    space.Genes
	codes    []uint8
	live     []bool
	swapped  map[int][]float64 // by the first gene of a set: the values of x with the set from z
}

func newDecomposer(s *surrogate, samples int, r *rand.Rand) *decomposer {
	n := len(s.d.choices)
	d := &decomposer{s: s, mixed: make(space.Genes, n), codes: make([]uint8, n),
		swapped: map[int][]float64{}}
	for range samples {
		x, y, z := make(space.Genes, n), make(space.Genes, n), make(space.Genes, n)
		s.d.draw(r, x)
		s.d.draw(r, y)
		s.d.draw(r, z)
		d.x, d.y, d.z = append(d.x, x), append(d.y, y), append(d.z, z)
		d.fx, d.fy = append(d.fx, d.value(x)), append(d.fy, d.value(y))
	}
	d.variance = (stat.Variance(d.fx, nil) + stat.Variance(d.fy, nil)) / 2
	return d
}

func (d *decomposer) value(g space.Genes) float64 {
	d.live = d.s.d.encode(d.codes, g, d.live)
	return d.s.predict(d.codes)
}

// with is the value of base with these genes of another genotype.
func (d *decomposer) with(base, from space.Genes, genes ...[]int) float64 {
	copy(d.mixed, base)
	for _, list := range genes {
		for _, i := range list {
			d.mixed[i] = from[i]
		}
	}
	return d.value(d.mixed)
}

// shares returns the share of the variance that a set of genes explains by itself, the closed Sobol index in the
// form that is exact for small ones (Owen, Better estimation of small Sobol' sensitivity indices, ACM TOMACS 23,
// 2013), and the share that is lost without the set, the total index (Jansen, Analysis of variance designs for
// model output, Computer Physics Communications 117, 1999).
func (d *decomposer) shares(genes []int) (first, total float64) {
	if d.variance == 0 {
		return 0, 0
	}
	n := float64(len(d.x))
	swapped := make([]float64, len(d.x))
	d.swapped[genes[0]] = swapped
	for i := range d.x {
		swapped[i] = d.with(d.x[i], d.z[i], genes)
		a := d.fx[i] - swapped[i]
		b := d.with(d.y[i], d.x[i], genes) - d.fy[i]
		first += a * b / n
		total += (a*a + b*b) / (4 * n)
	}
	return first / d.variance, total / d.variance
}

// together returns the share of the variance that is due to two sets of genes acting together, with or without
// others: the superset importance of Liu and Owen (Estimating mean dimensionality of analysis of variance
// decompositions, JASA 101, 2006), which is the total interaction index of Fruth, Roustant and Kuhnt (2014).
// shares must have been called with either set.
func (d *decomposer) together(u, v []int) float64 {
	if d.variance == 0 {
		return 0
	}
	sum, a, b := 0.0, d.swapped[u[0]], d.swapped[v[0]]
	for i := range d.x {
		e := d.fx[i] - a[i] - b[i] + d.with(d.x[i], d.z[i], u, v)
		sum += e * e
	}
	return sum / (4 * float64(len(d.x))) / d.variance
}
