package improve

import (
	"context"
	"fmt"
	"slices"

	"nas/blocks"
	"nas/internal/plural"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/latency/native"
	"nas/latency/timing"

	gonum "gonum.org/v1/gonum/stat"
)

// judge says in one sentence what came of it.
func (c *comparison) judge(ctx context.Context) error {
	o := c.out
	limit := o.Model.Ms
	if c.options.MaxLatencyMs > 0 {
		limit = c.options.MaxLatencyMs
	}
	if o.Best == nil {
		summary := c.found.Summary
		o.Verdict = fmt.Sprintf("nothing better was found: of %d tried and %d within %.4g ms, none scores more",
			summary.Trials, o.Evaluated, limit)
		if len(c.found.Front) == 0 {
			o.Verdict = fmt.Sprintf(
				"no network of the space was found within %.4g ms: %s",
				limit,
				summary.Constraints.String(),
			)
		}
		return nil
	}
	o.GainHalfWidth = (o.Best.High - o.Best.Low) / 2
	against := "the half width of the estimate's 90 % interval"
	if o.GainHalfWidth == 0 {
		scores, err := c.SeedScores(ctx, []*blocks.Network{o.Model.network, o.Best.network})
		if err != nil {
			return err
		}
		o.GainHalfWidth = seedHalfWidth(scores)
		against = "what the score's seed alone can do"
	}
	o.decide(limit, c.options.MaxLatencyMs, against)
	return nil
}

// seedHalfWidth is half the 90 % interval of the difference of two networks' scores over seeds; 0 for a
// score without a seed.
func seedHalfWidth(scores [][]float64) float64 {
	var gains []float64
	for _, s := range scores {
		gains = append(gains, s[1]-s[0])
	}
	if len(gains) < 2 {
		return 0
	}
	return stat.Half90 * gonum.StdDev(gains, nil)
}

// decide writes the verdict on the best network. limit is the latency that it was allowed, which is
// asked, or the model's own where that is 0; against says what GainHalfWidth is.
func (o *Improvement) decide(limit, asked float64, against string) {
	gain, model, best := o.Best.Score-o.Model.Score, &o.Model, o.Best
	unit := ""
	if o.Unit == "pct" {
		unit = " points"
	}
	slower := best.RatioLow > max(1, limit/model.Ms)
	o.Better = gain > o.GainHalfWidth && !slower
	switch {
	case gain <= 0 && limit < model.Ms:
		o.Verdict = fmt.Sprintf("faster, not better: within %.4g ms the best of %s scores %.3g%s less, "+
			"at %.3g times the model's predicted latency", limit, plural.Of(o.Evaluated, "network"), -gain, unit,
			best.Ms/model.Ms)
	case gain <= 0:
		o.Verdict = fmt.Sprintf("nothing better was found: within %.4g ms the best of %s scores %.4g, "+
			"the model %.4g", limit, plural.Of(o.Evaluated, "network"), best.Score, model.Score)
	case slower:
		o.Verdict = fmt.Sprintf("not an improvement on this device: %.3g%s more, but measured it takes %.3g times "+
			"the model's latency, more than was predicted", gain, unit, best.Ratio)
	case o.Better:
		o.Verdict = fmt.Sprintf("better: %.3g%s more, beyond %.3g, %s", gain, unit, o.GainHalfWidth, against)
	default:
		o.Verdict = fmt.Sprintf(
			"perhaps better: %.3g%s more, which is not beyond %.3g, %s: train both before you believe it",
			gain,
			unit,
			o.GainHalfWidth,
			against,
		)
	}
	if asked > 0 && best.MeasuredMs > asked {
		o.Verdict += fmt.Sprintf("; measured it took %.4g ms: predictions are held to --max-latency, "+
			"so ask for less than %.4g ms", best.MeasuredMs, asked)
	}
}

const (
	rounds       = 7
	runsPerRound = 15 // of each network
)

// measure times the networks in turn, round after round, so that a machine that gets slower does so for
// all of them.
func (c *comparison) measure(ctx context.Context) error {
	p := c.Devices[0].Profile
	rt := native.Of(p.Device)
	if err := p.Matches(rt); err != nil {
		c.out.Skipped = err.Error()
		return nil
	}
	sides := []*Side{&c.out.Model}
	for _, s := range []*Side{c.out.Best, c.out.Faster} {
		if s != nil {
			sides = append(sides, s)
		}
	}
	c.Sayf("measuring %s on this device, in turn", plural.Of(len(sides), "network"))
	timer, err := rt.Open(ctx, p.Calibration.Baseline)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range timer.Close() {
			c.out.warn("measuring: " + w)
		}
	}()
	ms := make([][]float64, len(sides))
	for round := range rounds {
		for i, s := range sides {
			t, err := timer.Time(ctx, s.network, timing.Effort{Runs: runsPerRound})
			if err != nil {
				return err
			}
			ms[i] = append(ms[i], t.EndToEnd.MedianMs)
		}
		c.Report(work.Progress{Step: "measure", Done: round + 1, Total: rounds})
	}
	for i, s := range sides {
		s.setMeasured(ms[i], ms[0])
	}
	return nil
}

// setMeasured takes the latencies of all rounds, and those of the model in the same rounds.
func (s *Side) setMeasured(ms, model []float64) {
	ratios := make([]float64, len(ms))
	for k := range ratios {
		ratios[k] = ms[k] / model[k]
	}
	s.MeasuredMs, s.Ratio = stat.Median(slices.Clone(ms)), stat.Median(ratios)
	s.RatioLow, s.RatioHigh = slices.Min(ratios), slices.Max(ratios)
}
