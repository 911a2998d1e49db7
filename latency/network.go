package latency

import (
	"math"
	"slices"

	"nas/internal/stat"
)

// NetworkModel turns the sum over a network's units into the network's time and
// an interval:
//
//	log ms = log sum + w . (1, log2 sum, calls/sum, log2 weights) + residual(mix)
//	|log measured - log ms| <= Quantile * (Floor + spread of the units) + Between
//
// What units do to each other shows in w: with none, all of w is 0. The
// residual, a Gaussian process over the shares of the time that different kinds
// of units take, is there only if it predicts held-out networks clearly better. The
// interval is split conformal prediction with normalised scores (Lei et al.,
// Distribution-Free Predictive Inference for Regression, JASA 2018, section 5.2):
// it holds 90 % of networks drawn like the held-out ones, whatever the error's
// distribution. Differs in that a held-out network's score comes from weights
// fitted to the others, so that none is spent on w alone.
type NetworkModel struct {
	Weights  []float64            `json:"weights"`
	Mean     []float64            `json:"mean"`  // of each feature, subtracted
	Floor    float64              `json:"floor"` // median error, relative
	Quantile float64              `json:"quantile"`
	Between  float64              `json:"between,omitempty"` // how far two sessions of the device lie apart, in log ms
	HeldOut  int                  `json:"held_out"`
	Process  *stat.ResidualKernel `json:"process,omitempty"` // of the residual
	// Range of the held-out networks, in ms.
	LowMs  float64 `json:"low_ms"`
	HighMs float64 `json:"high_ms"`
	// Range of their features; a profile of an earlier version has none.
	Low  []float64 `json:"low,omitempty"`
	High []float64 `json:"high,omitempty"`

	gp   *stat.ResidualGP
	left []float64 // log errors of the held-out networks, each as predicted from the others
}

// perOctave is what the interval grows by, in log ms on either side, with each
// doubling of the sum or of the weights beyond the held-out networks but the first. Eight reference
// networks predicted by four profiles of spaces of small networks, up to six octaves
// away, were in the interval 28 times of 32 with it, 23 times without.
const perOctave = 0.05

// coverage is the share of networks that an interval is made to hold.
const coverage = 0.9

// betweenSessions is what the same networks differ by, all alike, from one process
// to the next on one machine: memory lies elsewhere, the neighbours are others.
// One calibration cannot see it, so the interval is wider by it on either side.
// It is the root mean square of the median errors of five profiles, each
// validated in a process of its own.
const betweenSessions = 0.012

// sums is what a network model sees of a network.
type sums struct {
	ms      float64 // sum over the units
	var2    float64 // sum of squares of their standard deviations in ms
	calls   int
	weights int64 // bytes
	groups  [numGroups]float64
}

// groups of units that load a machine in different ways.
const (
	groupRest = iota
	groupPointwise
	groupDense
	groupDepthwise
	groupFused
	numGroups
)

var groupOf = map[string]uint8{
	"conv.pointwise": groupPointwise, "scale_conv": groupPointwise, "linear": groupPointwise, "conv.vector": groupPointwise,
	"conv.dense": groupDense, "conv.image": groupDense, "conv.grouped": groupDense,
	"dwconv": groupDepthwise,
	"block":  groupFused, "expand_dw": groupFused, "dw_project": groupFused, "stem_block": groupFused, "stem_dw": groupFused,
}

func (s *sums) add(c *cost) {
	s.ms += c.ms
	s.var2 += c.var2
	s.calls++
	s.weights += c.weights
	s.groups[c.group] += c.ms
}

// mix appends to x what the residual sees: logarithms to base 2 of the groups' shares of
// the time (3 % more, so that none is not minus infinity), the sum and the calls.
func (s *sums) mix(x []float64) []float64 {
	for _, g := range s.groups {
		x = append(x, math.Log2(g/max(s.ms, 1e-9)+0.03))
	}
	return append(x, math.Log2(max(s.ms, 1e-6)), math.Log2(float64(s.calls)))
}

// spread is the relative standard deviation of the sum if the units' errors
// were independent; what they share, the conformal quantile makes up for.
func (s *sums) spread() float64 {
	return math.Sqrt(s.var2) / max(s.ms, 1e-9)
}

func (s *sums) features() [4]float64 {
	return [4]float64{1, math.Log2(max(s.ms, 1e-6)), float64(s.calls) / max(1000*s.ms, 1e-6), math.Log2(float64(s.weights) + 1)}
}

// heldOut is a network that was measured whole.
type heldOut struct {
	sums
	measured float64 // ms
}

// fitNetwork fits to held-out networks. None, or very few, leave the plain sum
// and an interval that says so.
func fitNetwork(hs []heldOut) *NetworkModel {
	m := &NetworkModel{HeldOut: len(hs), Floor: 0.1, Quantile: 2, Weights: make([]float64, 4), Mean: make([]float64, 4)}
	n := len(hs)
	if n == 0 {
		return m
	}
	m.LowMs, m.HighMs = hs[0].measured, hs[0].measured
	first := hs[0].features()
	m.Low, m.High = slices.Clone(first[:]), slices.Clone(first[:])
	y := make([]float64, n)
	for i, h := range hs {
		m.LowMs, m.HighMs = min(m.LowMs, h.measured), max(m.HighMs, h.measured)
		y[i] = math.Log(h.measured / h.ms)
		for j, f := range h.features() {
			m.Low[j], m.High[j] = min(m.Low[j], f), max(m.High[j], f)
			if j > 0 {
				m.Mean[j] += f / float64(n)
			}
		}
	}
	if n < 10 {
		m.Weights[0] = stat.Median(slices.Clone(y))
		return m
	}
	x := make([][]float64, n)
	for i := range hs {
		x[i] = m.center(hs[i].features())
	}
	w, left := stat.HuberRidge(x, y)
	m.Weights, m.left = w, left
	if n >= minMix {
		m.fitMix(hs, x, y)
	}
	abs := make([]float64, n)
	for i := range m.left {
		abs[i] = math.Abs(m.left[i])
	}
	m.Floor = max(0.002, stat.Median(slices.Clone(abs)))
	scores := make([]float64, n)
	for i := range abs {
		scores[i] = abs[i] / (m.Floor + hs[i].spread())
	}
	m.Quantile = stat.ConformalQuantile(scores, coverage)
	return m
}

// minMix is the number of held-out networks from which on a residual is tried,
// and mixGain by how much it must lower the mean error of left-out networks.
const (
	minMix  = 60
	mixGain = 0.9
)

func (m *NetworkModel) fitMix(hs []heldOut, x [][]float64, y []float64) {
	mixes, rest, sd := m.residuals(hs, x, y)
	h := stat.TuneResidualKernel(mixes, rest, sd)
	g, err := stat.NewResidualGP(h, mixes, rest, sd)
	if err != nil {
		return
	}
	loo, _ := g.LeaveOneOut(sd)
	var with, without float64
	for i := range loo {
		with += math.Abs(loo[i])
		without += math.Abs(m.left[i])
	}
	if loo != nil && with < mixGain*without {
		m.Process, m.gp, m.left = &h, g, loo
	}
}

// residuals are what the weights leave of each held-out network.
func (m *NetworkModel) residuals(hs []heldOut, x [][]float64, y []float64) (mixes [][]float64, rest, sd []float64) {
	for i := range hs {
		e := y[i]
		for j, w := range m.Weights {
			e -= w * x[i][j]
		}
		mixes, rest = append(mixes, hs[i].mix(nil)), append(rest, e)
	}
	return mixes, rest, make([]float64, len(hs))
}

// restore makes a model that came from a file ready to predict.
func (m *NetworkModel) restore(hs []heldOut) error {
	if m.Process == nil {
		return nil
	}
	x, y := make([][]float64, len(hs)), make([]float64, len(hs))
	for i := range hs {
		x[i], y[i] = m.center(hs[i].features()), math.Log(hs[i].measured/hs[i].ms)
	}
	mixes, rest, sd := m.residuals(hs, x, y)
	if len(mixes) == 0 || len(m.Process.Scale) != len(mixes[0]) {
		m.Process = nil
		return nil
	}
	var err error
	m.gp, err = stat.NewResidualGP(*m.Process, mixes, rest, sd)
	return err
}

func (m *NetworkModel) center(f [4]float64) []float64 {
	for j := range f {
		f[j] -= m.Mean[j]
	}
	return f[:]
}

// predict returns the time and its interval in ms. Outside the range of the held-out
// networks the correction stays what it is at the edge, and the interval grows.
func (m *NetworkModel) predict(s *sums) (ms, low, high float64) {
	f := s.features()
	far := m.clamp(&f)
	c := 0.0
	for j, w := range m.Weights {
		c += w * (f[j] - m.Mean[j])
	}
	if m.gp != nil {
		var x [numGroups + 2]float64
		mix := s.mix(x[:0])
		mix[numGroups] = f[1] // the sum, as far as it is followed
		c += m.gp.Mean(mix)
	}
	c = min(max(c, -1.5), 1.5)
	ms = s.ms * math.Exp(c)
	half := min(m.Quantile*(m.Floor+s.spread())+m.Between+perOctave*far, 2.3)
	return ms, ms * math.Exp(-half), ms * math.Exp(half)
}

// slack is how far beyond the held-out networks a feature is followed: a factor of
// two in the sum and in the weights.
var slack = [4]float64{0, 1, 0, 1}

// clamp brings features into the range of the held-out networks, with some slack,
// and returns by how many octaves the sum or the weights were beyond.
func (m *NetworkModel) clamp(f *[4]float64) (far float64) {
	if len(m.Low) != len(f) || len(m.High) != len(f) {
		return 0
	}
	for j, v := range f {
		f[j] = min(max(v, m.Low[j]-slack[j]), m.High[j]+slack[j])
		if slack[j] > 0 {
			far = max(far, math.Abs(v-f[j]))
		}
	}
	return far
}
