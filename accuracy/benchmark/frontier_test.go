package benchmark

import (
	"math"
	"testing"

	"nas/blocks/zoo"
)

// TestFrontier: the frontier rises, its counts are those of its networks, and no plain result of
// the published table lies above it.
func TestFrontier(t *testing.T) {
	rows, err := Frontier()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if i > 0 && (r.MACs <= rows[i-1].MACs || r.Top1Pct <= rows[i-1].Top1Pct) {
			t.Errorf("%s does not exceed %s", r.Name, rows[i-1].Name)
		}
		want := (r.Top1Pct + rows[max(0, i-1)].Top1Pct) / 2
		if v := FrontierAt(rows, float64(r.MACs), 90); math.Abs(v-want) > 1e-9 {
			t.Errorf("%s: the frontier is %v there, want %v", r.Name, v, want)
		}
		if n, err := zoo.Get(r.Network); err == nil && n.Counts().MACs != r.MACs {
			t.Errorf("%s has %d MACs, the table says %d", r.Name, n.Counts().MACs, r.MACs)
		}
	}
	b, err := Open("published")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range b.Rows {
		best := 0.0
		for _, r := range rows {
			if r.MACs <= p.MACs {
				best = r.Top1Pct
			}
		}
		if plain := p.Recipe == BaseRecipe || p.Recipe == EarlyRecipe; plain && p.Truth > best+0.001 {
			t.Errorf("%s: %v at %d MACs lies above the frontier's %v", p.ID, p.Truth, p.MACs, best)
		}
	}
}
