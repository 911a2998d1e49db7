package costmodel

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// Fleet is devices that run the same kernels, all timed with the same networks end to end. What a term costs relative
// to a multiply-accumulate is nearly the same on all of them, so each tells about the others.
type Fleet struct {
	Units    []engine.Unit
	Rows     [][][2]int      // of each network: index into Units, number of calls
	Runtimes []string        // of each device: XNNPACKFloat, XNNPACKInt8 or XNNPACKInt8Dot
	Targets  []engine.Target // of each device
	Ms       [][]float64     // of each device, of each network
}

// xnnpackPrices are what a term may be expected to cost relative to a multiply-accumulate, before anything was
// measured: from the instructions that a kernel needs for it, and from bytes at the usual speed of a phone's memory.
var (
	floatPrices = [numXNNPACK]float64{
		xMac: 1, xDenseMac: 1, xTile: 2, xTap: 2, xImageTap: 2, xIn: 2, xOut: 3, xWeights: 6, xStream: 0.3, xVector: 2,
		xCall: 200000, xSmallCall: 50000, xGroupedMac: 15, xGroupedOut: 30, xDepthwiseMac: 3, xDepthwiseOut: 3,
		xDepthwiseIn: 2, xAdd: 5, xScale: 10, xAffine: 1, xHSwish: 5, xCopy: 6, xPlain: 5, xPool: 1.5, xGlobalPool: 6,
	}
	int8Prices = [numXNNPACK]float64{
		xMac: 1, xDenseMac: 1, xTile: 20, xTap: 4, xImageTap: 4, xIn: 6, xOut: 8, xWeights: 16, xStream: 0.3, xVector: 6,
		xCall: 500000, xSmallCall: 100000, xGroupedMac: 20, xGroupedOut: 600, xDepthwiseMac: 6, xDepthwiseOut: 6,
		xDepthwiseIn: 4, xAdd: 12, xScale: 20, xAffine: 1, xHSwish: 12, xCopy: 10, xPlain: 15, xPool: 12, xGlobalPool: 18,
	}
)

// How far prices are believed. Each is a relative standard deviation, but shareSD, that of a term's share of the time.
const (
	fleetNoise = 0.05  // of a measurement, with what no term describes
	expectedSD = 1.0   // of an expected price
	fleetSD    = 0.2   // of a price on one device, from the mean of all devices
	shareSD    = 0.003 // a term is at least so uncertain
)

// Without returns the fleet without the networks for which leave is true.
func (f *Fleet) Without(leave func(network int) bool) *Fleet {
	out := &Fleet{Units: f.Units, Runtimes: f.Runtimes, Targets: f.Targets, Ms: make([][]float64, len(f.Ms))}
	for i, row := range f.Rows {
		if leave(i) {
			continue
		}
		out.Rows = append(out.Rows, row)
		for d := range f.Ms {
			out.Ms[d] = append(out.Ms[d], f.Ms[d][i])
		}
	}
	return out
}

// endToEnd are the measurements of one device.
func (f *Fleet) endToEnd(device int) *EndToEnd {
	return &EndToEnd{Units: f.Units, Rows: f.Rows, Ms: f.Ms[device]}
}

// Fit fits the costs of all devices, in two rounds of non-negative least squares of the relative error. The first holds
// each device's costs near expected prices, the second near the mean of what the first found on all devices. So a term
// that few networks have is decided by what they show everywhere. It returns the models of each device.
func (f *Fleet) Fit() []map[string]*KindModel {
	amounts := make([][][]float64, len(f.Runtimes))
	costs := make([][]float64, len(f.Runtimes))
	prices := make([]float64, numXNNPACK)
	for d, runtime := range f.Runtimes {
		amounts[d] = f.amounts(d)
		expected := int8Prices
		if runtime == XNNPACKFloat {
			expected = floatPrices
		}
		costs[d] = fitPrices(amounts[d], expected[:], expectedSD)
		for j, c := range costs[d] {
			prices[j] += max(c/costs[d][xMac], 0.02*expected[j]) / float64(len(f.Runtimes))
		}
	}
	out := make([]map[string]*KindModel, len(f.Runtimes))
	for d := range f.Runtimes {
		out[d] = f.kinds(d, fitPrices(amounts[d], prices, fleetSD))
	}
	return out
}

// amounts are those of each network, for each microsecond that it takes on a device.
func (f *Fleet) amounts(d int) [][]float64 {
	words := vocabularies[f.Runtimes[d]]
	of := make([][]float64, len(f.Units))
	for i := range f.Units {
		of[i] = words.amounts(nil, &f.Units[i], &f.Targets[d])
	}
	out := make([][]float64, len(f.Rows))
	for i, row := range f.Rows {
		out[i] = make([]float64, numXNNPACK)
		for _, u := range row {
			for j, v := range of[u[0]] {
				out[i][j] += v * float64(u[1]) / 1000 / f.Ms[d][i]
			}
		}
	}
	return out
}

// fitPrices returns the costs of one device; a are the amounts of the networks, prices what is expected of each term
// relative to the first, sd how far that is believed.
func fitPrices(a [][]float64, prices []float64, sd float64) []float64 {
	n := len(prices)
	share := make([]float64, n) // mean amount of a term
	ratios := make([]float64, len(a))
	for i, row := range a {
		sum := 0.0
		for j, v := range row {
			share[j] += v / float64(len(a))
			sum += v * prices[j]
		}
		ratios[i] = 1 / sum
	}
	level := stat.Median(ratios) // the cost of a multiply-accumulate
	var costs []float64
	for range 3 {
		rows, b := make([][]float64, 0, len(a)+n), make([]float64, 0, len(a)+n)
		for _, row := range a {
			r := make([]float64, n)
			for j, v := range row {
				r[j] = v / fleetNoise
			}
			rows, b = append(rows, r), append(b, 1/fleetNoise)
		}
		for j, p := range prices {
			if share[j] == 0 {
				continue
			}
			r := make([]float64, n)
			expected := level * p * share[j]
			s := max(shareSD, expected*sd)
			r[j] = share[j] / s
			rows, b = append(rows, r), append(b, expected/s)
		}
		costs = scaledNNLS(rows, b)
		for j := range costs {
			if share[j] == 0 {
				costs[j] = level * prices[j]
			}
		}
		level = max(costs[xMac]/prices[xMac], 0.3*level)
	}
	return costs
}

// scaledNNLS is stat.NNLS after scaling the columns to length 1.
func scaledNNLS(rows [][]float64, b []float64) []float64 {
	length := make([]float64, len(rows[0]))
	for _, r := range rows {
		for j, v := range r {
			length[j] += v * v
		}
	}
	for j, l := range length {
		length[j] = math.Sqrt(max(l, 1e-300))
		for _, r := range rows {
			r[j] /= length[j]
		}
	}
	x := stat.NNLS(rows, b, 1e-9)
	for j := range x {
		x[j] /= length[j]
	}
	return x
}

// kinds makes the models of a device from its costs, which are those of all kinds. A kind that was not measured has
// none, but for anyKind.
func (f *Fleet) kinds(d int, costs []float64) map[string]*KindModel {
	words := vocabularies[f.Runtimes[d]]
	out := map[string]*KindModel{anyKind: f.kind(anyKind, d, costs, words)}
	for _, row := range f.Rows {
		for _, r := range row {
			u := &f.Units[r[0]]
			name := KindOf(u)
			k := out[name]
			if k == nil {
				k = f.kind(name, d, costs, words)
				k.Low, k.High = map[string]float64{}, map[string]float64{}
				out[name] = k
			}
			k.Units++
			ft := workload.FeaturesOf(nil, u, &engine.Target{ISA: "neon"})
			for j, name := range rangeFeatures {
				v := ft[j]
				if name == "" {
					continue
				}
				lo, ok := k.Low[name]
				if !ok {
					lo, k.High[name] = v, v
				}
				k.Low[name], k.High[name] = min(lo, v), max(k.High[name], v)
			}
		}
	}
	return out
}

// kind is a model of costs alone.
func (f *Fleet) kind(name string, d int, costs []float64, words *vocabulary) *KindModel {
	return &KindModel{
		Kind: name, Runtime: f.Runtimes[d], Costs: words.named(costs), costs: slices.Clone(costs), ResidualRMS: 0.1,
		LeaveOneOut: 0.1,
	}
}

// rangeFeatures are the features whose range says whether a unit is like those that were measured; "": it does not.
var rangeFeatures = func() []string {
	names := make([]string, len(workload.Features))
	for j, f := range workload.Features {
		switch f.Name {
		case "height", "width", "in", "out", "kernel", "stride", "dilation", "groups":
			names[j] = f.Name
		}
	}
	return names
}()

// FitProcess fits the corrections of the costs of one device, kinds, with the settings of like.
func (f *Fleet) FitProcess(device int, kinds map[string]*KindModel, like *AdditiveModel) *AdditiveModel {
	return FitAdditive(f.endToEnd(device), kinds, &f.Targets[device], like)
}

// TuneProcess finds the settings of the corrections with which all devices together are likeliest, on a grid.
func (f *Fleet) TuneProcess(kinds []map[string]*KindModel) *AdditiveModel {
	best, m := math.Inf(1), &AdditiveModel{}
	for _, length := range []float64{0.5, 1, 2, 4, 8} {
		var grams []*mat.SymDense
		var ys [][]float64
		for d := range f.Ms {
			data := newAdditiveData(f.endToEnd(d), &f.Targets[d], true, costsAlone(kinds[d], &f.Targets[d]))
			s, y := data.shares(make([]float64, len(data.components)))
			grams, ys = append(grams, data.gram(s, data.crossCovariance(s, length))), append(ys, y)
		}
		for _, amp := range []float64{0.05, 0.1, 0.2, 0.4} {
			for _, noise := range []float64{0.01, 0.015, 0.02, 0.03} {
				total := 0.0
				for d, g := range grams {
					_, nll, ok := solveAdditive(g, ys[d], amp, noise)
					if !ok {
						nll = math.Inf(1)
					}
					total += nll
				}
				if total < best {
					best = total
					*m = AdditiveModel{Amplitude: amp, Length: length, Noise: noise, Sizes: true}
				}
			}
		}
	}
	return m
}
