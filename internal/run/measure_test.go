package run

import (
	"math"
	"testing"

	"nas/internal/runstore"
	"nas/search"
)

// TestCompare holds three predictions against measurements that reverse two of them.
func TestCompare(t *testing.T) {
	rows := []runstore.MeasuredRow{
		{ID: 4, PredictedMs: 1, LowMs: 0.9, HighMs: 1.1, MeasuredMs: 1},
		{ID: 7, PredictedMs: 2, LowMs: 1.5, HighMs: 2.5, MeasuredMs: 4}, // slower than the next one, which scores more
		{ID: 9, PredictedMs: 3, LowMs: 2, HighMs: 4, MeasuredMs: 2.5},
	}
	var members []Member
	for _, v := range []float64{60, 70, 80} {
		members = append(members, Member{Accuracy: runstore.Value{Mid: v}})
	}
	got := compare(rows, members, search.Objective{Direction: search.Maximize})
	want := Measured{Members: 3, NonDominatedPct: 200. / 3, CoveragePct: 200. / 3, BiasPct: 0, MAPEPct: 70. / 3}
	for name, v := range map[string][2]float64{
		"share not dominated": {got.NonDominatedPct, want.NonDominatedPct},
		"coverage":            {got.CoveragePct, want.CoveragePct},
		"bias":                {got.BiasPct, want.BiasPct},
		"MAPE":                {got.MAPEPct, want.MAPEPct},
	} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, v[0], v[1])
		}
	}
	if got.Members != want.Members || got.Skipped != "" {
		t.Errorf("%+v, want %+v", got, want)
	}
	for i := range members { // an error in place of an accuracy: the same networks are better
		members[i].Accuracy.Mid = 100 - members[i].Accuracy.Mid
	}
	if least := compare(rows, members, search.Objective{}); *least != *got {
		t.Errorf("by their errors %+v, by their accuracies %+v", least, got)
	}
}

// TestStoredMeasurements: measured.csv serves again only if it is about the very members.
func TestStoredMeasurements(t *testing.T) {
	dir := t.TempDir()
	member := func(id int) (m Member) { m.ID = id; return m }
	if rows := storedMeasurements(dir, []Member{member(4)}); rows != nil {
		t.Errorf("without a file: %v", rows)
	}
	if err := runstore.WriteMeasured(dir, []runstore.MeasuredRow{{ID: 4}, {ID: 7}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		members []Member
		want    int
	}{
		{[]Member{member(4), member(7)}, 2},
		{[]Member{member(4)}, 0},
		{[]Member{member(4), member(8)}, 0},
		{[]Member{member(7), member(4)}, 0},
	} {
		if rows := storedMeasurements(dir, c.members); len(rows) != c.want {
			t.Errorf("%d members: %d rows, want %d", len(c.members), len(rows), c.want)
		}
	}
}
