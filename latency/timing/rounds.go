package timing

import (
	"context"
	"iter"
	"slices"
	"time"

	"nas/blocks"
)

// A network is measured in RoundsPerTiming rounds, with the other networks in between,
// because a burst of other programs' work may last for seconds. While some segments of
// it were always disturbed it is measured up to Remeasurements times more.
const (
	RoundsPerTiming = 2
	Remeasurements  = 4
)

// DefaultEffort is that of one network in one round.
func DefaultEffort() Effort { return Effort{Runs: 12, MinTime: 30 * time.Millisecond} }

// Rounds measures networks end to end, round after round, and combines what the rounds
// tell of each.
type Rounds struct {
	timer    Timer
	networks []*blocks.Network
	effort   Effort
	timings  []Timing // of each network, all rounds combined
}

// NewRounds prepares rounds of measurements, each network with the given effort in each.
func NewRounds(timer Timer, networks []*blocks.Network, e Effort) *Rounds {
	return &Rounds{timer: timer, networks: networks, effort: e}
}

// Timings returns what is known of each network; nil before the first round.
func (r *Rounds) Timings() []Timing { return r.timings }

// Measure is one more round over all networks. seen is called after each with its index
// and what this round measured.
func (r *Rounds) Measure(ctx context.Context, seen func(i int, t Timing)) error {
	first := r.timings == nil
	if first {
		r.timings = make([]Timing, len(r.networks))
	}
	i := 0
	for t, err := range TimeEach(ctx, r.timer, r.networks, r.effort) {
		if err != nil {
			return err
		}
		if first {
			r.timings[i] = t
		} else {
			r.timings[i] = Combine(r.timings[i], t)
		}
		seen(i, t)
		i++
	}
	return nil
}

// Remeasure is one more round over the networks that are still disturbed.
func (r *Rounds) Remeasure(ctx context.Context, seen func(i int, t Timing)) error {
	for i, n := range r.networks {
		if !r.timings[i].NeedsRemeasure() {
			continue
		}
		t, err := r.timer.Time(ctx, n, r.effort)
		if err != nil {
			return err
		}
		r.timings[i] = Combine(r.timings[i], t)
		seen(i, t)
	}
	return nil
}

// Disturbed is the number of networks that Remeasure would measure.
func (r *Rounds) Disturbed() int {
	n := 0
	for i := range r.timings {
		if r.timings[i].NeedsRemeasure() {
			n++
		}
	}
	return n
}

// TimeAll measures networks end to end, in as many rounds as it takes (see [Rounds]).
// disturbed is the number of networks that were disturbed in each: their times are less
// certain (see [Conditions]). progress, if not nil, is called after each measurement with
// how many of the total have been made: of all networks, or, if again, of those that a
// round repeats.
func TimeAll(
	ctx context.Context, timer Timer, networks []*blocks.Network, progress func(again bool, done, total int),
) (ts []Timing, disturbed int, err error) {
	r := NewRounds(timer, networks, DefaultEffort())
	again, done, total := false, 0, RoundsPerTiming*len(networks)
	seen := func(int, Timing) {
		if done++; progress != nil {
			progress(again, done, total)
		}
	}
	for range RoundsPerTiming {
		if err := r.Measure(ctx, seen); err != nil {
			return nil, 0, err
		}
	}
	for range Remeasurements {
		again, done, total = true, 0, r.Disturbed()
		if err := r.Remeasure(ctx, seen); err != nil {
			return nil, 0, err
		}
	}
	return r.timings, r.Disturbed(), nil
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
