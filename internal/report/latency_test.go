package report

import (
	"strings"
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/latency"
)

func TestLatencyBreakdownAddsUp(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@res=64")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(n, engine.Target{ISA: "avx2"}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := latency.Estimate{}
	for i, c := range plan.Kernels() {
		e.Kernels = append(e.Kernels, latency.Kernel{Name: c.Unit.Name, Ms: float64(2 * (i + 1)), Count: 2, Unit: c.Unit,
			Places: [][2]int{{c.Stage, c.Block}, {c.Stage, c.Block}}})
		e.LatencyMs += float64(2 * (i + 1))
	}
	b := LatencyBreakdown(n, e, "nothing")
	sum := 0.0
	for _, r := range b.Rows {
		sum += r.total()
	}
	if sum != e.LatencyMs || len(b.Notes) > 0 {
		t.Errorf("blocks add up to %v of %v ms, notes %q", sum, e.LatencyMs, b.Notes)
	}
	first, last := b.Rows[0].Label, b.Rows[len(b.Rows)-1].Label
	if !strings.HasPrefix(first, "stem") || !strings.HasSuffix(last, "1x1x1000") {
		t.Errorf("rows go from %q to %q", first, last)
	}
	e.LatencyMs *= 0.9
	if b := LatencyBreakdown(n, e, "nothing"); len(b.Notes) != 1 {
		t.Error("a sum that is off is not mentioned")
	}
}
