package proxy

import (
	"math"

	"nas/blocks"
)

// levelProfile scores a network by a closed formula of ours, in the information that
// a proxy running the network must beat:
//
//	sum over levels of log(1 + n) + 0.45 x share of kernels above 3 + mean over levels of log(width)/2 + log(resolution)
//
// A level is all maps of one extent, n its convolutions with a kernel size above
// 1 (the stem's excluded) and width the channels of its last map. The logarithm
// says that a second block in a level is worth more than a seventh: the one
// thing that counting blocks misses. The first two terms were chosen on
// NAS-Bench-Macro, where the last two are constant; their weights are set by
// hand, so that a wider or finer network of one shape scores higher.
func levelProfile(n *blocks.Network) float64 {
	type level struct{ convs, width int }
	levels := make(map[blocks.Shape]level, 8) // keyed by extent, C = 0
	var order []blocks.Shape
	total, large := 0, 0
	eachSpatialConv(n, func(i int, c *blocks.Conv) {
		s := n.Nodes[i].Shape
		total++
		if max(c.Kernel[0], c.Kernel[1]) > 3 {
			large++
		}
		at := blocks.Shape{H: s.H, W: s.W}
		l, seen := levels[at]
		if !seen {
			order = append(order, at)
		}
		l.convs++
		levels[at] = l
	})
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		at := blocks.Shape{H: nd.Shape.H, W: nd.Shape.W}
		if l, ok := levels[at]; ok && nd.Op.Kind() != "concat" && !(nd.Stage == 0 && i > 0) {
			l.width = nd.Shape.C
			levels[at] = l
		}
	}
	if total == 0 {
		return 0
	}
	score, width := 0.0, 0.0
	for _, at := range order { // in order: sums of floats must not depend on a map's
		score += math.Log1p(float64(levels[at].convs))
		width += math.Log(float64(max(levels[at].width, 1)))
	}
	in := n.Input()
	return score + 0.45*float64(large)/float64(total) + width/float64(2*len(order)) + 0.5*math.Log(float64(in.Pixels()))
}

func init() {
	register(Proxy{Name: "profile", Label: "depth and kernel profile", compute: closed(levelProfile),
		Blind: []Trait{SE, Activation, Dilation}})
}
