package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/latency"
	"nas/search/pareto"
)

// madeUpPage is a report of n trials with archs as long as real ones. The trials of
// the front come first, by their latency.
func madeUpPage(n int) Page {
	p := Page{
		Fronts: Fronts{
			Title: "mobile", Subtitle: "At the score of MobileNetV2 1.0 the front needs 31 % less latency.",
			X:           Axis{Label: "predicted latency in ms (nas kernels on nothing, 1 thread)"},
			Y:           Axis{Label: "rankmean(naswot,depth), training-free score", Maximize: true},
			Constraints: []Constraint{{Value: 21, Label: "max_latency 1.2 mobilenet_v2 = 21 ms"}},
			References: []Reference{
				{Group: "MobileNetV2", Label: "0.75", Point: Point{X: 9, Y: 0.6}},
				{Group: "MobileNetV2", Label: "1", Point: Point{X: 14, Y: 0.8}},
			},
			Notes: []string{"The score cannot see SE and activation."},
		},
		Dir: "results/<made up>", Device: "nas kernels on nothing, 1 thread",
		Facts: [][2]string{{"seed", "1"}, {"odd", `</script><b>"&`}}, Blind: []string{"SE", "activation"},
		Figures: []Figure{Growth{Title: "Hypervolume", YLabel: "hypervolume",
			Series: []GrowthSeries{{Name: "nsga2", Points: []XY{{1, 1}, {2, 3}, {4, 4}}}}}},
	}
	r := rand.New(rand.NewPCG(1, 2))
	at, costs := make([]XY, n), make([][]float64, n)
	for i := range at {
		x := 2 * math.Exp(r.Float64()*2.9)
		at[i] = XY{x, 1.05 - 1.4*math.Exp(-x/7) - math.Abs(r.NormFloat64())*0.22*math.Exp(-2*float64(i)/float64(n))}
		costs[i] = []float64{math.Inf(1), math.Inf(1)} // if infeasible, dominated by all others
		if x <= 21 {
			costs[i] = []float64{x, -at[i].Y}
		}
	}
	front := pareto.Front(costs)
	add := func(v XY) {
		i := p.Trials.Len()
		arch := "224x224x3 | conv_k3_s2_c16_relu6 |"
		for b := range 20 {
			arch += fmt.Sprintf(" mbconv_k%d_s1_x%d_c%d_hswish_se%d:relu:hsigmoid_res",
				3+2*((i+b)%3), 96+8*((i*7+b)%40), 16+8*b, 8+8*((i+b)%5))
		}
		p.Trials.Add(i, fmt.Appendf(nil, "%012x", i), []byte(arch+" | classifier_c1280_relu6_n1000"),
			v, int64(1e6+i), int64(1e8+i), v.X <= 21)
	}
	detail := PageNetwork{madeUpDiagram(), []PageLayer{
		{"stem.conv", "conv", "3x3, stride 2", "112x112x16", 432, 5419008}, {"fc", "linear", "", "1x1x1000", 1281000, 1280000}}}
	for k, i := range front {
		x, y := at[i].X, at[i].Y
		p.Members = append(p.Members, PageMember{
			Trial: k, XLow: x * 0.95, XHigh: x * 1.05, YLow: y - 0.02, YHigh: y + 0.02, PageNetwork: detail})
		add(at[i])
	}
	for i, v := range at {
		if !slices.Contains(front, i) {
			add(v)
		}
	}
	return p
}

// madeUpDiagram is a network of 17 blocks.
func madeUpDiagram() Diagram {
	d := Diagram{Unit: "ms"}
	for i := range 17 {
		row := DiagramRow{Name: fmt.Sprintf("%d.%d", i/4+1, i%4+1), Shape: "14x14x96", Acts: "hswish", Residual: i%4 == 2,
			Parts: []Part{{"pointwise", 0.1 + 0.02*float64(i)}, {"depthwise", 0.2}}}
		for k := range 3 {
			row.Ops = append(row.Ops, DiagramOp{fmt.Sprintf("1x1, %d", 100*k), []string{"pointwise", "depthwise", "squeeze-excite"}[k]})
		}
		d.Rows = append(d.Rows, row)
	}
	d.Rows[3].Parts = nil // it runs with the row before
	return d
}

func writePage(t *testing.T, p Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePage(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPageOf10000TrialsIsSmallAndAsksNoServer(t *testing.T) {
	b := writePage(t, madeUpPage(10000))
	if len(b) > 5<<20 {
		t.Errorf("10 000 trials make a page of %d bytes, want less than 5 MiB", len(b))
	}
	if m := regexp.MustCompile(`(?i)(src|href)\s*=\s*"?(https?:)?//[^"]*`).Find(b); m != nil {
		t.Errorf("the page asks for %s", m)
	}
	if bytes.Contains(b, []byte("</script><b>")) {
		t.Error("text of the run is not escaped")
	}
	if !bytes.Equal(b, writePage(t, madeUpPage(10000))) {
		t.Error("the same run gives another page")
	}
}

func TestLatencyBreakdownAddsUp(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@res=64")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(n, engine.Target{ISA: "avx2"}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := latency.Estimate{}
	for i, c := range plan.Kernels() {
		e.Kernels = append(e.Kernels, latency.Kernel{Name: c.Unit.Name, Ms: float64(2 * (i + 1)), Count: 2, Unit: c.Unit, Places: [][2]int{{c.Stage, c.Block}, {c.Stage, c.Block}}})
		e.LatencyMs += float64(2 * (i + 1))
	}
	b := LatencyBreakdown(n, e, "nothing")
	sum := 0.0
	for _, r := range b.Rows {
		sum += r.total()
	}
	if sum != e.LatencyMs || len(b.Notes) > 0 {
		t.Errorf("blocks add up to %v of %v ms, notes %q", sum, e.LatencyMs, b.Notes)
	}
	if first, last := b.Rows[0].Label, b.Rows[len(b.Rows)-1].Label; !strings.HasPrefix(first, "stem") || !strings.HasSuffix(last, "1x1x1000") {
		t.Errorf("rows go from %q to %q", first, last)
	}
	e.LatencyMs *= 0.9
	if b := LatencyBreakdown(n, e, "nothing"); len(b.Notes) != 1 {
		t.Error("a sum that is off is not mentioned")
	}
}
