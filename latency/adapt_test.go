package latency

import (
	"cmp"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/internal/stat"
	"nas/latency/timing"
)

// spearman is the correlation of the ranks; ties keep their order, there are none.
func spearman(a, b []float64) float64 {
	ranks := func(x []float64) []float64 {
		order := make([]int, len(x))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
		r := make([]float64, len(x))
		for k, i := range order {
			r[i] = float64(k)
		}
		return r
	}
	ra, rb := ranks(a), ranks(b)
	n, d := float64(len(a)), 0.0
	for i := range ra {
		d += (ra[i] - rb[i]) * (ra[i] - rb[i])
	}
	return 1 - 6*d/(n*(n*n-1))
}

// measuredFBNet reads HELP's networks with their latency on a board.
func measuredFBNet(t *testing.T, device string, n int) []Measured {
	t.Helper()
	f, err := os.Open("testdata/fbnet_networks.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := slices.Index(rows[0], "lat_ms_"+device)
	var ms []Measured
	for _, r := range rows[1 : n+1] {
		v, err := strconv.ParseFloat(r[col], 64)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, Measured{Network: fbnet(t, r[0]), Ms: v})
	}
	return ms
}

// From the profile of one board and ten networks measured on the other: the rank
// correlation on networks not measured, as HELP reports it (0.93 for ten).
func TestAdaptTenFBNets(t *testing.T) {
	for _, c := range []struct{ base, device string }{{"pixel3", "raspi4"}, {"raspi4", "pixel3"}} {
		base, err := Load(c.base + "-fbnet")
		if err != nil {
			t.Fatal(err)
		}
		ms := measuredFBNet(t, c.device, 110)
		var rank, mape []float64
		for seed := range uint64(7) {
			r := rand.New(rand.NewPCG(seed, 0x616461707431))
			r.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
			p, err := Adapt(base, timing.Device{Name: c.device, CPU: c.device}, ms[:10])
			if err != nil {
				t.Fatal(err)
			}
			q, err := p.Predictor()
			if err != nil {
				t.Fatal(err)
			}
			var a, b []float64
			off := 0.0
			for _, m := range ms[10:] {
				e, err := q.Predict(m.Network)
				if err != nil {
					t.Fatal(err)
				}
				a, b = append(a, e.LatencyMs), append(b, m.Ms)
				off += 100 * max(e.LatencyMs/m.Ms-1, 1-e.LatencyMs/m.Ms) / float64(len(ms)-10)
			}
			rank, mape = append(rank, spearman(a, b)), append(mape, off)
		}
		t.Logf("%s from %s and ten networks: rank correlation %.3f (%.3f to %.3f), error %.1f %%: medians of 7 draws",
			c.device, c.base, stat.Median(rank), rank[0], rank[len(rank)-1], stat.Median(mape))
		if stat.Median(rank) < 0.93 {
			t.Errorf("rank correlation %.3f, want 0.93", stat.Median(rank))
		}
	}
}

// Times that are further off than they are long are told, of few networks and of networks of like size too.
func TestUnrelatedFewTimes(t *testing.T) {
	for n := 4; n < 8; n++ {
		ms := measuredFBNet(t, "pixel3", n)
		for i := range ms {
			ms[i].Ms = []float64{0.4, 7}[i%2]
		}
		p, err := Adapt(nil, timing.Device{Name: "x", CPU: "x", Threads: 1, Cut: timing.CutOps}, ms)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Unrelated(); err == nil || !strings.Contains(err.Error(), "% error") {
			t.Errorf("%d times of 0.4 and 7 ms in turn: error %v, mape %.0f %%", n, err, p.Validation.MAPEPct)
		}
	}
}

// Times that have nothing to do with the networks are told; those of a device are not taken for such, however
// few and noisy.
func TestUnrelated(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 16, 40} {
		good := measuredFBNet(t, "pixel3", n)
		for name, c := range map[string]struct {
			ms   func(x float64) float64
			want string
		}{
			"a device":       {func(x float64) float64 { return x }, ""},
			"a noisy device": {func(x float64) float64 { return x * (1 + 0.05*r.NormFloat64()) }, ""},
			"the same":       {func(float64) float64 { return 1.5 }, "took from 1.5 to 1.5 ms"},
			"nearly":         {func(float64) float64 { return 1.5 + 0.05*r.Float64() }, "took from 1.5"},
			"random":         {func(float64) float64 { return 0.5 + 65000*r.Float64() }, "% error"},
		} {
			var ms []Measured
			for _, m := range good {
				ms = append(ms, Measured{Network: m.Network, Ms: c.ms(m.Ms)})
			}
			p, err := Adapt(nil, timing.Device{Name: "x", CPU: "x", Threads: 1, Cut: timing.CutOps}, ms)
			if err != nil {
				t.Fatal(err)
			}
			switch err := p.Unrelated(); {
			case c.want == "" && err != nil:
				t.Errorf("%d times of %s: %v", n, name, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%d times, %s: error %v, want %q; tau %.2f", n, name, err, c.want, p.Validation.Kendall)
			}
		}
	}
}
