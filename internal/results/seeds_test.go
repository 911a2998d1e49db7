package results

import (
	"math"
	"testing"
)

func TestCompareSeeds(t *testing.T) {
	// Hypervolumes up to (100, 0): 90*50 = 4500, 80*60 = 4800, and 5300 together.
	a := storedFront(t, [2]float64{10, 50})
	b := storedFront(t, [2]float64{20, 60})
	s, err := CompareSeeds([]*Stored{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	if s.Min != 4500 || s.Median != 4500 || s.Max != 4800 || s.Joint != 5300 || s.SurvivePct != 100 {
		t.Errorf("agreement is %+v", s)
	}
	// storedFront numbers its networks from 0, so all three fronts are network "0".
	if s.OverlapPct != 100 {
		t.Errorf("overlap is %v %%", s.OverlapPct)
	}
	// The first front's 10 ms, 50 is dominated by the other's 9 ms, 55; none is shared.
	c := storedFront(t, [2]float64{500, 1}, [2]float64{9, 55})
	s, err = CompareSeeds([]*Stored{a, c})
	if err != nil {
		t.Fatal(err)
	}
	if s.OverlapPct != 0 || s.SurvivePct != 50 || math.Abs(s.Joint-91*55) > 1e-9 {
		t.Errorf("agreement is %+v", s)
	}
	d := storedFront(t, [2]float64{10, 50})
	d.Manifest.ScaleID = "other"
	if _, err := CompareSeeds([]*Stored{a, d}); err == nil {
		t.Error("runs on different scales are compared")
	}
}
