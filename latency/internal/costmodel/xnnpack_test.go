package costmodel

import (
	"math"
	"testing"

	"nas/blocks/engine"
)

// TestXNNPACKTerms holds amounts against counts by hand, in units and not in thousands.
func TestXNNPACKTerms(t *testing.T) {
	target := engine.Target{ISA: "neon", L3: 1 << 20}
	for _, c := range []struct {
		runtime, unit string
		term          int
		want          float64
	}{
		// 49 pixels are 9 rows of tiles of 6, 20 channels 3 columns of 8.
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xMac, 49 * 10 * 24},
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xTile, 54 * 24},
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xWeights, 4 * 200},
		{XNNPACKFloat, "conv 7x7x16>7x7x20 k3x3 s1x1 d1x1 p1x1 g1", xTap, 9 * 54 * 24},
		{XNNPACKFloat, "conv 7x7x3>7x7x20 k3x3 s1x1 d1x1 p1x1 g1", xImageTap, 9 * 54 * 24},
		// int8: inputs are taken by fours or eights, and a weight is a byte.
		{XNNPACKInt8Dot, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xMac, 49 * 12 * 32},
		{XNNPACKInt8, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xMac, 49 * 16 * 24},
		{XNNPACKInt8, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1", xWeights, 200},
		// Weights of 4 MiB do not fit into the last cache: each of nine rows of tiles reads them again.
		{XNNPACKFloat, "conv 7x7x1024>7x7x1024 k1x1 s1x1 d1x1 g1", xStream, 9 * 4 << 20},
		{XNNPACKFloat, "conv 7x7x64>7x7x64 k1x1 s1x1 d1x1 g1", xStream, 0},
		{XNNPACKFloat, "conv 7x7x16>7x7x16 k3x3 s1x1 d1x1 p1x1 g4", xGroupedMac, 49 * 9 * 4 * 16},
		{XNNPACKFloat, "dwconv 8x8x16>4x4x16 k5x5 s2x2 d1x1 p2x2 g16", xDepthwiseMac, 16 * 16 * 25},
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1 hswish res", xHSwish, 980},
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1 hswish res", xAdd, 980},
		{XNNPACKFloat, "conv 7x7x10>7x7x20 k1x1 s1x1 d1x1 g1 hswish res", xSmallCall, 2},
		{XNNPACKFloat, "copy 7x7x10>7x7x10", xCopy, 490},
	} {
		u, err := engine.ParseUnit(c.unit)
		if err != nil {
			t.Fatal(err)
		}
		if got := 1000 * vocabularies[c.runtime].amounts(nil, &u, &target)[c.term]; math.Abs(got-c.want) > 1e-6*c.want {
			t.Errorf("%s, %s: %s = %g, want %g", c.runtime, c.unit, xnnpackNames[c.term], got, c.want)
		}
	}
}

// TestFleetFindsCosts makes the times of two devices from costs, and wants them back: what only one network has, from
// what both devices show.
func TestFleetFindsCosts(t *testing.T) {
	var f Fleet
	for _, key := range []string{
		"conv 56x56x24>56x56x64 k1x1 s1x1 d1x1 g1", "conv 14x14x128>14x14x256 k1x1 s1x1 d1x1 g1",
		"conv 28x28x64>28x28x64 k3x3 s1x1 d1x1 p1x1 g1", "dwconv 56x56x64>56x56x64 k3x3 s1x1 d1x1 p1x1 g64",
		"dwconv 14x14x256>14x14x256 k5x5 s1x1 d1x1 p2x2 g256", "add 28x28x64>28x28x64", "linear 1x1x256>1x1x1000",
	} {
		u, err := engine.ParseUnit(key)
		if err != nil {
			t.Fatal(err)
		}
		f.Units = append(f.Units, u)
	}
	for i := range 14 {
		row := [][2]int{{0, 1 + i%3}, {1, 1 + i%4}, {2, 1 + i%2}, {3, 1 + i%5}, {4, 1 + i%2*3}, {6, 1}}
		if i == 5 {
			row = append(row, [2]int{5, 40})
		}
		f.Rows = append(f.Rows, row)
	}
	truth := floatPrices // of each device, times its speed
	truth[xAdd], truth[xDepthwiseMac] = 9, 2
	for d := range 2 {
		f.Runtimes = append(f.Runtimes, XNNPACKFloat)
		f.Targets = append(f.Targets, engine.Target{ISA: "neon", L3: 1 << 20})
		ms := make([]float64, len(f.Rows))
		for i, row := range f.Rows {
			for _, r := range row {
				for j, v := range vocabularies[XNNPACKFloat].amounts(nil, &f.Units[r[0]], &f.Targets[d]) {
					ms[i] += v * truth[j] * float64(r[1]) * 5e-5 * float64(1+d) / 1000
				}
			}
		}
		f.Ms = append(f.Ms, ms)
	}
	for d, kinds := range f.Fit() {
		for i, row := range f.Rows {
			sum := 0.0
			for _, r := range row {
				sum += kinds[KindOf(&f.Units[r[0]])].alone(&f.Units[r[0]], &f.Targets[d]) * float64(r[1])
			}
			if e := sum/f.Ms[d][i] - 1; math.Abs(e) > 0.02 {
				t.Errorf("device %d, network %d: %+.1f %%", d, i, 100*e)
			}
		}
	}
}
