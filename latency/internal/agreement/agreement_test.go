package agreement

import (
	"math"
	"testing"
)

func TestSummarize(t *testing.T) {
	ps := []Pair{
		{"a", 1.00, 0.9, 1.1, 1, 10e6}, {"b", 2.16, 1.9, 2.1, 2, 20e6},
		{"c", 3.18, 2.9, 3.3, 3, 30e6}, {"d", 4.60, 4.5, 4.7, 4, 40e6},
	}
	v := Summarize(ps, FitLine(ps))
	if v.Within5 != 25 || v.Within10 != 75 || v.Coverage != 75 || math.Abs(v.MAPEPct-7.25) > 1e-9 || v.Kendall != 1 {
		t.Errorf("%+v", v)
	}
	if v.BaseMAPE > 1e-6 || len(v.Strata) != 4 || v.Strata[3].Within10 != 0 {
		t.Errorf("the line fits exactly: %g %%; strata %+v", v.BaseMAPE, v.Strata)
	}
}
