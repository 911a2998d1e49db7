package compare

import (
	"math"
	"testing"

	"nas/blocks/zoo"
	"nas/latency"
	"nas/search"
)

// phone is a shipped profile.
func phone(t *testing.T, name string) Device {
	t.Helper()
	p, err := latency.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	return Device{name, r}
}

func fromZoo(t *testing.T, names ...string) (ns []Network) {
	t.Helper()
	for _, name := range names {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		ns = append(ns, Network{name, n})
	}
	return ns
}

// TestSwaps holds the pairs that change places against the predicted latencies, by the definition.
func TestSwaps(t *testing.T) {
	a, b := phone(t, "pixel4"), phone(t, "pixel4-int8")
	ns := fromZoo(t, "mobilenet_v1", "proxyless_mobile", "tinynet_c", "shufflenet_v2", "mobilenet_v4_conv_small")
	table, err := Devices(ns, []Device{a, b})
	if err != nil {
		t.Fatal(err)
	}
	want := map[[2]string]bool{}
	for i, x := range table.Networks {
		for _, y := range table.Networks[:i] {
			if (x.LatencyMs[0]-y.LatencyMs[0])*(x.LatencyMs[1]-y.LatencyMs[1]) < 0 {
				want[[2]string{x.Name, y.Name}] = true
			}
		}
	}
	if len(want) == 0 || len(table.Swaps) != len(want) || table.Orders[0].Swaps != len(want) {
		t.Errorf("%d swaps, want %d and some: %+v", len(table.Swaps), len(want), table.Swaps)
	}
	for i, s := range table.Swaps {
		if n := s.Networks; !want[n] && !want[[2]string{n[1], n[0]}] {
			t.Errorf("%v do not change places", n)
		}
		if !(s.Ratios[0] < 1 && s.Ratios[1] > 1 && 0 <= s.NoisePct && s.NoisePct <= 75) {
			t.Errorf("%+v: want ratios on both sides of 1, and at most three of four chances of noise", s)
		}
		if i > 0 && s.NoisePct < table.Swaps[i-1].NoisePct {
			t.Errorf("swap %d is surer than the one before", i)
		}
	}
	same, err := Devices(ns, []Device{a, a})
	if err != nil || len(same.Swaps) != 0 || math.Abs(same.Orders[0].Kendall-1) > 1e-9 {
		t.Errorf("a device against itself: %+v, %v", same, err)
	}
}

// TestPlaces: the blocks of a network add up to its latency, on every device; and a network is in its own column
// only.
func TestPlaces(t *testing.T) {
	a, b := phone(t, "pixel4"), phone(t, "pixel4-int8")
	ns := fromZoo(t, "mobilenet_v2", "mobilenet_v3_small")
	one, err := OnDevices(ns[0], []Device{a, b})
	if err != nil {
		t.Fatal(err)
	}
	two, err := OnDevice(ns, a)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Places{one, two} {
		for i, total := range p.Total {
			sum, share := 0.0, 0.0
			for _, r := range p.Rows {
				sum, share = sum+r.Ms[i], share+r.SharePct[i]
			}
			if math.Abs(sum/total-1) > 1e-9 || math.Abs(share-100) > 1e-6 {
				t.Errorf("%s: rows add up to %v ms and %v %%, of %v ms", p.Of[i], sum, share, total)
			}
		}
		if first, last := p.Rows[0].Place, p.Rows[len(p.Rows)-1].Place; first != "stem" || last != "head" {
			t.Errorf("the rows go from %s to %s", first, last)
		}
	}
	if e, err := a.Predict(ns[0].Network); err != nil || e.LatencyMs != one.Total[0] || e.LatencyMs != two.Total[0] {
		t.Errorf("%v and %v ms, predicted are %v", one.Total[0], two.Total[0], e.LatencyMs)
	}
}

// left has what is left to 100 in place of accuracies.
func left(ms []Member) (out []Member) {
	for _, m := range ms {
		m.Accuracy = 100 - m.Accuracy
		out = append(out, m)
	}
	return out
}

func TestAhead(t *testing.T) {
	m := func(ms, accuracy float64) Member { return Member{LatencyMs: ms, Accuracy: accuracy} }
	a := []Member{m(1, 60), m(2, 70)}
	for _, c := range []struct {
		b    []Member
		want float64
	}{
		{[]Member{m(1, 60), m(2, 70)}, 0}, {[]Member{m(1, 59), m(2, 71)}, 50}, {[]Member{m(3, 70), m(3, 60)}, 100},
		{[]Member{m(0.5, 10)}, 0}, {nil, 0},
	} {
		if got := ahead(a, c.b, search.Objective{Direction: search.Maximize}); got != c.want {
			t.Errorf("ahead of %v: %v %%, want %v", c.b, got, c.want)
		}
		if got := ahead(left(a), left(c.b), search.Objective{}); got != c.want {
			t.Errorf("by errors, ahead of %v: %v %%, want %v", left(c.b), got, c.want)
		}
	}
}
