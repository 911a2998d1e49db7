package report

import (
	"fmt"
	"math"
	"strconv"

	"nas/blocks"
	"nas/latency"
)

// LatencyBreakdown shows where the predicted latency of a network goes: its
// blocks from input to output, each divided by kind of kernel. A block that runs
// within the kernel of a neighbour has no row. device says whose latency it is.
func LatencyBreakdown(n *blocks.Network, e latency.Estimate, device string) Breakdown {
	calls, sum := 0, 0.0
	for _, k := range e.Kernels {
		calls, sum = calls+len(k.Places), sum+k.Ms
	}
	b := Breakdown{
		Title: "Where the latency of " + n.Name + " goes", XLabel: "ms (" + device + ")", Unit: "ms",
		Subtitle: fmt.Sprintf("%s ms predicted, 90 %% interval %s to %s; %d kernel calls",
			digits3(e.LatencyMs), digits3(e.LowMs), digits3(e.HighMs), calls),
	}
	if d := e.LatencyMs/sum - 1; d > 0.02 || d < -0.02 {
		word := "more"
		if d < 0 {
			word = "less"
		}
		b.Notes = []string{fmt.Sprintf("The kernels by themselves add up to %s ms; together they take %.1f %% %s.",
			digits3(sum), 100*math.Abs(d), word)}
	}
	for _, r := range newDiagram(n, latencyOf(e)).Rows {
		if len(r.Parts) > 0 {
			b.Rows = append(b.Rows, Bar{r.Name + "  " + r.Shape, r.Parts})
		}
	}
	return b
}

// digits3 is a number with three significant digits and no exponent.
func digits3(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(math.Abs(v))+1e-9))), 64)
}

// gates is the kind of the work that is done once a channel or an image.
const gates = "pooling, gates, linear"

// fused is the kind of the work of kernels that run a block, or much of it.
const fused = "fused into one kernel"

// works maps kernels to their colours in a breakdown; convolutions are told apart
// by their window.
var works = map[string]string{
	"dwconv": "depthwise",
	"block":  fused, "expand_dw": fused, "dw_project": fused, "stem_block": fused, "stem_dw": fused,
	"scale_conv": "pointwise",
	"linear":     gates, "globalavg": gates, "globalmax": gates,
	"scale": gates, "scale_map": gates,
	"avgpool": gates, "avgpool_pad": gates, "maxpool": gates,
}

// KindOfWork is the kind of the work of a kernel, by which pictures colour it.
func KindOfWork(k latency.Kernel) string {
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
