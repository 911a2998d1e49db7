package latency

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"nas/blocks"
)

// A network is measured in two visits with other networks in between, which are put
// together: what a neighbour does to one visit may last for seconds. revisits bounds how
// often it is visited once more because it was always disturbed.
const (
	perMeasurement = 2
	revisits       = 4
)

var visit = Effort{Runs: 12, MinTime: 30 * time.Millisecond}

// visits are rounds of visits to networks.
type visits struct {
	timer    Timer
	networks []*blocks.Network
	effort   Effort
	best     []Timing // of each network so far
	rounds   int
}

// TimeAll times networks as wholes: each in two visits with the others in between, which
// are put together, and in up to four more while it is disturbed. late is the number of
// networks that were so at each visit: see [Pace]. progress, if not
// nil, is called after each visit; total grows with the visits that become necessary.
func TimeAll(ctx context.Context, timer Timer, networks []*blocks.Network, progress func(done, total int)) (best []Timing, late int, err error) {
	v := &visits{timer: timer, networks: networks, effort: visit}
	done, total := 0, perMeasurement*len(networks)
	seen := func(int, Timing) {
		if done++; progress != nil {
			progress(done, total)
		}
	}
	for range perMeasurement {
		if err := v.round(ctx, seen); err != nil {
			return nil, 0, err
		}
	}
	for range revisits {
		total += v.late()
		if err := v.again(ctx, seen); err != nil {
			return nil, 0, err
		}
	}
	return v.best, v.late(), nil
}

// round visits each network; seen is called with its index and what was found.
func (v *visits) round(ctx context.Context, seen func(i int, t Timing)) error {
	if v.best == nil {
		v.best = make([]Timing, len(v.networks))
	}
	i := 0
	for t, err := range TimeEach(ctx, v.timer, v.networks, v.effort) {
		if err != nil {
			return err
		}
		if v.rounds > 0 {
			v.best[i] = better(v.best[i], t)
		} else {
			v.best[i] = t
		}
		seen(i, t)
		i++
	}
	v.rounds++
	return nil
}

// again visits the networks beside which the machine was always slow.
func (v *visits) again(ctx context.Context, seen func(i int, t Timing)) error {
	for i, n := range v.networks {
		if !v.best[i].disturbed() {
			continue
		}
		t, err := v.timer.Time(ctx, n, v.effort)
		if err != nil {
			return err
		}
		v.best[i] = better(v.best[i], t)
		seen(i, t)
	}
	return nil
}

// late counts them.
func (v *visits) late() int {
	n := 0
	for i := range v.best {
		if v.best[i].disturbed() {
			n++
		}
	}
	return n
}

// slowLimit is how much slower than undisturbed the reference kernel may be in
// the median before what was measured beside it is measured again.
const slowLimit = 1.06

// lacking tells whether the machine was slow, or parts of the network were never seen in
// a calm moment.
func (t *Timing) lacking() bool { return t.Slow > slowLimit || t.laps != nil && t.found < 0.95 }

// disturbed tells whether it is worth looking again at a network that is measured as a
// whole: something lacks, or a lap had fewer calm moments in the mean than it takes to
// outvote one that was not calm to its end.
func (t *Timing) disturbed() bool { return t.lacking() || t.laps != nil && t.Calm < 3 }

// better makes one of two timings of one network, with the runs of both: that of
// calm moments, if both together have enough of them; else that at which the machine was
// less slow, the shorter of two undisturbed ones, or the mean of two at the reference
// kernel's pace.
func better(t, u Timing) Timing {
	if u.Calm > 0 {
		t, u = u, t
	}
	switch {
	case t.Calm > 0:
	case t.Slow > slowLimit && u.Slow > slowLimit && t.BaseMs > 0 && u.BaseMs > 0:
		t.merge(u)
	case max(t.Slow, u.Slow) > slowLimit && u.Slow < t.Slow, max(t.Slow, u.Slow) <= slowLimit && u.Whole.MedianMs < t.Whole.MedianMs:
		t, u = u, t
	}
	if t.laps != nil && u.laps != nil {
		t.laps, t.slow = t.laps.with(u.laps), (t.slow+u.slow)/2
		t.calm()
	}
	t.Runs += u.Runs
	t.Interrupted += u.Interrupted
	return t
}

// merge makes t the mean of t and u, weighted by their runs.
func (t *Timing) merge(u Timing) {
	w := float64(u.Runs) / float64(t.Runs+u.Runs)
	mix := func(a, b float64) float64 { return a + w*(b-a) }
	t.Slow, t.RefMs, t.BaseMs = mix(t.Slow, u.Slow), mix(t.RefMs, u.RefMs), mix(t.BaseMs, u.BaseMs)
	a, b := &t.Whole, &u.Whole
	a.MedianMs, a.LowMs, a.HighMs = mix(a.MedianMs, b.MedianMs), mix(a.LowMs, b.LowMs), mix(a.HighMs, b.HighMs)
	a.P10Ms, a.P90Ms = min(a.P10Ms, b.P10Ms), max(a.P90Ms, b.P90Ms)
	t.CallMs, t.CallSpread = slices.Clone(t.CallMs), slices.Clone(t.CallSpread)
	for i := range min(len(t.CallMs), len(u.CallMs)) {
		t.CallMs[i] = mix(t.CallMs[i], u.CallMs[i])
		t.CallSpread[i] = math.Hypot((1-w)*t.CallSpread[i], w*u.CallSpread[i])
	}
}

// TimeEach times networks one after the other, in batches if the timer is a
// [BatchTimer]. It stops at the first error.
func TimeEach(ctx context.Context, timer Timer, ns []*blocks.Network, e Effort) iter.Seq2[Timing, error] {
	return func(yield func(Timing, error) bool) {
		b, ok := timer.(BatchTimer)
		if !ok {
			for _, n := range ns {
				if t, err := timer.Time(ctx, n, e); !yield(t, err) || err != nil {
					return
				}
			}
			return
		}
		for chunk := range slices.Chunk(ns, b.Batch()) {
			ts, err := b.TimeBatch(ctx, chunk, e)
			if err != nil {
				yield(Timing{}, err)
				return
			}
			for _, t := range ts {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}
