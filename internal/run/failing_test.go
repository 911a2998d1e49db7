package run

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runtest"
)

// TestFailing: networks that take too long or need too much memory are recorded
// with the reason, and the run goes on to its end.
func TestFailing(t *testing.T) {
	t.Run("time", func(t *testing.T) {
		c := runtest.Config(t, runtest.Profile(t))
		c.Search.Timeout, c.Search.Evaluations, c.Output.Measure = config.Duration(time.Nanosecond), 12, 0
		allFailed(t, Options{Config: c}, "timed out after 1ns")
	})
	t.Run("memory", func(t *testing.T) {
		c := runtest.Config(t, runtest.Profile(t))
		c.Search.Evaluations, c.Output.Measure = 12, 0
		limit := int64(math.MaxInt64)
		defer func() { debug.SetMemoryLimit(limit) }()
		say := func(line string) { // the reference sample had all the memory it wants
			if strings.HasPrefix(line, "searching") {
				limit = debug.SetMemoryLimit(1 << 19)
			}
		}
		allFailed(t, Options{Options: evaluator.Options{Say: say}, Config: c}, "out of memory")
	})
}

func allFailed(t *testing.T, o Options, reason string) {
	t.Helper()
	out := mustRun(t, t.Context(), o)
	if out.Summary.Evaluations < 12 || len(out.Front) > 0 {
		t.Errorf("%d networks were tried, %d are on the front", out.Summary.Evaluations, len(out.Front))
	}
	for _, x := range runtest.Trials(t, o.Config.Output.Dir) {
		if !x.Screened && !strings.Contains(x.Failed, reason) {
			t.Errorf("trial %d: failed is %q, want %q", x.ID, x.Failed, reason)
		}
	}
}
