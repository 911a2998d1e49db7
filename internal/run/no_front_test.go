package run

import (
	"strings"
	"testing"

	"nas/internal/runstore"
	"nas/search"
)

// A run without a front says what would help: looser limits in their direction,
// and nothing of limits where they are not why.
func TestNoFront(t *testing.T) {
	limits := []runstore.Limit{{Name: "max_params"}, {Name: "min_top1_pct", AtLeast: true}}
	trial := func(params, top1 float64) search.Trial {
		var x search.Trial
		x.AtMost("max_params", params, 100)
		x.AtLeast("min_top1_pct", top1, 80)
		return x
	}
	screened := trial(101, 90)
	screened.Screened = true // its accuracy was not judged
	slow := search.Trial{Result: search.Result{Failed: "timed out after 5ms"}}
	failed := search.Trial{Result: search.Result{Failed: "out of memory"}}
	for _, c := range []struct {
		name   string
		trials []search.Trial
		want   string // its end
	}{
		{"none", nil, "no candidate was finished before the run ended (time)"},
		{"upper", []search.Trial{trial(110, 90), failed},
			"breaks it by 10 %: raise max_params by that, or give the space smaller choices"},
		{"lower", []search.Trial{trial(90, 60)}, "breaks it by 25 %: lower min_top1_pct by that"},
		{"both", []search.Trial{trial(110, 60)}, "and max_params by 10 %: raise max_params and lower min_top1_pct by that"},
		{"a floor behind another limit", []search.Trial{screened, screened, trial(90, 40), trial(90, 60)},
			"which every one of the 2 breaks that the other constraints leave: the nearest candidate, trial 0, breaks it by 25 %: " +
				"lower min_top1_pct by that"},
		{"too little time", []search.Trial{slow, slow, trial(110, 90)}, "2 of 3 evaluations were ended by search.timeout: " +
			"give it more time, or take a faster accuracy.proxy (none of 1 candidates satisfies every constraint; the binding " +
			"constraint is max_params, which every one of them breaks: the nearest candidate, trial 0, breaks it by 10 %)"},
		{"failed", []search.Trial{failed, failed}, "all 2 evaluations failed, the first because: out of memory"},
		{"unnamed", []search.Trial{{Result: search.Result{Violation: 1}}}, "has a violation of 1"},
	} {
		s := search.Summary{Status: search.StatusTime}
		for _, x := range c.trials {
			s.Trials++
			s.Constraints.Add(x)
		}
		if got := whyNoFront(limits, &s); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: %q, want the end %q", c.name, got, c.want)
		}
	}
}
