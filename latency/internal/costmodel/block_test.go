package costmodel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/devices"
)

// The blocks of FBNet's space on two boards: fitted to half of the pairs of place
// and block, the median relative error on the other half, over eleven draws.
func TestFBNetHalves(t *testing.T) {
	for _, c := range []struct {
		device string
		target engine.Target
		limit  float64 // somewhat above what it is, so that it fails where it gets worse
	}{
		{"raspi4", engine.Target{ISA: "neon", L1: 32 << 10, L2: 1 << 20, L3: 1 << 20, Threads: 1}, 0.08},
		{"pixel3", engine.Target{ISA: "neon", L1: 64 << 10, L2: 256 << 10, L3: 2 << 20, Threads: 1}, 0.04},
	} {
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
			us := unitTimes(t, head, rows[:half])
			kinds, sum, err := FitBlocks(us, true, &c.target)
			if err != nil {
				t.Fatal(err)
			}
			m := NewUnitModel(us, kinds, c.target)
			m.Sum = sum
			var errs []float64
			for _, u := range unitTimes(t, head, rows[half:]) {
				got := m.Cost(&u.Unit).Ms - skipMs(&u.Unit, kinds, &c.target)
				errs = append(errs, math.Abs(got/u.Ms-1))
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

// unitTimes reads rows of the table of blocks; the times lack that of a skipped block.
func unitTimes(t *testing.T, head string, rows []string) []UnitTime {
	t.Helper()
	cols := map[string]int{}
	for i, h := range strings.Split(head, ",") {
		cols[h] = i
	}
	var us []UnitTime
	for _, row := range rows {
		f := strings.Split(row, ",")
		num := func(col string) float64 {
			v, err := strconv.ParseFloat(f[cols[col]], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		h, cin, cout := int(num("h_in")), int(num("c_in")), int(num("c_out"))
		stride, k := int(num("stride")), int(num("kernel"))
		out := (h + stride - 1) / stride
		groups := 1
		if _, ok := cols["groups"]; ok {
			groups = int(num("groups"))
		}
		us = append(us, UnitTime{Ms: num("ms_minus_skip"), Spread: 0.003, Networks: 1, Unit: engine.Unit{
			Name: "block", In: blocks.Shape{H: h, W: h, C: cin}, Out: blocks.Shape{H: out, W: out, C: cout},
			Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [2]int{(k - 1) / 2, (k - 1) / 2},
			Groups: groups, Mid: int(num("expansion") * float64(cin)), MidAct: blocks.ReLU, DWAct: blocks.ReLU,
			Residual: stride == 1 && cin == cout, Batch: 1,
		}})
	}
	slices.SortFunc(us, func(a, b UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	return us
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
