package fit

import (
	"encoding/json"
	"math"
	"testing"

	"nas/accuracy/benchmark"
	"nas/accuracy/internal/twolevel"
	"nas/internal/stat"
)

// TestFitOfFewNetworks fits both levels to a few networks: the model ranks others that
// it has not seen, and is the same when it is read back.
func TestFitOfFewNetworks(t *testing.T) {
	accel, err := accelTrained()
	if err != nil {
		t.Fatal(err)
	}
	published, err := publishedTrained()
	if err != nil {
		t.Fatal(err)
	}
	var some []trained // in random order, so that every feature varies
	for _, i := range stat.SampleRows(len(accel), 500, 1) {
		some = append(some, accel[i])
	}
	m, err := fitProcess(some[:200])
	if err != nil {
		t.Fatal(err)
	}
	if err := fitHead(m, published); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	again, err := twolevel.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	var estimates, truth []float64
	for _, r := range some[200:] {
		e, outside := m.Predict(&r.features, benchmark.BaseRecipe)
		if f, o := again.Predict(&r.features, benchmark.BaseRecipe); f != e || o != outside {
			t.Fatalf("%s: %v (%v), read back %v (%v)", r.id, e, outside, f, o)
		}
		estimates, truth = append(estimates, e), append(truth, r.top1)
	}
	tau := stat.KendallTau(estimates, truth)
	t.Logf("tau %.3f on 300 networks", tau)
	if tau < 0.75 {
		t.Errorf("tau %.3f on networks that the model has not seen, want 0.75", tau)
	}
}

// TestIntervalByHand: two families whose errors are a point to either side have a bias
// of 1, no variance, and as many degrees of freedom as there are families.
func TestIntervalByHand(t *testing.T) {
	var rows []heldOut
	for i, top1 := range []float64{74, 74, 76, 76} {
		r := heldOut{trained: trained{family: families[i/2], top1: top1}, estimate: 75, low: 73, high: 75.5}
		rows = append(rows, r)
	}
	const t95 = 2.9199855803537256 // quantile 0.95 of Student's t with 2 degrees of freedom
	if got := halfWidthAt75(rows); math.Abs(got-t95) > 1e-9 {
		t.Errorf("half-width %v, want %v", got, t95)
	}
	if got := betweenAt75(rows); got != 0 {
		t.Errorf("networks of a family share their error, and differ by %v", got)
	}
	rows[0].top1, rows[2].top1 = 73, 75 // errors 2 and 1, and 0 and -1: pairs that are a point apart
	if got := betweenAt75(rows); math.Abs(got-math.Sqrt(0.5)) > 1e-9 {
		t.Errorf("errors a point apart give %v, want %v", got, math.Sqrt(0.5))
	}
	if got := coveragePct(rows); got != 75 {
		t.Errorf("coverage %v %%, want 75", got)
	}
}
