package explain

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/edits"
	"nas/internal/plural"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/calibrate"
	"nas/latency/timing"
)

// The networks are measured in turn, round after round: at least leastRounds, and more until the gains are known to
// enough of themselves, or until there are mostRounds or longest has passed.
const (
	leastRounds  = 15
	mostRounds   = 80
	longest      = 90 * time.Second
	enough       = 0.04
	runsPerRound = 8 // of each network, of which the lower decile counts
	confidence   = 0.9
)

// measure measures the first edits beside the network, in turn, so that a machine that gets slower does so for all.
func (x *Explanation) measure(ctx context.Context, o *Options) error {
	if err := o.Profile.Matches(o.Runtime); err != nil {
		return err
	}
	n := min(o.Measure, len(x.Edits))
	networks := []*blocks.Network{o.Network}
	for i := range n {
		networks = append(networks, x.Edits[i].network)
	}
	o.Sayf("measuring %s on this device, in turn", plural.Of(len(networks), "network"))
	timer, err := o.Runtime.Open(ctx, o.Profile.Calibration.Baseline)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range timer.Close() {
			x.Warnings = append(x.Warnings, "measuring: "+w)
		}
	}()
	times := make([][]float64, len(networks)) // of each network, round by round
	begin := time.Now()
	for round := range mostRounds {
		k := 0
		for t, err := range timing.TimeEach(ctx, timer, networks, timing.Effort{Runs: runsPerRound}) {
			if err != nil {
				return err
			}
			times[k] = append(times[k], cmp.Or(t.EndToEnd.P10Ms, t.EndToEnd.P5Ms, t.EndToEnd.MedianMs))
			k++
		}
		known := x.setMeasured(times)
		o.Report(work.Progress{Step: "measure", Done: round + 1, Total: max(leastRounds, round+1)})
		if round+1 >= leastRounds && (known || time.Since(begin) > longest) {
			break
		}
	}
	return nil
}

// setMeasured takes the times of the network and of the first edits. A gain is the median over the rounds of the share
// that the edit won in the round, times the median latency: other programs that are busy for a round slow both networks
// down. The interval is that of the median (two order statistics). It reports whether all gains are known well enough.
func (x *Explanation) setMeasured(times [][]float64) bool {
	base := median(times[0])
	x.Measured = &base
	known := true
	for i := range times[1:] {
		shares := make([]float64, len(times[0]))
		for k, ms := range times[0] {
			shares[k] = 1 - times[i+1][k]/ms
		}
		m := median(shares)
		x.Edits[i].Measured = &latency.Part{Ms: m.Ms * base.Ms, LowMs: m.LowMs * base.Ms, HighMs: m.HighMs * base.Ms}
		known = known && m.HighMs-m.LowMs <= 2*enough*math.Abs(m.Ms)
	}
	return known
}

// median is the median of values and its interval.
func median(values []float64) latency.Part {
	sorted := slices.Sorted(slices.Values(values))
	k := max(0, stat.MedianRank(len(sorted), confidence))
	return latency.Part{Ms: stat.Quantile(sorted, 0.5), LowMs: sorted[k], HighMs: sorted[len(sorted)-1-k]}
}

// calibrate adds measurements of the network and its edits to the profile. It returns a warning if other programs
// spoiled them: the profile is then what it was.
func (o *Options) calibrate(ctx context.Context, found []edits.Edit) (warning string, err error) {
	if err := o.Profile.Matches(o.Runtime); err != nil {
		return "", err
	}
	networks := []*blocks.Network{o.Network}
	for _, e := range found {
		n, err := e.Apply(o.Network)
		if err != nil {
			return "", err
		}
		if _, err := o.Profile.Device.Calls(n); err == nil {
			networks = append(networks, n)
		}
	}
	o.Sayf("timing the kernels of the network and of %s for up to %v", plural.Of(len(networks)-1, "edit"), o.Calibrate)
	p, err := calibrate.Device(ctx, o.Runtime, inTurns(networks), calibrate.Options{
		Budget: o.Calibrate, Base: o.Profile,
		Progress: func(p calibrate.Progress) {
			o.Report(work.Progress{
				Step: "calibrate", Done: int(p.Elapsed / time.Second), Total: int(p.Budget / time.Second), Seconds: true,
			})
		},
	})
	if err != nil {
		return "", err
	}
	if why := p.Busy(); why != "" {
		return "what was timed for --calibrate is not used, because the machine was too busy: " + why, nil
	}
	o.Profile = p
	return "", nil
}

// inTurns lists networks three times, each time beginning with another, because a calibration holds out every third
// and should see the kernels of all.
func inTurns(networks []*blocks.Network) iter.Seq[*blocks.Network] {
	return func(yield func(*blocks.Network) bool) {
		for turn := range 3 {
			from := turn % len(networks)
			for _, n := range slices.Concat(networks[from:], networks[:from]) {
				if !yield(n) {
					return
				}
			}
		}
	}
}
