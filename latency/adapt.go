package latency

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency/internal/agreement"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Measured is a network with its measured latency.
type Measured struct {
	Network *blocks.Network
	Ms      float64 // of one image
	Runs    Sample  // of repeated timings, with Ms its median; the zero value: one run that took Ms
	Where   string  // it stands, for warnings, such as "t.csv line 5"; empty: the network's name
}

// Adapt makes the profile of a device from the profile of another device and a few networks
// measured on it end to end; ten are useful. Every kind of unit keeps what base knows about
// its shapes, multiplied by one factor. The factors minimise the squared relative error with a
// ridge towards a common factor, so that a few networks change only what they show. From sixty
// networks on, the costs of all terms are fitted instead, with corrections. If base is nil,
// costs common to processors stand in for it.
//
// As in HELP (Lee et al., Hardware-Adaptive Efficient Latency Prediction for NAS via
// Meta-Learning, NeurIPS 2021), devices share most of their structure. Other than there, there
// is no meta-training.
//
// A time that is far from what the others let expect, such as one in another unit, is left out with a warning.
func Adapt(base *Profile, d timing.Device, networks []Measured) (*Profile, error) {
	if len(networks) == 0 {
		return nil, fault.New("latency: no measured networks to adapt to")
	}
	if base == nil {
		base = genericProfile(d)
	}
	d.Target, d.Cut = base.Device.Target, cmp.Or(d.Cut, base.Device.Cut)
	p := &Profile{Format: Format, Device: d, Created: time.Now().UTC().Truncate(time.Second), Warnings: []string{}}
	p.Calibration = Calibration{
		Networks: len(networks), Runs: len(networks), Stopped: "networks", Base: base.Device.String(),
	}
	r, err := base.Predictor()
	if err != nil {
		return nil, err
	}
	calls := make([][]engine.Call, len(networks))
	expected, logs := make([]float64, len(networks)), make([]float64, len(networks))
	for i, m := range networks {
		if !(m.Ms > 0) || math.IsInf(m.Ms, 0) {
			return nil, fault.Errorf("latency: network %s: %g ms is not a time", m.Network.Name, m.Ms)
		}
		if calls[i], err = d.Calls(m.Network); err != nil {
			return nil, err
		}
		expected[i] = r.PredictCalls(calls[i]).LatencyMs
		logs[i] = math.Log(m.Ms / expected[i])
	}
	factor := math.Exp(stat.Median(slices.Clone(logs)))
	strays := stat.Strays(logs, math.Log(8))
	for i, m := range networks {
		if slices.Contains(strays, i) {
			where := cmp.Or(m.Where, "network "+m.Network.Name)
			p.Warnings = append(p.Warnings, strayWarning(where, m.Ms, factor*expected[i]))
			continue
		}
		if m.Runs.Runs == 0 {
			m.Runs = Sample{MedianMs: m.Ms, LowMs: m.Ms, HighMs: m.Ms, Runs: 1}
		}
		p.AddHeldOut(m.Network.Name, calls[i], m.Runs)
	}
	if err := p.fitEndToEnd(r, base.Units); err != nil {
		return nil, err
	}
	return p, nil
}

// minForCosts is the number of networks from which on costs are fitted, instead of one factor
// for each kind.
const minForCosts = 60

// fitEndToEnd fits the profile to its held-out networks and to those of another device, whose timed units are base.
func (p *Profile) fitEndToEnd(r *Predictor, base []UnitTime) error {
	all := make([]int, len(p.HeldOut))
	for i := range all {
		all[i] = i
	}
	p.Sums = nil
	m, factor := p.adapted(r.units, all)
	p.Sums = m.Sum // its settings serve the fits of crossValidate, too
	p.setKinds(m.Kinds)
	if factor != nil {
		for _, u := range base {
			u.Ms *= factor(costmodel.KindOf(&u.Unit))
			u.Spread = math.Hypot(u.Spread, costmodel.OtherDevice)
			p.Units = append(p.Units, u)
		}
	}
	if err := p.fitHeldOut(m); err != nil {
		return err
	}
	p.crossValidate(r.units)
	return nil
}

// adapted fits base, the model of another device, to the held-out networks of rows. factor is
// that of each kind; it is nil if costs were fitted.
func (p *Profile) adapted(
	base *costmodel.UnitModel, rows []int,
) (m *costmodel.UnitModel, factor func(kind string) float64) {
	d := p.endToEnd(rows)
	factor = d.Factors(func(u *engine.Unit) float64 { return base.Cost(u).Ms })
	kinds := base.ScaledKinds(factor)
	if len(rows) < minForCosts {
		return base.ScaledFrom(kinds, factor), factor
	}
	kinds = d.FitCosts(kinds, &p.Device.Target)
	m = costmodel.NewUnitModel(nil, kinds, p.Device.Target)
	m.Sum = costmodel.FitAdditive(d, kinds, &p.Device.Target, p.Sums)
	return m, nil
}

// crossValidate makes the interval and the validation of a profile that was adapted from
// base. The models were fitted to the held-out networks themselves, so the errors come from
// ten fits, each without a tenth of the networks.
func (p *Profile) crossValidate(base *costmodel.UnitModel) {
	n := len(p.HeldOut)
	if n < 3 {
		p.Network.Floor, p.Network.Quantile = 0.2, 2
		return
	}
	scores, errs, spreads := make([]float64, n), make([]float64, n), make([]float64, n)
	ps := make([]agreement.Pair, n)
	folds := min(n, 10)
	for f := range folds {
		var in, out []int
		for i := range n {
			if i%folds == f {
				out = append(out, i)
			} else {
				in = append(in, i)
			}
		}
		m, _ := p.adapted(base, in)
		hs, macs := p.observations(m)
		var rest []costmodel.Observation
		for _, i := range in {
			rest = append(rest, hs[i])
		}
		network := costmodel.FitNetwork(rest)
		for _, i := range out {
			ms, _, _ := network.Predict(&hs[i].Totals)
			errs[i] = math.Abs(math.Log(hs[i].Measured / ms))
			spreads[i] = hs[i].RelativeSD()
			ps[i] = agreement.Pair{Name: p.HeldOut[i].Name, Predicted: ms, Measured: hs[i].Measured, MACs: macs[i]}
		}
	}
	net := p.Network
	net.Floor = max(0.002, stat.Median(slices.Clone(errs)))
	for i := range ps {
		scores[i] = errs[i] / (net.Floor + spreads[i])
	}
	net.Quantile = stat.ConformalQuantile(scores, costmodel.Coverage)
	if n < 9 { // too few for 90 %
		net.Quantile *= 1.5
	}
	for i := range ps {
		half := net.Quantile * (net.Floor + spreads[i])
		ps[i].Low, ps[i].High = ps[i].Predicted*math.Exp(-half), ps[i].Predicted*math.Exp(half)
	}
	p.Validation = agreement.Summarize(ps, agreement.FitLine(ps))
}

// Unrelated returns an error if the times of the networks that the profile was adapted to have nothing to
// do with the networks: if they are all the same while the work is not, or if what other networks tell of
// a network's time is no better than chance, or off by more than the time itself. Fewer than three networks tell
// nothing; fewer than eight, or ones of like size, only the last.
func (p *Profile) Unrelated() error {
	n, v := len(p.HeldOut), p.Validation
	if v == nil {
		return nil
	}
	lowMs, highMs, lowMACs, highMACs := math.Inf(1), 0., math.Inf(1), 0.
	for _, h := range p.HeldOut {
		macs := 0.
		for _, u := range h.Units {
			macs += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
		}
		lowMs, highMs = min(lowMs, h.Measured.MedianMs), max(highMs, h.Measured.MedianMs)
		lowMACs, highMACs = min(lowMACs, macs), max(highMACs, macs)
	}
	const cure = "these times say nothing about the networks: %s; does the command run the model that it is given, " +
		"and is what the pattern matches its time?"
	// The standard deviation of tau-b between n independent pairs (Kendall, Rank Correlation Methods, 1970).
	x := float64(n)
	chance := math.Sqrt(2 * (2*x + 5) / (9 * x * (x - 1)))
	switch {
	case v.MAPEPct > 1000:
		return fault.Errorf("latency: "+cure, "more than 1000 % error")
	case v.MAPEPct > 100:
		return fault.Errorf("latency: "+cure, fmt.Sprintf("%.0f %% error", v.MAPEPct))
	case n < 8 || highMACs < 1.5*lowMACs || v.Kendall > min(0.6, 2.5*chance):
	case highMs < 1.1*lowMs:
		return fault.Errorf("latency: "+cure, fmt.Sprintf("all %d took from %.4g to %.4g ms, though the largest has "+
			"%.0f times the work of the smallest", n, lowMs, highMs, highMACs/lowMACs))
	default:
		return fault.Errorf("latency: "+cure, fmt.Sprintf("%.0f %% error", v.MAPEPct))
	}
	return nil
}

// endToEnd returns the held-out networks of rows as data for the models.
func (p *Profile) endToEnd(rows []int) *costmodel.EndToEnd {
	d := &costmodel.EndToEnd{}
	for i := range p.Shapes {
		d.Units = append(d.Units, p.Shapes[i].Unit)
	}
	for _, i := range rows {
		d.Rows = append(d.Rows, p.HeldOut[i].Units)
		d.Ms = append(d.Ms, p.HeldOut[i].Measured.MedianMs)
	}
	return d
}

// genericProfile is a profile of d with the costs of no device in particular.
func genericProfile(d timing.Device) *Profile {
	if d.Target.ISA == "" {
		d.Target = timing.PhoneTarget(d.Threads)
	}
	return &Profile{Format: Format, Device: d, Network: costmodel.FitNetwork(nil), Kinds: costmodel.GenericKinds()}
}
