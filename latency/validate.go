package latency

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency/timing"
)

// Validation compares predictions with measurements. Shares are in per cent of
// networks, 0 to 100.
type Validation struct {
	Networks int       `json:"networks"`
	MAPEPct  float64   `json:"mape_pct"`
	Within5  float64   `json:"within_5_pct"`
	Within10 float64   `json:"within_10_pct"`
	BiasPct  float64   `json:"bias_pct"` // median of predicted/measured - 1
	Kendall  float64   `json:"kendall_tau"`
	Coverage float64   `json:"interval_coverage_pct"`
	WidthPct float64   `json:"mean_interval_width_pct"` // of (high - low) / predicted
	NoisePct float64   `json:"noise_floor_pct"`         // mean difference of two measurements of one network; 0: measured once
	BaseMAPE float64   `json:"baseline_macs_mape_pct"`  // of a straight line through the MACs
	Skill    float64   `json:"skill"`                   // 1 - mape/baseline's
	Strata   []Stratum `json:"strata"`
	Device   string    `json:"device,omitempty"`
	Warnings []string  `json:"warnings,omitempty"`
	Points   []Point   `json:"points,omitempty"` // what the figures come from
}

// Stratum is a quarter of the networks, by measured latency.
type Stratum struct {
	LowMs    float64 `json:"low_ms"`
	HighMs   float64 `json:"high_ms"`
	Networks int     `json:"networks"`
	MAPEPct  float64 `json:"mape_pct"`
	Within5  float64 `json:"within_5_pct"`
	Within10 float64 `json:"within_10_pct"`
	Coverage float64 `json:"interval_coverage_pct"`
	WidthPct float64 `json:"mean_interval_width_pct"`
}

// Point is one network: predicted against measured.
type Point struct {
	Name        string  `json:"name"`
	PredictedMs float64 `json:"predicted_ms"`
	LowMs       float64 `json:"low_ms"`
	HighMs      float64 `json:"high_ms"`
	MeasuredMs  float64 `json:"measured_ms"`
	P10Ms       float64 `json:"p10_ms"`
	P90Ms       float64 `json:"p90_ms"`
	Runs        int     `json:"runs"`
}

// ValidateOptions of [Validate].
type ValidateOptions struct {
	Runs     int                   // of each network at each of four visits, at least; 0 means 12
	Progress func(done, total int) // after each measurement; may be nil
}

// Validate measures networks, each twice, and compares the mean of the two measurements
// with the profile's prediction. rt must be the profile's device, and there must be at
// least one network.
func Validate(ctx context.Context, p *Profile, rt timing.Runtime, networks []*blocks.Network, o ValidateOptions) (*Validation, error) {
	if err := p.Matches(rt); err != nil {
		return nil, fault.Errorf("latency: this machine cannot check the profile: %w", err)
	}
	if len(networks) == 0 {
		return nil, fault.New("latency: no networks to validate with")
	}
	ps, err := p.predictAll(networks)
	if err != nil {
		return nil, err
	}
	facts := rt.Facts()
	timer, err := rt.Open(ctx, p.Calibration.Baseline)
	if err != nil {
		return nil, err
	}
	m := newTwice(timer, networks, o)
	err = m.measure(ctx, o.Progress)
	warnings := append(facts.Warnings(p.Device.Threads), timer.Close()...)
	if err != nil {
		return nil, err
	}
	if n := max(m.halves[0].Disturbed(), m.halves[1].Disturbed()); n > 0 {
		warnings = append(warnings, fmt.Sprintf("the machine was slow at each of up to %d visits to %d of %d networks: "+
			"their times are the runs at the pace of the reference kernel, and less certain", m.rounds/2+timing.Remeasurements, n, len(networks)))
	}
	if s := stat.Median(m.slowdowns); s > 1.03 {
		warnings = append(warnings, fmt.Sprintf("the reference kernel took %.0f %% longer than when the profile was made", 100*(s-1)))
	}
	a, b := m.halves[0].Timings(), m.halves[1].Timings()
	noise := 0.0
	for i := range ps {
		x, y := a[i].EndToEnd.MedianMs, b[i].EndToEnd.MedianMs
		ps[i].measured = (x + y) / 2
		noise += 100 * math.Abs(x-y) / ps[i].measured / float64(len(ps))
	}
	v := summarize(ps, p.line(ps))
	v.NoisePct, v.Device, v.Warnings = noise, p.Device.String(), warnings
	for i, q := range ps {
		x, y := &a[i], &b[i]
		v.Points = append(v.Points, Point{
			Name: q.name, PredictedMs: q.predicted, LowMs: q.low, HighMs: q.high, MeasuredMs: q.measured,
			P10Ms: min(x.EndToEnd.P10Ms, y.EndToEnd.P10Ms), P90Ms: max(x.EndToEnd.P90Ms, y.EndToEnd.P90Ms), Runs: x.Runs + y.Runs,
		})
	}
	return v, nil
}

// predictAll predicts networks; what was measured is left open.
func (p *Profile) predictAll(networks []*blocks.Network) ([]pair, error) {
	r, err := p.Predictor()
	if err != nil {
		return nil, err
	}
	ps := make([]pair, len(networks))
	for i, n := range networks {
		e, err := r.Predict(n)
		if err != nil {
			return nil, err
		}
		ps[i] = pair{name: n.Name, predicted: e.LatencyMs, low: e.LowMs, high: e.HighMs, macs: float64(n.Counts().MACs)}
	}
	return ps, nil
}

// twice measures networks two times over, alternating, to see how well two measurements
// of one network agree.
type twice struct {
	halves    [2]*timing.Rounds
	rounds    int // of both together
	networks  int
	slowdowns []float64 // of the machine, at each measurement
}

func newTwice(timer timing.Timer, networks []*blocks.Network, o ValidateOptions) *twice {
	e := timing.DefaultEffort()
	if o.Runs > 0 {
		e.Runs = o.Runs
	}
	m := &twice{rounds: 2 * timing.RoundsPerTiming, networks: len(networks)}
	if _, ok := timer.(timing.UnitTimer); !ok { // a calibration measures each network once
		m.rounds = 2
	}
	m.halves = [2]*timing.Rounds{timing.NewRounds(timer, networks, e), timing.NewRounds(timer, networks, e)}
	return m
}

func (m *twice) measure(ctx context.Context, progress func(done, total int)) error {
	for k := range m.rounds {
		err := m.halves[k%2].Measure(ctx, func(i int, t timing.Timing) {
			if t.Slowdown > 0 {
				m.slowdowns = append(m.slowdowns, t.Slowdown)
			}
			if progress != nil {
				progress(k*m.networks+i+1, m.rounds*m.networks)
			}
		})
		if err != nil {
			return err
		}
	}
	for k := range 2 * timing.Remeasurements {
		if err := m.halves[k%2].Remeasure(ctx, func(int, timing.Timing) {}); err != nil {
			return err
		}
	}
	return nil
}

// pair is a prediction with its truth, in ms.
type pair struct {
	name                                 string
	predicted, low, high, measured, macs float64
}

// line is the baseline: the best straight line through the MACs of the networks
// that the profile was judged by, or of ps if those are few.
func (p *Profile) line(ps []pair) [2]float64 {
	var own []pair
	for _, h := range p.HeldOut {
		q := pair{measured: h.Measured.MedianMs}
		for _, u := range h.Units {
			q.macs += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
		}
		own = append(own, q)
	}
	if len(own) >= 20 {
		return fitLine(own)
	}
	return fitLine(ps)
}

// fitLine fits measured = a + b macs by least squares of the relative error.
func fitLine(ps []pair) [2]float64 {
	var s [3]float64
	var t [2]float64
	for _, p := range ps {
		x, y := 1/p.measured, p.macs/1e6/p.measured
		s[0] += x * x
		s[1] += x * y
		s[2] += y * y
		t[0] += x
		t[1] += y
	}
	det := s[0]*s[2] - s[1]*s[1]
	if det <= 1e-12*s[0]*s[2] {
		return [2]float64{0, t[1] / max(s[2], 1e-300)}
	}
	return [2]float64{(t[0]*s[2] - t[1]*s[1]) / det, (t[1]*s[0] - t[0]*s[1]) / det}
}

// summarize computes the figures; line is the baseline's.
func summarize(ps []pair, line [2]float64) *Validation {
	v := &Validation{}
	all := stratum(ps)
	v.Networks, v.MAPEPct, v.Within5, v.Within10, v.Coverage, v.WidthPct = all.Networks, all.MAPEPct, all.Within5, all.Within10, all.Coverage, all.WidthPct
	a, b := make([]float64, len(ps)), make([]float64, len(ps))
	bias := make([]float64, len(ps))
	for i, p := range ps {
		a[i], b[i] = p.predicted, p.measured
		bias[i] = 100 * (p.predicted/p.measured - 1)
		v.BaseMAPE += 100 * math.Abs((line[0]+line[1]*p.macs/1e6)/p.measured-1) / float64(len(ps))
	}
	v.BiasPct = stat.Median(bias)
	v.Kendall = min(1, stat.KendallTau(a, b)) // rounding may add an ulp
	v.Skill = 1 - v.MAPEPct/max(v.BaseMAPE, 1e-9)
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(p, q pair) int { return cmp.Compare(p.measured, q.measured) })
	v.Strata = []Stratum{}
	const quarters = 4
	for q := range quarters {
		if part := sorted[q*len(ps)/quarters : (q+1)*len(ps)/quarters]; len(part) > 0 {
			v.Strata = append(v.Strata, stratum(part))
		}
	}
	return v
}

func stratum(ps []pair) Stratum {
	s := Stratum{Networks: len(ps), LowMs: math.Inf(1)}
	for _, p := range ps {
		s.LowMs, s.HighMs = min(s.LowMs, p.measured), max(s.HighMs, p.measured)
		e := math.Abs(p.predicted/p.measured - 1)
		s.MAPEPct += e
		if e <= 0.05 {
			s.Within5++
		}
		if e <= 0.1 {
			s.Within10++
		}
		if p.low <= p.measured && p.measured <= p.high {
			s.Coverage++
		}
		s.WidthPct += (p.high - p.low) / p.predicted
	}
	for _, f := range []*float64{&s.MAPEPct, &s.Within5, &s.Within10, &s.Coverage, &s.WidthPct} {
		*f *= 100 / float64(len(ps))
	}
	return s
}
