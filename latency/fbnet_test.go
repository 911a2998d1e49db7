package latency

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"nas/internal/stat"
	"nas/internal/table"
	"nas/latency/devices"
	"nas/latency/timing"
)

// The blocks of FBNet's space on two boards: fitted to half of the pairs of place
// and block, the median relative error on the other half, over eleven draws.
func TestFBNetHalves(t *testing.T) {
	for _, c := range []struct {
		device string
		limit  float64 // somewhat above what it is, so that it fails where it gets worse
	}{{"raspi4", 0.08}, {"pixel3", 0.04}} {
		var medians, all []float64
		for seed := range uint64(11) {
			lines := strings.Split(strings.TrimSpace(string(mustRead(t, "fbnet_blocks.csv"))), "\n")
			head, rows := lines[0], []string{}
			for _, l := range lines[1:] {
				if strings.HasPrefix(l, c.device+",") {
					rows = append(rows, l)
				}
			}
			r := rand.New(rand.NewPCG(seed, 0x66626e6574))
			r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			half := len(rows) / 2
			target := shippedTables[c.device+"-fbnet"].Device.Target
			fit := func(rows []string) *Profile {
				p, err := FromTable(strings.NewReader(head+"\n"+strings.Join(rows, "\n")), c.device, TableOptions{Device: timing.Device{Target: target}})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			q, err := fit(rows[:half]).Predictor()
			if err != nil {
				t.Fatal(err)
			}
			var errs []float64
			for _, row := range rows[half:] {
				in, err := table.Read("row", strings.NewReader(head+"\n"+row))
				if err != nil {
					t.Fatal(err)
				}
				one := &measurements{Table: in, msCol: "ms_minus_skip"}
				if one.addBlock(in.Rows[0]); in.Rows[0].Err() != nil {
					t.Fatal(in.Rows[0].Err())
				}
				for u, ms := range one.units {
					got := q.units.cost(&u).ms - skipMs(&u, q.units.kinds, &q.units.target)
					errs = append(errs, math.Abs(got/ms[0]-1))
				}
			}
			all = append(all, errs...)
			medians = append(medians, stat.Median(errs))
		}
		m := stat.Median(medians)
		t.Logf("%s: median of the medians %.1f %%, from %.1f to %.1f %%; nine tenths of all blocks within %.0f %%",
			c.device, 100*m, 100*medians[0], 100*medians[len(medians)-1], 100*quantileOf(all, 0.9))
		if m > c.limit {
			t.Errorf("%s: %.1f %%, want at most %.0f %%", c.device, 100*m, 100*c.limit)
		}
	}
}

func quantileOf(xs []float64, q float64) float64 {
	stat.Median(xs) // sorts
	return stat.Quantile(xs, q)
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := devices.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b)
}
