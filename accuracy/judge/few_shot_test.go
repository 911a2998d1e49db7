package judge

import (
	"context"
	"strings"
	"testing"

	"nas/accuracy"
	"nas/accuracy/benchmark"
)

// TestFewShot: more trained networks rank the rest better, and none of those
// fitted to is among those judged.
func TestFewShot(t *testing.T) {
	if testing.Short() {
		t.Skip("runs three hundred networks")
	}
	b, err := benchmark.Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	b.Rows = b.Rows[:120]
	o := Options{NASWOT: accuracy.Sampling{Batch: 8}, Trained: []int{10, 80}, Draws: 3}
	got, err := FewShot(context.Background(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Trained != 10 || !(got[1].KendallTau > got[0].KendallTau) ||
		!(got[1].KendallTau > got[1].PriorTau) {
		t.Errorf("%+v", got)
	}
	o.Trained = []int{119}
	if _, err := FewShot(context.Background(), b, o); err == nil || !strings.Contains(err.Error(), "want 5 to 117") {
		t.Errorf("119 of 120 networks: %v", err)
	}
}
