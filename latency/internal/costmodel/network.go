package costmodel

import (
	"math"
	"slices"

	"nas/internal/stat"
)

// NetworkModel predicts the time of a network and an interval from the sum over its units:
//
//	log ms = log sum + Weights . (1, log2 sum, calls/sum, log2 weights) + h(shares)
//	|log measured - log ms| <= Quantile * (Floor + sd) + Between
//
// where sd is the relative standard deviation of the sum. Weights shows what units do to
// each other, and is 0 if they do nothing. The residual h, a Gaussian process over the shares
// of the time that groups of kinds take, is there only if it predicts held-out networks
// clearly better.
//
// The interval is split conformal prediction with normalised scores (Lei et al.,
// Distribution-Free Predictive Inference for Regression, JASA 2018, section 5.2): it holds
// 90 % of networks drawn like the held-out ones, whatever the distribution of the errors. It
// differs from theirs in that the score of a held-out network comes from weights fitted to
// the others, so that no networks are spent on the weights alone.
type NetworkModel struct {
	Weights  []float64 `json:"weights"`
	Mean     []float64 `json:"mean"`              // of each feature; subtracted from it
	Floor    float64   `json:"floor"`             // median of the absolute relative errors
	Quantile float64   `json:"quantile"`          // of errors / (Floor + sd)
	Between  float64   `json:"between,omitempty"` // difference between two sessions of the device, in log ms
	HeldOut  int       `json:"held_out"`          // number of networks
	// Drift is what a later session measured otherwise, in log ms: at the mean of log2 sum, and for each octave
	// above it. It is added to predictions; nil: nothing.
	Drift   []float64            `json:"drift,omitempty"`
	Process *stat.ResidualKernel `json:"process,omitempty"` // of h; nil: there is none
	// LowMs and HighMs are the range of the held-out networks.
	LowMs  float64 `json:"low_ms"`
	HighMs float64 `json:"high_ms"`
	// Low and High are the range of their features. A profile of an earlier version has none.
	Low  []float64 `json:"low,omitempty"`
	High []float64 `json:"high,omitempty"`
	// LOOResiduals are the errors of log ms of the held-out networks, each predicted from the
	// others. A model that came from a file has none.
	LOOResiduals []float64 `json:"-"`

	gp *stat.ResidualGP // of h
}

// perOctave is added to the interval, in log ms on either side, for each doubling of the sum
// or of the weights beyond the range of the held-out networks, except the first. Eight
// reference networks predicted by four profiles of spaces of small networks, up to six
// octaves away, were in the interval 28 times of 32 with it, 23 times without.
const perOctave = 0.05

// Coverage is the share of networks that an interval is made to hold.
const Coverage = 0.9

// Observation is a network that was measured end to end.
type Observation struct {
	Totals
	Measured float64 // ms
}

// FitNetwork fits a model to held-out networks. With fewer than ten it is the plain sum times
// a factor, and with none the plain sum; the interval is then as wide as a guess.
func FitNetwork(hs []Observation) *NetworkModel {
	m := &NetworkModel{HeldOut: len(hs), Floor: 0.1, Quantile: 2, Weights: make([]float64, 4), Mean: make([]float64, 4)}
	n := len(hs)
	if n == 0 {
		return m
	}
	m.LowMs, m.HighMs = hs[0].Measured, hs[0].Measured
	first := hs[0].features()
	m.Low, m.High = slices.Clone(first[:]), slices.Clone(first[:])
	y := make([]float64, n)
	for i, h := range hs {
		m.LowMs, m.HighMs = min(m.LowMs, h.Measured), max(m.HighMs, h.Measured)
		y[i] = math.Log(h.Measured / h.Ms)
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
	m.Weights, m.LOOResiduals = w, left
	if n >= minForResidual {
		m.fitResidual(hs, x, y)
	}
	abs := make([]float64, n)
	for i := range m.LOOResiduals {
		abs[i] = math.Abs(m.LOOResiduals[i])
	}
	m.Floor = max(0.002, stat.Median(slices.Clone(abs)))
	scores := make([]float64, n)
	for i := range abs {
		scores[i] = abs[i] / (m.Floor + hs[i].RelativeSD())
	}
	m.Quantile = stat.ConformalQuantile(scores, Coverage)
	return m
}

// The residual is tried from minForResidual held-out networks on. It is kept if it lowers the
// mean leave-one-out error to residualGain of what it was.
const (
	minForResidual = 60
	residualGain   = 0.9
)

// fitResidual adds the residual if it is worth it.
func (m *NetworkModel) fitResidual(hs []Observation, x [][]float64, y []float64) {
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
		without += math.Abs(m.LOOResiduals[i])
	}
	if loo != nil && with < residualGain*without {
		m.Process, m.gp, m.LOOResiduals = &h, g, loo
	}
}

// residuals returns the inputs of the residual, what the weights leave of each held-out
// network, and the standard deviations of these: 0.
func (m *NetworkModel) residuals(hs []Observation, x [][]float64, y []float64) (mixes [][]float64, rest, sd []float64) {
	for i := range hs {
		e := y[i]
		for j, w := range m.Weights {
			e -= w * x[i][j]
		}
		mixes, rest = append(mixes, hs[i].residualFeatures(nil)), append(rest, e)
	}
	return mixes, rest, make([]float64, len(hs))
}

// Complete reports whether the model has all its weights. A nil model has not.
func (m *NetworkModel) Complete() bool {
	n := len((&Totals{}).features())
	return m != nil && len(m.Weights) == n && len(m.Mean) == n
}

// Restore makes a model that came from a file ready to predict. hs are the held-out networks
// that it was fitted to.
func (m *NetworkModel) Restore(hs []Observation) error {
	if m.Process == nil {
		return nil
	}
	x, y := make([][]float64, len(hs)), make([]float64, len(hs))
	for i := range hs {
		x[i], y[i] = m.center(hs[i].features()), math.Log(hs[i].Measured/hs[i].Ms)
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

// center subtracts the means of the features.
func (m *NetworkModel) center(f [4]float64) []float64 {
	for j := range f {
		f[j] -= m.Mean[j]
	}
	return f[:]
}

// Predict returns the time of a network and its interval in ms. Outside the range of the
// held-out networks the correction stays what it is at the edge, and the interval grows.
func (m *NetworkModel) Predict(s *Totals) (ms, low, high float64) {
	f := s.features()
	far := m.clamp(&f)
	c := 0.0
	for j, w := range m.Weights {
		c += w * (f[j] - m.Mean[j])
	}
	if m.gp != nil {
		var x [numGroups + 2]float64
		mix := s.residualFeatures(x[:0])
		mix[numGroups] = f[1] // the sum, as far as it is followed
		c += m.gp.Mean(mix)
	}
	if len(m.Drift) == 2 {
		c += m.Drift[0] + m.Drift[1]*(f[1]-m.Mean[1])
	}
	c = min(max(c, -1.5), 1.5)
	ms = s.Ms * math.Exp(c)
	half := min(m.Quantile*(m.Floor+s.RelativeSD())+m.Between+perOctave*far, 2.3)
	return ms, ms * math.Exp(-half), ms * math.Exp(half)
}

// slack is how far beyond the range of the held-out networks the correction follows each
// feature: one octave of the sum and of the weights.
var slack = [4]float64{0, 1, 0, 1}

// clamp moves features into the range of the held-out networks plus slack. It returns by how
// many octaves the sum or the weights were beyond that.
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
