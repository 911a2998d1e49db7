package run

import (
	"context"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/internal/evaluator"
	"nas/internal/plural"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/native"
	"nas/latency/timing"
	"nas/search"
	"nas/search/pareto"
)

// Measured compares the predicted latencies of the front with measured ones.
type Measured struct {
	Members         int     // measured
	NonDominatedPct float64 // share of them that no other member dominates by measured latency
	BiasPct         float64 // median of predicted/measured - 1: above 0, predictions are too slow
	MAPEPct         float64 // mean of |predicted/measured - 1|
	CoveragePct     float64 // share whose measured time lies in the predicted interval
	Skipped         string  // why nothing was measured, or ""
	Unheld          string  // of which latencies the intervals do not hold, or ""; see latency.Unheld
}

// measure times members of the front, taken evenly over it, on this machine. It returns nil where
// the config asks for none. For a profile of another machine it measures nothing and says so.
func measure(
	ctx context.Context, s *evaluator.Setup, store *runstore.Run, front []Member, earlier []*results.Stored,
) (*Measured, error) {
	which := stat.Evenly(len(front), min(s.Config.Output.Measure, len(front)))
	if len(which) == 0 {
		return nil, nil
	}
	members := make([]Member, len(which))
	for i, k := range which {
		members[i] = front[k]
	}
	d := s.Devices[0]
	if d.Profile.Device.Sustained {
		s.Sayf("the front is not measured: its profile is of the hot device; nas bench --sustained 10m times a network there")
		return &Measured{Skipped: "the profile is of the hot device"}, nil
	}
	rt := native.Of(d.Profile.Device)
	if err := d.Profile.Matches(rt); err != nil {
		s.Sayf("the front is not measured: %v", err)
		return &Measured{Skipped: err.Error()}, nil
	}
	rows := storedMeasurements(store.Dir(), members)
	if rows == nil {
		var err error
		if rows, err = timeMembers(ctx, s, rt, members, measuredBefore(store, earlier)); err != nil {
			if ctx.Err() != nil {
				s.Report(work.Progress{Step: "measure", Ended: true})
				return &Measured{Skipped: "interrupted"}, nil
			}
			return nil, err
		}
		if err := runstore.WriteMeasured(store.Dir(), rows); err != nil {
			return nil, err
		}
	}
	return compare(rows, members, s.AccuracyAxis()), nil
}

// storedMeasurements returns measured.csv of dir if it is about these members, so that resuming a
// finished run does not measure again. A broken file is derived, and is made again.
func storedMeasurements(dir string, members []Member) []runstore.MeasuredRow {
	rows, err := runstore.ReadMeasured(dir)
	same := func(r runstore.MeasuredRow, m Member) bool { return r.ID == m.ID }
	if err != nil || !slices.EqualFunc(rows, members, same) {
		return nil
	}
	return rows
}

// timeMembers measures the members that are not among before, by arch id.
func timeMembers(
	ctx context.Context, s *evaluator.Setup, rt timing.Runtime, members []Member, before map[string]runstore.MeasuredRow,
) ([]runstore.MeasuredRow, error) {
	rows := make([]runstore.MeasuredRow, len(members))
	var todo []int // indices of the members to be measured
	for i, m := range members {
		if r, ok := before[m.ArchID]; ok {
			r.ID = m.ID // predicted by the same profile: all else holds
			rows[i] = r
			continue
		}
		todo = append(todo, i)
	}
	if n := len(members) - len(todo); n > 0 {
		s.Sayf("an earlier run with the same profile measured %s of the front", plural.Of(n, "network"))
	}
	if len(todo) == 0 {
		return rows, nil
	}
	s.Sayf("measuring %s of the front on this device", plural.Of(len(todo), "network"))
	d := s.Devices[0]
	timer, err := rt.Open(ctx, d.Profile.Calibration.Baseline)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, w := range timer.Close() {
			s.Sayf("measuring: %s", w)
		}
	}()
	nets := make([]*blocks.Network, len(todo))
	for k, i := range todo {
		if nets[k], err = members[i].Network(s); err != nil {
			return nil, err
		}
	}
	best, disturbed, err := timing.TimeAll(ctx, timer, nets, func(again bool, done, total int) {
		step := "measure"
		if again {
			step = "measure again"
		}
		s.Report(work.Progress{Step: step, Done: done, Total: total})
		s.Gate.Wait(ctx)
	})
	if err != nil {
		return nil, err
	}
	if disturbed > 0 {
		s.Sayf("measuring: the machine was slower than at its calibration in every round over %d of %s: "+
			"their times are the runs at the pace of the reference kernel, and less certain", disturbed,
			plural.Of(len(todo), "network"))
	}
	for k, i := range todo {
		m, t := &members[i], best[k].EndToEnd
		rows[i] = runstore.MeasuredRow{
			ID: m.ID, Device: d.Profile.Device.String(), Threads: d.Profile.Device.Target.Threads,
			PredictedMs: m.Latency.Mid, LowMs: m.Latency.Low, HighMs: m.Latency.High,
			MeasuredMs: t.MedianMs, P10Ms: t.P10Ms, P90Ms: t.P90Ms, Runs: best[k].Runs,
		}
	}
	return rows, nil
}

// compare compares the predicted latencies of members with their measured ones. Row i belongs to member i.
// accuracy says which values of it are better.
func compare(rows []runstore.MeasuredRow, members []Member, accuracy search.Objective) *Measured {
	m := &Measured{Members: len(rows)}
	var errs []float64
	costs, points := make([][]float64, len(rows)), make([]latency.Point, len(rows))
	for i, r := range rows {
		costs[i] = []float64{r.MeasuredMs, members[i].Accuracy.Mid}
		if accuracy.Direction == search.Maximize {
			costs[i][1] = -costs[i][1]
		}
		points[i] = latency.Point{PredictedMs: r.PredictedMs, LowMs: r.LowMs, HighMs: r.HighMs, MeasuredMs: r.MeasuredMs}
		if r.LowMs <= r.MeasuredMs && r.MeasuredMs <= r.HighMs {
			m.CoveragePct++
		}
		e := r.PredictedMs/r.MeasuredMs - 1
		errs = append(errs, e)
		m.MAPEPct += 100 * math.Abs(e)
	}
	n := float64(len(rows))
	m.NonDominatedPct = float64(len(pareto.Front(costs))) * (100 / n)
	m.CoveragePct *= 100 / n
	m.MAPEPct /= n
	m.BiasPct = 100 * stat.Median(errs)
	m.Unheld = latency.Unheld(points)
	return m
}

// String is the line that a person reads.
func (m *Measured) String() string {
	if m.Skipped != "" {
		return "not measured: " + m.Skipped
	}
	text := fmt.Sprintf("%d measured: %.0f %% of them still on the front; predictions %+.1f %% off in the median, "+
		"by %.1f %% in the mean; %.0f %% of the measured times lie in the predicted interval",
		m.Members, m.NonDominatedPct, m.BiasPct, m.MAPEPct, m.CoveragePct)
	if m.Unheld != "" {
		text += "\n" + m.Unheld
	}
	return text
}
