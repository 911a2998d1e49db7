package accuracy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/stat"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"
)

// TrainedNetwork is a network with the accuracy that somebody's training gave it.
type TrainedNetwork struct {
	Network *blocks.Network
	Top1Pct float64
}

// Surrogate is an estimate fitted to the user's own trained networks: Gaussian
// processes on training-free proxies and on the slot features of the fitted
// estimate. Which columns, length scale and noise it uses is chosen by repeated
// cross-validation on Kendall's tau, the candidate with the largest mean less
// standard deviation winning, as in NSGANetV2 (Lu, Deb, Goodman, Banzhaf and
// Boddeti, ECCV 2020, section 3.2). It differs from theirs in its candidates:
// proxies stand in for the networks that were not trained.
type Surrogate struct {
	parts    []proxyEstimator
	prior    *RankMean // nil without a reference sample
	columns  []int     // of the columns, those in use
	mean, sd []float64
	g        *stat.GP
	noise    float64 // standard deviation of an out-of-fold error, points
	rows     int
	tau      float64
	choice   string
}

// surrogateProxies are the proxies among the columns.
var surrogateProxies = []string{"macs", "params", "depth", "entropy", "profile", "synflow", "naswot", "naswot_sqrt", "naswot_even", "naswot_spread"}

// surrogatePrior is the score that few trained networks are bent from.
const surrogatePrior = "rankmean(naswot_sqrt,naswot_even,naswot_spread,profile)"

// minTrained is the least number of trained networks.
const minTrained = 5

// NewSurrogate fits to o.Trained. With o.Reference or o.Scale a combined rank is
// among the columns, which is worth most where little was trained.
func NewSurrogate(ctx context.Context, o Options) (*Surrogate, error) {
	if len(o.Trained) < minTrained {
		return nil, fmt.Errorf("accuracy: surrogate needs %d trained networks or more, it has %d; give a table with the columns arch and accuracy", minTrained, len(o.Trained))
	}
	s, err := newColumns(ctx, o)
	if err != nil {
		return nil, err
	}
	raw := make([][]float64, len(o.Trained))
	y := make([]float64, len(o.Trained))
	err = forEach(ctx, len(raw), o.Workers, func(ctx context.Context, i int) (err error) {
		raw[i], err = s.row(ctx, o.Trained[i].Network)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accuracy: surrogate: %w", err)
	}
	for i, t := range o.Trained {
		if math.IsNaN(t.Top1Pct) || t.Top1Pct < 0 || t.Top1Pct > 100 {
			return nil, fmt.Errorf("accuracy: surrogate: accuracy of network %s is %v, want per cent from 0 to 100", t.Network.Name, t.Top1Pct)
		}
		y[i] = t.Top1Pct
	}
	if slices.Max(y) == slices.Min(y) {
		return nil, errors.New("accuracy: surrogate: all trained networks have one accuracy")
	}
	return s, s.fit(raw, y, o.Seed)
}

// newColumns returns a surrogate that can compute columns, but is not fitted.
func newColumns(ctx context.Context, o Options) (*Surrogate, error) {
	s := new(Surrogate)
	for _, name := range surrogateProxies {
		s.parts = append(s.parts, proxyEstimator{proxies[name], o.proxySettings()})
	}
	if len(o.Reference) > 1 || o.Scale != nil {
		e, err := NewContext(ctx, surrogatePrior, o)
		if err != nil {
			return nil, err
		}
		s.prior = e.(*RankMean)
	}
	return s, nil
}

// row computes all columns of a network.
func (s *Surrogate) row(ctx context.Context, n *blocks.Network) ([]float64, error) {
	var memo Memo
	row := make([]float64, 1, 1+len(s.parts)+slotFeatures+2)
	if s.prior != nil {
		p, err := s.prior.estimateShared(ctx, n, &memo)
		if err != nil {
			return nil, err
		}
		row[0] = p.Value
	}
	for _, p := range s.parts {
		v, err := p.estimateShared(ctx, n, &memo)
		if err != nil {
			return nil, err
		}
		row = append(row, v.Value)
	}
	t := readTraits(n)
	row = append(row, t.x[:]...)
	return append(row, t.swish, math.Log2(t.resolution)), nil
}

// surrogateChoice is a candidate.
type surrogateChoice struct {
	name    string
	columns []int
	h       stat.Kernel
}

// candidates lists what cross-validation chooses from. Columns that do not vary
// are dropped, and with a prior to fall back on, sets of more columns than half
// the networks. With a prior and few networks there is one candidate, bent: on ten
// networks cross-validation picks by luck.
func (s *Surrogate) candidates(x *mat.Dense) []surrogateChoice {
	n, d := x.Dims()
	varies := func(from, to int) (cols []int) {
		for j := from; j < to; j++ {
			if s.sd[j] > 0 {
				cols = append(cols, j)
			}
		}
		return cols
	}
	first := 1 + len(s.parts)
	prior, proxy, shape := varies(0, 1), varies(1, first), varies(first, d)
	sets := []struct {
		name string
		cols []int
	}{
		{"prior", prior}, {"proxies", slices.Concat(prior, proxy)}, {"shape", shape}, {"prior and shape", slices.Concat(prior, shape)}, {"all", slices.Concat(prior, proxy, shape)},
	}
	if n < bentBelow && len(prior) > 0 {
		if c, ok := s.bent(); ok {
			return []surrogateChoice{c}
		}
	}
	var out []surrogateChoice
	for _, set := range sets {
		if len(set.cols) == 0 || len(prior) > 0 && len(set.cols) > max(1, n/2) {
			continue
		}
		for _, length := range []float64{1, 2.5} {
			for _, noise := range []float64{0.02, 0.1, 0.4} {
				h := stat.Kernel{Matern: 1, Linear: 1, Noise: noise, Length: make([]float64, len(set.cols))}
				for j := range h.Length {
					h.Length[j] = length * math.Sqrt(float64(len(set.cols)))
				}
				out = append(out, surrogateChoice{fmt.Sprintf("%s, length %g, noise %g", set.name, length, noise), set.cols, h})
			}
		}
	}
	return out
}

// Settings of bent, chosen on half of NAS-Bench-Macro.
const (
	bentBelow  = 20 // trained networks: from then on cross-validation finds what the parts do not see
	bentMatern = 0.3
	bentLength = 2.5
	bentNoise  = 0.1 // of training, and of what the parts do not see
)

// bent is the training-free score, and how far networks that its parts see alike
// depart from it: a linear trend in the score, and a process over its parts of less
// variance. Distances are in standard deviations of the reference sample, not of
// the few networks, which may lie close together.
func (s *Surrogate) bent() (c surrogateChoice, ok bool) {
	var columns []int
	var wide []float64 // standard deviation in the sample against that of the trained
	add := func(j int, sample []float64) {
		if sd := gonum.StdDev(sample, nil); sd > 0 && s.sd[j] > 0 {
			columns, wide = append(columns, j), append(wide, sd/s.sd[j])
		}
	}
	add(0, s.prior.ReferenceValues())
	for j, p := range s.parts {
		if ruler := s.prior.scale.parts[p.String()]; ruler != nil && slices.Contains(s.prior.names, p.String()) {
			add(1+j, ruler.sample)
		}
	}
	d := len(columns)
	if d < 2 || columns[0] != 0 {
		return c, false
	}
	h := stat.Kernel{Matern: bentMatern, Linear: 1, Noise: bentNoise, Length: make([]float64, d), Trend: make([]float64, d)}
	for j, w := range wide {
		h.Length[j] = bentLength * math.Sqrt(float64(d)) * w
	}
	h.Trend[0] = 1 / (wide[0] * wide[0])
	return surrogateChoice{"bent prior", columns, h}, true
}

// Settings of the choice.
const (
	surrogateFolds   = 5
	surrogateRepeats = 4
	surrogateCVRows  = 300 // at most, drawn for the choice alone
)

func (s *Surrogate) fit(raw [][]float64, y []float64, seed uint64) error {
	n, d := len(raw), len(raw[0])
	s.rows = n
	x := mat.NewDense(n, d, nil)
	s.mean, s.sd = make([]float64, d), make([]float64, d)
	column := make([]float64, n)
	for j := range d {
		for i := range n {
			column[i] = raw[i][j]
		}
		s.mean[j], s.sd[j] = gonum.MeanStdDev(column, nil)
		if s.sd[j] < 1e-9*(1+math.Abs(s.mean[j])) {
			s.sd[j] = 0
		}
		for i := range n {
			x.Set(i, j, s.standard(raw[i], j))
		}
	}
	target := make([]float64, n)
	for i, v := range y {
		target[i] = linkOf(v)
	}
	best := math.Inf(-1)
	var chosen surrogateChoice
	for _, c := range s.candidates(x) {
		var taus []float64
		errors2 := 0.0
		for r := range surrogateRepeats {
			order := stat.SampleRows(n, surrogateCVRows, seed+uint64(r)+100)
			held := make([]float64, len(order))
			truth := make([]float64, len(order))
			for f := range surrogateFolds {
				var in, out []int
				for k, i := range order {
					if k%surrogateFolds == f {
						out = append(out, i)
					} else {
						in = append(in, i)
					}
				}
				g, err := stat.FitGP(c.h, pick(x, in, c.columns), at(target, in))
				if err != nil {
					return err
				}
				p := g.Predict(pick(x, out, c.columns))
				k := 0
				for q := range order {
					if q%surrogateFolds == f {
						held[q], truth[q] = p[k], y[order[q]]
						errors2 += math.Pow(unlink(p[k])-truth[q], 2)
						k++
					}
				}
			}
			taus = append(taus, stat.KendallTau(held, truth))
		}
		mean, sd := gonum.MeanStdDev(taus, nil)
		if mean-sd > best {
			best, chosen = mean-sd, c
			s.tau = mean
			s.noise = math.Sqrt(errors2 / float64(surrogateRepeats*min(n, surrogateCVRows)))
		}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	g, err := stat.FitGP(chosen.h, pick(x, all, chosen.columns), target)
	if err != nil {
		return err
	}
	s.g, s.columns, s.choice = g, chosen.columns, chosen.name
	return nil
}

// linkOf spreads accuracies near 100 %; it is finite at both ends.
func linkOf(pct float64) float64 { return -math.Log(100.5 - pct) }
func unlink(t float64) float64   { return 100.5 - math.Exp(-t) }

func (s *Surrogate) standard(raw []float64, j int) float64 {
	if s.sd[j] == 0 {
		return 0
	}
	return (raw[j] - s.mean[j]) / s.sd[j]
}

func pick(x *mat.Dense, rows, columns []int) *mat.Dense {
	m := mat.NewDense(len(rows), len(columns), nil)
	for a, i := range rows {
		for b, j := range columns {
			m.Set(a, b, x.At(i, j))
		}
	}
	return m
}

func at(v []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for a, i := range rows {
		out[a] = v[i]
	}
	return out
}

// Estimate returns accuracy in per cent; the interval is 1.64 standard deviations
// of the out-of-fold errors.
func (s *Surrogate) Estimate(ctx context.Context, n *blocks.Network) (Score, error) {
	raw, err := s.row(ctx, n)
	if err != nil {
		return Score{}, err
	}
	v := s.predict([][]float64{raw})[0]
	if err := finite("surrogate", n, v); err != nil {
		return Score{}, err
	}
	return Score{Value: v, Low: max(v-1.64*s.noise, 0), High: min(v+1.64*s.noise, 100)}, nil
}

// predict returns accuracies in per cent from rows of columns.
func (s *Surrogate) predict(raw [][]float64) []float64 {
	x := mat.NewDense(len(raw), len(s.columns), nil)
	for i := range raw {
		for b, j := range s.columns {
			x.Set(i, b, s.standard(raw[i], j))
		}
	}
	out := s.g.Predict(x)
	for i, t := range out {
		out[i] = unlink(t)
	}
	return out
}

// CrossValidated returns the mean Kendall tau between the accuracies of trained
// networks and what was predicted for them by surrogates fitted without them.
func (s *Surrogate) CrossValidated() float64 { return s.tau }

// Info says per cent, on whatever the user trained.
func (s *Surrogate) Info() Info {
	return Info{Name: "surrogate", Label: fmt.Sprintf("accuracy (%%), surrogate of %d trained networks", s.rows), Unit: "pct"}
}

// String names what was chosen and how well it ranked networks that it had not
// been fitted to.
func (s *Surrogate) String() string {
	return fmt.Sprintf("surrogate{trained=%d,%s,cv_tau=%.3f}", s.rows, s.choice, s.tau)
}
