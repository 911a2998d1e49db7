package run

import (
	"strings"
	"testing"

	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
)

// A profile of other networks is worth little: the run says so, once.
func TestWarnOutside(t *testing.T) {
	outside := latency.OutsideMeasured + " (1 to 20 ms)"
	for far, want := range map[int]string{0: "", 1: "", 2: "2 of the 5 networks on the front: " + outside} {
		var said []string
		s := &evaluator.Setup{Options: evaluator.Options{Say: func(s string) { said = append(said, s) }}}
		var front []Member
		for i := range 5 {
			m := Member{Trial: search.Trial{ID: i}}
			m.Warnings = []string{"latency: something else", "accuracy: " + latency.OutsideMeasured}
			if i < far {
				w := runstore.LatencyWarning.Text(outside)
				m.Warnings = append(m.Warnings, w, w) // of two devices
			}
			front = append(front, m)
		}
		warnOutside(s, front)
		if got := strings.Join(said, "\n"); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%d of 5 lie outside: said %q, want %q", far, got, want)
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
			Devices: []*evaluator.Device{{Latency: runstore.FieldOf(runstore.KeyLatency)}},
		}}
		got := rank(s, &search.Summary{Front: front}, map[int]float64{0: 0.25, 1: 0.75})
		for i, id := range c.want {
			m := got[i]
			if m.ID != id || m.OnFront != []float64{0.25, 0.75}[id] || m.Latency.Low != m.Latency.Mid-1 ||
				m.Accuracy != []float64{80, 60}[id] {
				t.Errorf("%s: member %d is %+v, want trial %d", c.name, i, m, id)
			}
		}
	}
}
