package explain

import (
	"cmp"
	"context"
	"iter"
	"math"
	"math/rand/v2"
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

// quietest is the quantile of the rounds that counts: other programs only ever add to a time, and the times of quiet
// rounds lie close together.
const quietest = 0.2

// resamples is how often the rounds are drawn anew for an interval.
const resamples = 400

// setMeasured takes the times of the network and of the first edits, round by round. The intervals hold what 90 % of
// resampled rounds show (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3); a round is drawn
// for all networks at once. It reports whether all gains are known well enough.
func (x *Explanation) setMeasured(times [][]float64) bool {
	draw, rounds := rand.New(rand.NewPCG(1, 2)), len(times[0])
	latencies, gains := make([][]float64, len(times)), make([][]float64, len(times)) // of the resampled rounds
	for range resamples {
		at := make([]int, rounds)
		for k := range at {
			at[k] = draw.IntN(rounds)
		}
		for i := range times {
			drawn := make([]float64, rounds)
			for k, round := range at {
				drawn[k] = times[i][round]
			}
			ms := quiet(drawn)
			latencies[i] = append(latencies[i], ms)
			gains[i] = append(gains[i], latencies[0][len(latencies[0])-1]-ms)
		}
	}
	part := func(ms float64, resampled []float64) latency.Part {
		slices.Sort(resampled)
		return latency.Part{
			Ms: ms, LowMs: stat.Quantile(resampled, (1-confidence)/2), HighMs: stat.Quantile(resampled, (1+confidence)/2),
		}
	}
	base := quiet(times[0])
	known := true
	for i := range times[1:] {
		g := part(base-quiet(times[i+1]), gains[i+1])
		x.Edits[i].Measured = &g
		known = known && g.HighMs-g.LowMs <= 2*enough*math.Abs(g.Ms)
	}
	measured := part(base, latencies[0])
	x.Measured = &measured
	return known
}

// quiet is the time that counts of those of all rounds.
func quiet(ms []float64) float64 { return stat.Quantile(slices.Sorted(slices.Values(ms)), quietest) }

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
