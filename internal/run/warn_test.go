package run

import (
	"fmt"
	"strings"
	"testing"

	"nas/latency"
	"nas/search"
)

// A profile of other networks is worth little: the run says so, once.
func TestWarnsOfAFrontBeyondTheProfile(t *testing.T) {
	for far, want := range map[int]string{0: "", 1: "", 2: "2 of the 5 networks on the front: " + latency.OutsideMeasured + " (1 to 20 ms)"} {
		var said []string
		p := &pipeline{Options: Options{Say: func(s string) { said = append(said, s) }}}
		for i := range 5 {
			m := Member{Trial: search.Trial{ID: i}}
			m.Warnings = []string{"latency: something else", "accuracy: " + latency.OutsideMeasured}
			if i < far {
				for range 2 { // devices
					m.Warnings = append(m.Warnings, fmt.Sprintf("%s%s (1 to 20 ms)", warnsLatency, latency.OutsideMeasured))
				}
			}
			p.front = append(p.front, m)
		}
		p.warnOutside()
		if got := strings.Join(said, "\n"); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%d of 5 lie outside: said %q, want %q", far, got, want)
		}
	}
}

// Only a score that charges for the unknown has a winner by it.
func TestAuditVerdictOfABlindGene(t *testing.T) {
	r := AuditRow{Flips: 9, Declared: true, ScoreMean: 0.001, Cheapest: "relu", SavingPct: 4,
		Values: []AuditValue{{Choice: "relu"}, {Choice: "swish", ScoreMean: 0.001}}}
	if got, want := r.String(), "NOT seen: relu wins, 4.0 % cheaper"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Charged = true
	if got, want := r.String(), "NOT seen, but a fixed charge for the unknown: swish wins"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
