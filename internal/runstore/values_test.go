package runstore

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"nas/search"
)

func TestField(t *testing.T) {
	nan := math.NaN()
	f := FieldOf("latency_ms@phone")
	for _, c := range []struct {
		name       string
		value      Value
		objective  bool
		objectives map[string]float64
		parts      map[string]float64
	}{
		{"objective", Value{Mid: 2, Low: 1, High: 3}, true,
			map[string]float64{"latency_ms@phone": 2},
			map[string]float64{"latency_ms@phone_low": 1, "latency_ms@phone_high": 3}},
		{"part", Value{Mid: 2, Low: nan, High: nan, BetweenSD: 0.5}, false,
			map[string]float64{}, map[string]float64{"latency_ms@phone": 2, "latency_ms@phone_between_sd": 0.5}},
		{"number", Value{Mid: 2, Low: nan, High: nan}, false, map[string]float64{},
			map[string]float64{"latency_ms@phone": 2}},
	} {
		r := search.Result{Objectives: map[string]float64{}, Parts: map[string]float64{}}
		f.Set(&r, c.value, c.objective)
		if !reflect.DeepEqual(r.Objectives, c.objectives) || !reflect.DeepEqual(r.Parts, c.parts) {
			t.Errorf("%s: stored as %v and %v, want %v and %v", c.name, r.Objectives, r.Parts, c.objectives, c.parts)
		}
		got := f.Of(&r)
		same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
		if !same(got.Mid, c.value.Mid) || !same(got.Low, c.value.Low) || !same(got.High, c.value.High) ||
			got.BetweenSD != c.value.BetweenSD {
			t.Errorf("%s: read back as %+v, want %+v", c.name, got, c.value)
		}
	}
	if v := f.Of(&search.Result{}); !math.IsNaN(v.Mid) || v.HasInterval() {
		t.Errorf("a result without the value has %+v", v)
	}
}

func TestWarningKinds(t *testing.T) {
	all := []string{LatencyWarning.Text("a"), AccuracyWarning.Text("b"), "of no kind", LatencyWarning.Text("c")}
	if got := LatencyWarning.Warnings(all); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("latency warnings are %q", got)
	}
	if got := AccuracyWarning.Warnings(all); !slices.Equal(got, []string{"b"}) {
		t.Errorf("accuracy warnings are %q", got)
	}
}
