package run

import (
	"strings"
	"testing"

	"nas/internal/evaluator"
	"nas/internal/profiles"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/latency"
	"nas/search"
)

// A profile of other networks is worth little: the run says so, once.
func TestWarnOutside(t *testing.T) {
	p, err := latency.Load("../../results/reference/smoke/profile.json")
	if err != nil {
		t.Fatal(err)
	}
	predictor, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	field := runstore.FieldOf(runstore.KeyLatency)
	device := &profiles.Device{Predictor: predictor, Latency: field}
	const far = 1e6 // ms
	outside := predictor.OutsideMeasured(far)
	if outside == "" || predictor.OutsideMeasured(0.2) != "" {
		t.Fatalf("at %v ms %q, at 0.2 ms %q", float64(far), outside, predictor.OutsideMeasured(0.2))
	}
	for n, want := range map[int]string{0: "", 1: "", 2: "2 of the 5 networks on the front: " + outside} {
		var said []string
		s := &evaluator.Setup{
			Options:   work.Options{Say: func(s string) { said = append(said, s) }},
			Evaluator: &evaluator.Evaluator{Devices: []*profiles.Device{device, device}}, // a network counts once
		}
		front := make([]Member, 5)
		for i := range front {
			front[i].Parts = map[string]float64{}
			v := runstore.Value{Mid: 0.2, Low: 0.1, High: 0.3}
			if i < n {
				v.Mid = far
			}
			field.Set(&front[i].Result, v, false)
		}
		warnOutside(s, front)
		if got := strings.Join(said, "\n"); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%d of 5 lie outside: said %q, want %q", n, got, want)
		}
	}
}

func TestRank(t *testing.T) {
	ms := search.Objective{Name: runstore.KeyLatency, Unit: "ms"}
	accuracy := search.Objective{Name: runstore.KeyAccuracy, Direction: search.Maximize}
	for _, c := range []struct {
		name       string
		objectives []search.Objective
		want       []int
	}{
		{"latency first", []search.Objective{ms, accuracy}, []int{1, 0}},
		{"accuracy first", []search.Objective{accuracy, ms}, []int{0, 1}},
	} {
		front, err := search.NewFront(c.objectives, nil)
		if err != nil {
			t.Fatal(err)
		}
		for id, v := range [][2]float64{{9, 80}, {4, 60}} {
			front.Add(search.Trial{ID: id, ArchID: string(rune('a' + id)), Result: search.Result{
				Objectives: map[string]float64{runstore.KeyLatency: v[0], runstore.KeyAccuracy: v[1]},
				Parts:      map[string]float64{"latency_ms_low": v[0] - 1, "latency_ms_high": v[0] + 1},
			}})
		}
		s := &evaluator.Setup{Objectives: c.objectives, Evaluator: &evaluator.Evaluator{
			Devices: []*profiles.Device{{Latency: runstore.FieldOf(runstore.KeyLatency)}},
		}}
		got := rank(s, &search.Summary{Front: front}, func(r *search.Result) float64 {
			return runstore.Number(r, runstore.KeyAccuracy) - 1
		})
		for i, id := range c.want {
			m := got[i]
			if m.ID != id || m.Latency.Low != m.Latency.Mid-1 ||
				m.Accuracy.Mid != []float64{80, 60}[id] || m.Expected != m.Accuracy.Mid-1 {
				t.Errorf("%s: member %d is %+v, want trial %d", c.name, i, m, id)
			}
		}
	}
}
