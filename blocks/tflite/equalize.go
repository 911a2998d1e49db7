package tflite

import (
	"math"
	"slices"

	"nas/blocks"
)

// pair are two convolutions with nothing between them but an activation that a positive factor passes: what the first
// multiplies a channel by, the second divides by.
type pair struct {
	first, second int // nodes
	act           int // the activation, first where there is none
	clips         bool
	factor        []float64 // of each channel, so far
}

// sweeps bounds how often all pairs are equalised; they reach a balance in few.
const (
	sweeps      = 20
	balanced    = 1e-3
	clipAt      = 6.0
	mostFactor  = 1e4 // of a channel
	leastWeight = 1e-9
)

// equalize returns weights that compute what w computes, in which the ranges of a channel's weights before and after
// an activation are the same: cross-layer equalisation (Nagel et al., "Data-Free Quantization Through Weight
// Equalization and Bias Correction", 2019, section 4.1, equation 11). most is the largest value of each node's channels
// over the images. ReLU6 is no multiple of itself: a channel that reaches 6 keeps its scale, another one is not moved
// beyond 6. So the network computes the same for these images.
func equalize(n *blocks.Network, w *blocks.Weights, most [][]float64) *blocks.Weights {
	pairs := pairsOf(n)
	out := blocks.EmptyWeights(n)
	for i := range n.Nodes {
		out.Set(i, w.Node(i))
	}
	for _, p := range pairs { // the others share their tensors with w
		for _, i := range []int{p.first, p.second} {
			var ts [][]float32
			for _, t := range out.Node(i) {
				ts = append(ts, slices.Clone(t))
			}
			out.Set(i, ts)
		}
	}
	for range sweeps {
		worst := 0.0
		for k := range pairs {
			worst = max(worst, pairs[k].balance(n, out, most))
		}
		if worst < balanced {
			break
		}
	}
	return out
}

// pairsOf finds the pairs of a network in the order of its nodes.
func pairsOf(n *blocks.Network) (list []pair) {
	consumers, returned := n.Consumers(), n.Returned()
	shared := map[int]bool{}
	for i, nd := range n.Nodes {
		for _, j := range nd.Shared {
			shared[i], shared[j] = true, true
		}
	}
	only := func(i int) int { // the one reader of a node, or 0
		if len(consumers[i]) != 1 || slices.Contains(returned, i) {
			return 0
		}
		return consumers[i][0]
	}
	isConv := func(i int) bool {
		_, ok := n.Nodes[i].Op.(*blocks.Conv)
		return ok && !shared[i]
	}
	for i, nd := range n.Nodes {
		if !isConv(i) {
			continue
		}
		p := pair{first: i, act: i, second: only(i), factor: slices.Repeat([]float64{1}, nd.Shape.C)}
		if a, ok := n.Nodes[p.second].Op.(*blocks.Activation); ok {
			if a.Func != blocks.ReLU && a.Func != blocks.ReLU6 && a.Func != blocks.Identity {
				continue
			}
			p.act, p.clips = p.second, a.Func == blocks.ReLU6
			p.second = only(p.second)
		}
		if p.second != 0 && isConv(p.second) {
			list = append(list, p)
		}
	}
	return list
}

// balance multiplies each channel between two convolutions by sqrt(range after / range before), and returns how far
// from 1 the factors were.
func (p *pair) balance(n *blocks.Network, w *blocks.Weights, most [][]float64) (worst float64) {
	before, after := w.Node(p.first), w.Node(p.second)[0]
	next := n.Nodes[p.second].Op.(*blocks.Conv)
	channels := len(p.factor)
	each, part := channels/next.G(), next.Out/next.G()
	taps := len(after) / next.Out / each
	// reads calls f with each weight of the second convolution that reads channel c.
	reads := func(c int, f func(v *float32)) {
		for t := range taps {
			row := after[(t*each+c%each)*next.Out+c/each*part:][:part]
			for k := range row {
				f(&row[k])
			}
		}
	}
	for c := range channels {
		var a, b float64
		for i := c; i < len(before[0]); i += channels {
			a = max(a, math.Abs(float64(before[0][i])))
		}
		reads(c, func(v *float32) { b = max(b, math.Abs(float64(*v))) })
		if a < leastWeight || b < leastWeight {
			continue
		}
		f := math.Sqrt(b / a)
		if p.clips {
			if m := most[p.act][c]; m >= clipAt*0.999 {
				continue
			} else if m > 0 {
				f = min(f, 0.999*clipAt/(m*p.factor[c]))
			}
		}
		f = min(max(f, 1/(mostFactor*p.factor[c])), mostFactor/p.factor[c])
		worst = max(worst, math.Abs(f-1))
		p.factor[c] *= f
		for _, t := range before { // weights and bias
			for i := c; i < len(t); i += channels {
				t[i] = float32(float64(t[i]) * f)
			}
		}
		reads(c, func(v *float32) { *v = float32(float64(*v) / f) })
	}
	return worst
}

// channelMaxima returns the largest value of each channel of each node over images.
func channelMaxima(
	n *blocks.Network,
	run func(in []float32) ([][]float32, error),
	images [][]float32,
) ([][]float64, error) {
	most := make([][]float64, len(n.Nodes))
	for i, nd := range n.Nodes {
		most[i] = slices.Repeat([]float64{math.Inf(-1)}, nd.Shape.C)
	}
	for _, in := range images {
		acts, err := run(in)
		if err != nil {
			return nil, err
		}
		for i, v := range acts {
			for k, x := range v {
				c := k % len(most[i])
				most[i][c] = max(most[i][c], float64(x))
			}
		}
	}
	return most, nil
}
