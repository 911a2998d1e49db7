package run

import (
	"context"
	"fmt"
	"math"

	"nas/blocks"
)

// judge says in one sentence what came of it.
func (m *improver) judge(ctx context.Context) error {
	o := m.out
	limit := o.Model.Ms
	if m.o.MaxLatencyMs > 0 {
		limit = m.o.MaxLatencyMs
	}
	if o.Best == nil {
		o.Verdict = fmt.Sprintf("nothing better was found: of %d tried and %d within %.4g ms, none scores more", m.summary.Trials, o.Evaluated, limit)
		if len(m.front) == 0 {
			o.Verdict = fmt.Sprintf("no network of the space was found within %.4g ms: %s", limit, m.summary.Constraints.String())
		}
		return nil
	}
	gain := o.Best.Score - o.Model.Score
	o.GainHalfWidth = (o.Best.High - o.Best.Low) / 2
	against := "the half width of the estimate's 90 % interval"
	if o.GainHalfWidth == 0 {
		scores, err := m.seedScores(ctx, []*blocks.Network{o.Model.net, o.Best.net})
		if err != nil {
			return err
		}
		var diffs []float64
		for _, s := range scores {
			diffs = append(diffs, s[1]-s[0])
		}
		_, sd := meanSpread(diffs)
		o.GainHalfWidth = 1.645 * sd
		against = "what the score's seed alone can do"
	}
	unit := ""
	if o.Unit == "pct" {
		unit = " points"
	}
	slower := o.Best.RatioLow > math.Max(1, limit/o.Model.Ms)
	o.Better = gain > o.GainHalfWidth && !slower
	switch {
	case gain <= 0 && limit < o.Model.Ms:
		o.Verdict = fmt.Sprintf("faster, not better: within %.4g ms the best of %d networks scores %.3g%s less, at %.3g times the model's predicted latency", limit, o.Evaluated, -gain, unit, o.Best.Ms/o.Model.Ms)
	case gain <= 0:
		o.Verdict = fmt.Sprintf("nothing better was found: within %.4g ms the best of %d networks scores %.4g, the model %.4g", limit, o.Evaluated, o.Best.Score, o.Model.Score)
	case slower:
		o.Verdict = fmt.Sprintf("not an improvement on this device: %.3g%s more, but measured it takes %.3g times the model's latency, more than was predicted", gain, unit, o.Best.Ratio)
	case o.Better:
		o.Verdict = fmt.Sprintf("better: %.3g%s more, beyond %.3g, %s", gain, unit, o.GainHalfWidth, against)
	default:
		o.Verdict = fmt.Sprintf("perhaps better: %.3g%s more, which is not beyond %.3g, %s: train both before you believe it", gain, unit, o.GainHalfWidth, against)
	}
	if max := m.o.MaxLatencyMs; max > 0 && o.Best.MeasuredMs > max {
		o.Verdict += fmt.Sprintf("; measured it took %.4g ms: predictions are held to --max-latency, so ask for less than %.4g ms", o.Best.MeasuredMs, max)
	}
	return nil
}
