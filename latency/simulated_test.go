package latency

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/costmodel"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

var simulatedOnce struct {
	sync.Once
	p *Profile
}

// simulatedProfile is a small profile of the simulated device that tests share: of 48
// networks every third is held out, of the others the units are timed.
func simulatedProfile(t *testing.T) *Profile {
	simulatedOnce.Do(func() {
		f := latencytest.NewSimulated(3, 0.01, 0.01)
		p := &Profile{Format: Format, Device: f.Device(), Warnings: []string{}}
		times := map[engine.Unit][]float64{}
		for i, n := range latencytest.Networks(t, 1, 48) {
			calls, err := p.Device.Calls(n)
			if err != nil {
				t.Fatal(err)
			}
			x, err := f.TimeUnits(t.Context(), n, timing.Effort{Runs: 12})
			if err != nil {
				t.Fatal(err)
			}
			if i%3 == 2 {
				p.AddHeldOut(n.Name, calls, x.EndToEnd)
				continue
			}
			for k, ms := range x.CallMs {
				times[calls[k].Unit] = append(times[calls[k].Unit], ms)
			}
		}
		for u, ms := range times {
			p.Units = append(p.Units, costmodel.UnitTime{Unit: u, Ms: stat.Median(ms), Spread: 0.02, Networks: len(ms)})
		}
		slices.SortFunc(p.Units, func(a, b costmodel.UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
		if _, err := p.Fit(nil); err != nil {
			t.Fatal(err)
		}
		simulatedOnce.p = p
	})
	if simulatedOnce.p == nil {
		t.Fatal("no profile")
	}
	return simulatedOnce.p
}
