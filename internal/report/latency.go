package report

import (
	"cmp"
	"fmt"
	"slices"

	"nas/blocks"
	"nas/latency"
)

// LatencyBreakdown shows where the predicted latency of a network goes: its
// blocks from input to output, each divided by kind of kernel. device says whose
// latency it is.
func LatencyBreakdown(n *blocks.Network, e latency.Estimate, device string) Breakdown {
	type place struct{ stage, block int }
	parts := map[place]map[string]float64{}
	calls, sum := 0, 0.0
	for _, k := range e.Kernels {
		for _, p := range k.Places {
			at := place{p[0], p[1]}
			if parts[at] == nil {
				parts[at] = map[string]float64{}
			}
			v := k.Ms / float64(k.Count)
			parts[at][kindOfWork(k)] += v
			calls, sum = calls+1, sum+v
		}
	}
	shapes := map[place]blocks.Shape{} // what leaves a block
	for _, nd := range n.Nodes {
		shapes[place{nd.Stage, nd.Block}] = nd.Shape
	}
	b := Breakdown{
		Title: "Where the latency of " + n.Name + " goes", XLabel: "ms (" + device + ")", Unit: "ms",
		Subtitle: fmt.Sprintf("%.3g ms predicted, 90 %% interval %.3g to %.3g; %d kernel calls", e.LatencyMs, e.LowMs, e.HighMs, calls),
	}
	if d := e.LatencyMs/sum - 1; d > 0.02 || d < -0.02 {
		b.Notes = []string{fmt.Sprintf("The kernels add up to %.3g ms; what they do to each other makes the network %+.1f %% of that.", sum, 100*d)}
	}
	places := make([]place, 0, len(parts))
	for p := range parts {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.stage, b.stage), cmp.Compare(a.block, b.block)) })
	for i, p := range places {
		name := fmt.Sprintf("%d.%d", p.stage, p.block)
		switch {
		case p.stage == 0:
			name = "stem"
		case p.block == 0 && i == len(places)-1:
			name = "head"
		}
		row := Bar{Label: fmt.Sprintf("%s  %v", name, shapes[p])}
		for kind, v := range parts[p] {
			row.Parts = append(row.Parts, Part{kind, v})
		}
		slices.SortFunc(row.Parts, func(a, b Part) int { return cmp.Compare(a.Kind, b.Kind) })
		b.Rows = append(b.Rows, row)
	}
	return b
}

// works maps kernels to their colours in a breakdown; convolutions are told apart
// by their window.
var works = map[string]string{
	"dwconv": "depthwise",
	"block":  "fused block", "expand_dw": "fused block", "dw_project": "fused block", "stem_block": "fused block", "stem_dw": "fused block",
	"scale_conv": "pointwise",
	"linear":     "pooling, gates, linear", "globalavg": "pooling, gates, linear", "globalmax": "pooling, gates, linear",
	"scale": "pooling, gates, linear", "scale_map": "pooling, gates, linear",
	"avgpool": "pooling, gates, linear", "avgpool_pad": "pooling, gates, linear", "maxpool": "pooling, gates, linear",
}

func kindOfWork(k latency.Kernel) string {
	switch w, ok := works[k.Unit.Name]; {
	case ok:
		return w
	case k.Unit.Name == "conv" && k.Unit.Kernel == [2]int{1, 1}:
		return "pointwise"
	case k.Unit.Name == "conv" || k.Unit.Name == "cond_conv":
		return "convolution"
	}
	return "other"
}
