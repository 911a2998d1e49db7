package importance

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"nas/internal/fault"
	mathstat "nas/internal/stat"
	"nas/space"
)

// absent is the code of a gene that a network does not have.
const absent = 64

// blanks are genes that nothing depends on, added to those of the space. What importance a surrogate gives them is
// the noise of the method (Kursa and Rudnicki, Feature selection with the Boruta package, J. of Statistical
// Software 36, 2010).
const blanks = 6

// domain is the genes of a space, and behind them the blanks.
type domain struct {
	space   *space.Space
	choices []int // numbers of choices
	offset  []int // of each gene's choices among the columns of the regression
	columns int
}

func newDomain(s *space.Space) *domain {
	d := &domain{space: s}
	genes := s.Genes()
	for _, g := range genes {
		d.choices = append(d.choices, len(g.Choices))
	}
	for i := range blanks { // as many choices as genes of the space have
		d.choices = append(d.choices, d.choices[i*len(genes)/blanks])
	}
	for _, n := range d.choices {
		d.offset = append(d.offset, d.columns)
		d.columns += n
	}
	return d
}

// draw draws a genotype, the blanks included.
func (d *domain) draw(r *rand.Rand, g space.Genes) {
	for i, n := range d.choices {
		g[i] = uint16(r.IntN(n))
	}
}

// encode writes the codes of the canonical form of g into x.
func (d *domain) encode(x []uint8, g space.Genes, live []bool) []bool {
	n := len(d.choices) - blanks
	c := d.space.Canonical(g[:n])
	live = d.space.Live(c, live)
	for i := range n {
		x[i] = absent
		if live[i] {
			x[i] = uint8(c[i])
		}
	}
	for i := n; i < len(g); i++ {
		x[i] = uint8(g[i])
	}
	return live
}

// surrogate predicts one value of a network from its genes.
type surrogate struct {
	d         *domain
	intercept float64
	c         []float64 // by column
	pairs     []genePair
	forest    forest
}

func (s *surrogate) linear(x []uint8) float64 {
	v := s.intercept
	for i, code := range x {
		if int(code) < s.d.choices[i] {
			v += s.c[s.d.offset[i]+int(code)]
		}
	}
	for _, p := range s.pairs {
		if k, ok := s.d.column(p, x); ok {
			v += s.c[k]
		}
	}
	return v
}

func (s *surrogate) predict(x []uint8) float64 { return s.linear(x) + s.forest.predict(x) }

// The surrogate's settings.
const (
	trees = 8 // of each of the resamples
	ridge = 1.0
)

// fit fits a surrogate to rows of codes: a regression on the choices, then one on these and the strongest pairs of
// them, then a forest on the rest. Regression-enhanced forests are due to Zhang, Nettleton and Zhu
// (Regression-enhanced random forests, 2019).
func (d *domain) fit(x [][]uint8, y []float64, r *rand.Rand) (*surrogate, error) {
	s := &surrogate{d: d}
	rest, err := s.regress(x, y)
	if err != nil {
		return nil, err
	}
	if s.pairs = d.findPairs(x, rest, s.c); len(s.pairs) > 0 {
		if rest, err = s.regress(x, y); err != nil {
			return nil, err
		}
	}
	s.forest = growForest(x, rest, trees, r)
	return s, nil
}

// active appends the columns that a row of codes has; there the design is 1, elsewhere 0.
func (s *surrogate) active(columns []int, x []uint8) []int {
	for j, code := range x {
		if int(code) < s.d.choices[j] {
			columns = append(columns, s.d.offset[j]+int(code))
		}
	}
	for _, p := range s.pairs {
		if k, ok := s.d.column(p, x); ok {
			columns = append(columns, k)
		}
	}
	return columns
}

// regress fits the coefficients by ridge regression and returns what they leave of y. The design is sparse, and its
// normal equations are summed from the ones of each row.
func (s *surrogate) regress(x [][]uint8, y []float64) (rest []float64, err error) {
	columns, n := s.d.columns, float64(len(x))
	for _, p := range s.pairs {
		columns += s.d.choices[p.a] * s.d.choices[p.b]
	}
	gram, sums, right := make([]float64, columns*columns), make([]float64, columns), make([]float64, columns)
	mean := stat.Mean(y, nil)
	var active []int
	for i, row := range x {
		active = s.active(active[:0], row) // ascending
		for k, j := range active {
			sums[j]++
			right[j] += y[i] - mean
			for _, l := range active[k:] {
				gram[j*columns+l]++
			}
		}
	}
	for j := range columns {
		for l := j; l < columns; l++ {
			gram[j*columns+l] -= sums[j] * sums[l] / n
		}
		gram[j*columns+j] += ridge
	}
	var f mat.Cholesky
	if !f.Factorize(mat.NewSymDense(columns, gram)) {
		return nil, mathstat.ErrNotPositive
	}
	var c mat.VecDense
	if err := f.SolveVecTo(&c, mat.NewVecDense(columns, right)); err != nil {
		return nil, fault.Errorf("importance: ridge regression: %w", err)
	}
	s.c, s.intercept = c.RawVector().Data, mean
	for j := range columns {
		s.intercept -= s.c[j] * sums[j] / n
	}
	rest = make([]float64, len(y))
	for i := range x {
		rest[i] = y[i] - s.linear(x[i])
	}
	return rest, nil
}

// explained is the share of the variance of y that a surrogate predicts; NaN for fewer than two rows.
func (s *surrogate) explained(x [][]uint8, y []float64) float64 {
	if len(y) < 2 {
		return math.NaN()
	}
	rest := 0.0
	for i := range x {
		e := y[i] - s.predict(x[i])
		rest += e * e
	}
	return 1 - rest/(stat.Variance(y, nil)*float64(len(y)-1))
}
