package accuracy

import (
	"fmt"
	"math"
	"slices"

	"nas/internal/stat"

	"gonum.org/v1/gonum/mat"
	gonum "gonum.org/v1/gonum/stat"
)

// surrogateCandidate is one of the models that cross-validation chooses from.
type surrogateCandidate struct {
	name    string
	columns []int // of the inputs
	kernel  stat.Kernel
}

// candidates lists what cross-validation chooses from. Inputs that do not vary are
// dropped, and, with a combined rank to fall back on, sets of more inputs than half
// the networks. With a combined rank and few networks there is one candidate, the
// anchored one: on ten networks cross-validation picks by luck.
//
// sd are the standard deviations of the inputs over the trained networks.
func candidates(in *SurrogateInputs, sd []float64, trained int) []surrogateCandidate {
	varying := func(from, to int) (columns []int) {
		for j := from; j < to; j++ {
			if sd[j] > 0 {
				columns = append(columns, j)
			}
		}
		return columns
	}
	first := in.shapeFrom()
	prior, proxies, shape := varying(0, 1), varying(1, first), varying(first, len(sd))
	if trained < anchoredBelow && len(prior) > 0 {
		if c, ok := anchored(in, sd); ok {
			return []surrogateCandidate{c}
		}
	}
	var out []surrogateCandidate
	for _, set := range []struct {
		name    string
		columns []int
	}{
		{"prior", prior},
		{"proxies", slices.Concat(prior, proxies)},
		{"shape", shape},
		{"prior and shape", slices.Concat(prior, shape)},
		{"all", slices.Concat(prior, proxies, shape)},
	} {
		d := len(set.columns)
		if d == 0 || len(prior) > 0 && d > max(1, trained/2) {
			continue
		}
		for _, length := range []float64{1, 2.5} {
			for _, noise := range []float64{0.02, 0.1, 0.4} {
				k := stat.Kernel{Matern: 1, Linear: 1, Noise: noise, Length: make([]float64, d)}
				for j := range k.Length {
					k.Length[j] = length * math.Sqrt(float64(d))
				}
				name := fmt.Sprintf("%s, length %g, noise %g", set.name, length, noise)
				out = append(out, surrogateCandidate{name, set.columns, k})
			}
		}
	}
	return out
}

// Settings of the anchored candidate, chosen on half of NAS-Bench-Macro.
const (
	anchoredBelow  = 20 // trained networks: from there on cross-validation finds what the proxies do not see
	anchoredMatern = 0.3
	anchoredLength = 2.5
	anchoredNoise  = 0.1 // of training, and of what the proxies do not see
)

// anchored is a Gaussian process whose prior mean is the combined rank: a linear
// trend in the rank, and a process of less variance over the proxies that it combines,
// for how far networks that these see alike depart from it. Distances are in standard
// deviations of the reference sample, not of the few trained networks, which may lie
// close together. ok is false where fewer than two of these inputs vary.
func anchored(in *SurrogateInputs, sd []float64) (c surrogateCandidate, ok bool) {
	var columns []int
	var ratio []float64 // standard deviation in the sample to that over the trained networks
	in.priorSamples(func(j int, sample []float64) {
		if wide := gonum.StdDev(sample, nil); wide > 0 && sd[j] > 0 {
			columns, ratio = append(columns, j), append(ratio, wide/sd[j])
		}
	})
	d := len(columns)
	if d < 2 || columns[0] != 0 {
		return c, false
	}
	k := stat.Kernel{Matern: anchoredMatern, Linear: 1, Noise: anchoredNoise}
	k.Length, k.Trend = make([]float64, d), make([]float64, d)
	for j, w := range ratio {
		k.Length[j] = anchoredLength * math.Sqrt(float64(d)) * w
	}
	k.Trend[0] = 1 / (ratio[0] * ratio[0])
	return surrogateCandidate{"anchored prior", columns, k}, true
}

// Settings of the cross-validation.
const (
	surrogateFolds   = 5
	surrogateRepeats = 4
	surrogateCVRows  = 300 // at most, drawn for the choice alone
)

// crossValidate returns the mean and standard deviation over repeats of Kendall's tau
// between accuracies and out-of-fold predictions, and the standard deviation of an
// out-of-fold error in points. x are the standardised inputs, target the accuracies
// top1 on the scale of the link.
func (c surrogateCandidate) crossValidate(
	x *mat.Dense, target, top1 []float64, seed uint64,
) (tau, sd, errorSD float64, err error) {
	var taus []float64
	squares := 0.0
	for r := range surrogateRepeats {
		order := stat.SampleRows(len(top1), surrogateCVRows, seed+uint64(r)+100)
		predicted, truth := make([]float64, len(order)), make([]float64, len(order))
		for f := range surrogateFolds {
			var in, out []int
			for k, i := range order {
				if k%surrogateFolds == f {
					out = append(out, i)
				} else {
					in = append(in, i)
				}
			}
			y := make([]float64, len(in))
			for a, i := range in {
				y[a] = target[i]
			}
			g, err := stat.FitGP(c.kernel, selected(x, in, c.columns), y)
			if err != nil {
				return 0, 0, 0, err
			}
			for a, t := range g.Predict(selected(x, out, c.columns)) {
				k := f + a*surrogateFolds
				predicted[k], truth[k] = t, top1[order[k]]
				squares += math.Pow(unlink(t)-truth[k], 2)
			}
		}
		taus = append(taus, stat.KendallTau(predicted, truth))
	}
	tau, sd = gonum.MeanStdDev(taus, nil)
	return tau, sd, math.Sqrt(squares / float64(surrogateRepeats*min(len(top1), surrogateCVRows))), nil
}

// selected returns some rows and columns of x.
func selected(x *mat.Dense, rows, columns []int) *mat.Dense {
	m := mat.NewDense(len(rows), len(columns), nil)
	for a, i := range rows {
		for b, j := range columns {
			m.Set(a, b, x.At(i, j))
		}
	}
	return m
}

// linkOf spreads accuracies near 100 %; it is finite at both ends.
func linkOf(pct float64) float64 { return -math.Log(100.5 - pct) }
func unlink(t float64) float64   { return 100.5 - math.Exp(-t) }
