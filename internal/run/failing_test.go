package run

import (
	"strings"
	"testing"
	"time"

	"nas/internal/config"
	"nas/internal/runtest"
)

// TestFailing: networks that take too long are recorded with the reason, and the run goes on to its end.
// Those that need too much memory give an error in the same place: see package accuracy/proxy.
func TestFailing(t *testing.T) {
	c := runtest.Config(t, runtest.Profile(t))
	c.Search.Timeout, c.Search.Evaluations, c.Output.Measure = config.Duration(time.Nanosecond), 12, 0
	out := mustRun(t, t.Context(), Options{Config: c})
	if out.Summary.Evaluations < 12 || len(out.Front) > 0 {
		t.Errorf("%d networks were tried, %d are on the front", out.Summary.Evaluations, len(out.Front))
	}
	for _, x := range runtest.Trials(t, out.Dir) {
		if !x.Screened && !strings.Contains(x.Failed, "timed out after 1ns") {
			t.Errorf("trial %d: failed is %q", x.ID, x.Failed)
		}
	}
	if want := "12 of 12 evaluations were ended by search.timeout: "; !strings.HasPrefix(out.NoFront, want) {
		t.Errorf("the run says %q, want %q", out.NoFront, want)
	}
}
