package run

import (
	"context"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/runstore"
	"nas/latency/timing"
	"nas/search"
)

// Measured says how the predictions of the front held on the device.
type Measured struct {
	Members         int     // measured
	NonDominatedPct float64 // share of them that no other member dominates by measured latency
	BiasPct         float64 // median of predicted/measured - 1: above 0, predictions are too slow
	MAPEPct         float64 // mean of |predicted/measured - 1|
	CoveragePct     float64 // share whose measured time lies in the predicted interval
	Skipped         string  // why nothing was measured, or ""
}

// measure times members of the front, spread evenly over it, on this machine.
// Only a profile of this machine can be held against what is measured here.
func (p *pipeline) measure(ctx context.Context) error {
	n := min(p.cfg.Output.Measure, len(p.front))
	if n == 0 || p.summary.Status == search.StatusInterrupted {
		return nil
	}
	d := p.eval.devices[0]
	rt := timing.NewNative(d.profile.Device.Threads)
	if err := d.profile.Matches(rt); err != nil {
		p.measured = &Measured{Skipped: err.Error()}
		p.say("the front is not measured: %v", err)
		return nil
	}
	rows, err := p.storedMeasurements()
	if err != nil {
		return err
	}
	if rows == nil {
		if rows, err = p.time(ctx, rt, d, spread(len(p.front), n)); err != nil {
			if ctx.Err() != nil {
				p.measured = &Measured{Skipped: "interrupted"}
				return nil
			}
			return err
		}
		if err := runstore.WriteMeasured(p.cfg.Output.Dir, rows); err != nil {
			return err
		}
	}
	p.measured = p.judge(rows)
	return nil
}

// storedMeasurements returns measured.csv if it belongs to the front as it is
// now, so that resuming a finished run does not measure again.
func (p *pipeline) storedMeasurements() ([]runstore.MeasuredRow, error) {
	rows, err := runstore.ReadMeasured(p.cfg.Output.Dir)
	if err != nil {
		return nil, nil // missing, or derived and broken: measured again
	}
	want := spread(len(p.front), min(p.cfg.Output.Measure, len(p.front)))
	if len(rows) != len(want) {
		return nil, nil
	}
	for i, k := range want {
		if rows[i].ID != p.front[k].ID {
			return nil, nil
		}
	}
	return rows, nil
}

// spread returns n indices of 0..m-1, evenly, both ends among them.
func spread(m, n int) []int {
	if n >= m {
		n = m
	}
	out := make([]int, n)
	for i := range out {
		if n > 1 {
			out[i] = int(math.Round(float64(i) * float64(m-1) / float64(n-1)))
		}
	}
	return slices.Compact(out)
}

func (p *pipeline) time(ctx context.Context, rt timing.Runtime, d *device, which []int) ([]runstore.MeasuredRow, error) {
	rows := make([]runstore.MeasuredRow, len(which))
	before := p.measuredBefore()
	var todo []int // positions to be measured
	for i, k := range which {
		m := p.front[k]
		if r, ok := before[m.ArchID]; ok {
			r.ID = m.ID // predicted by the same profile: all else holds
			rows[i] = r
			continue
		}
		todo = append(todo, i)
	}
	if n := len(which) - len(todo); n > 0 {
		p.say("%d networks of the front have been measured by an earlier run with the same profile", n)
	}
	if len(todo) == 0 {
		return rows, nil
	}
	p.say("measuring %d networks of the front on this device", len(todo))
	timer, err := rt.Open(ctx, d.profile.Calibration.Baseline)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, w := range timer.Close() {
			p.say("measuring: %s", w)
		}
	}()
	nets := make([]*blocks.Network, len(todo))
	for k, i := range todo {
		if nets[k], err = p.network(p.front[which[i]]); err != nil {
			return nil, err
		}
	}
	best, late, err := timing.TimeAll(ctx, timer, nets, func(done, total int) {
		p.progress(Progress{Step: "measure", Done: done, Total: total})
	})
	if err != nil {
		return nil, err
	}
	if late > 0 {
		p.say("measuring: the machine was slower than at its calibration at each visit to %d of %d networks: their times are the runs at the pace of the reference kernel, and less certain", late, len(todo))
	}
	for k, i := range todo {
		m, w := p.front[which[i]], best[k].EndToEnd
		rows[i] = runstore.MeasuredRow{
			ID: m.ID, Device: d.profile.Device.String(), Threads: d.profile.Device.Target.Threads, PredictedMs: m.Latency, LowMs: m.Low, HighMs: m.High,
			MeasuredMs: w.MedianMs, P10Ms: w.P10Ms, P90Ms: w.P90Ms, Runs: best[k].Runs,
		}
	}
	return rows, nil
}

// judge holds predictions against measurements.
func (p *pipeline) judge(rows []runstore.MeasuredRow) *Measured {
	m := &Measured{Members: len(rows)}
	score := map[int]float64{}
	for _, f := range p.front {
		score[f.ID] = f.Accuracy
	}
	var ratios []float64
	for _, r := range rows {
		dominated := slices.ContainsFunc(rows, func(q runstore.MeasuredRow) bool {
			return q.ID != r.ID && q.MeasuredMs <= r.MeasuredMs && score[q.ID] >= score[r.ID] &&
				(q.MeasuredMs < r.MeasuredMs || score[q.ID] > score[r.ID])
		})
		if !dominated {
			m.NonDominatedPct++
		}
		if r.LowMs <= r.MeasuredMs && r.MeasuredMs <= r.HighMs {
			m.CoveragePct++
		}
		ratio := r.PredictedMs/r.MeasuredMs - 1
		ratios = append(ratios, ratio)
		m.MAPEPct += 100 * math.Abs(ratio)
	}
	n := float64(len(rows))
	m.NonDominatedPct *= 100 / n
	m.CoveragePct *= 100 / n
	m.MAPEPct /= n
	slices.Sort(ratios)
	m.BiasPct = 50 * (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2])
	return m
}

// String is the line that a person reads.
func (m *Measured) String() string {
	if m.Skipped != "" {
		return "not measured: " + m.Skipped
	}
	return fmt.Sprintf("%d measured: %.0f %% of them still on the front; predictions %+.1f %% off in the median, by %.1f %% in the mean; %.0f %% of the measured times lie in the predicted interval",
		m.Members, m.NonDominatedPct, m.BiasPct, m.MAPEPct, m.CoveragePct)
}
