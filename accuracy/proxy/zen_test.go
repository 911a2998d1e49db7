package proxy

import (
	"testing"

	"nas/blocks"
)

// TestWithoutShortcuts: the main path stays, what hung on it goes.
func TestWithoutShortcuts(t *testing.T) {
	n := network(t, "mobilenet_v3_small@res=96")
	small, err := runnable(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := withoutShortcuts(small)
	if err != nil {
		t.Fatal(err)
	}
	var before, after int
	for i := range n.Nodes {
		if _, ok := n.Nodes[i].Op.(*blocks.Conv); ok && !n.InShapes(i)[0].IsVector() {
			before++
		}
	}
	for i := range p.Nodes {
		switch p.Nodes[i].Op.(type) {
		case *blocks.Conv:
			after++
		case *blocks.Add, *blocks.Mul, *blocks.BatchNorm, *blocks.GlobalPool:
			t.Errorf("node %s is still there", p.Nodes[i].Name)
		}
	}
	if before != after {
		t.Errorf("%d convolutions of maps, want %d", after, before)
	}
}

// TestZenGrows: wider and finer networks score higher.
func TestZenGrows(t *testing.T) {
	value := func(spec string) float64 { return score(t, "zen", network(t, spec), Settings{Seed: 2}) }
	base := value("mobilenet_v2@width=0.35,res=112")
	for _, spec := range []string{"mobilenet_v2@width=0.75,res=112", "mobilenet_v2@width=0.35,res=224"} {
		if v := value(spec); v <= base {
			t.Errorf("%s %.2f, base %.2f", spec, v, base)
		}
	}
}
