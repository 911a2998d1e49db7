package html

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"nas/internal/report"
	"nas/search/pareto"
)

// madeUpPage is a report of n trials with archs as long as real ones. The trials of
// the front come first, by their latency.
func madeUpPage(n int) Page {
	p := Page{
		Fronts: report.Fronts{
			Title: "mobile", Subtitle: "At the score of MobileNetV2 1.0 the front needs 31 % less latency.",
			X:           report.Axis{Label: "predicted latency in ms (nas kernels on nothing, 1 thread)"},
			Y:           report.Axis{Label: "rankmean(naswot,depth), training-free score", Maximize: true},
			Constraints: []report.Constraint{{Value: 21, Label: "max_latency 1.2 mobilenet_v2 = 21 ms"}},
			References: []report.Reference{
				{Group: "MobileNetV2", Label: "0.75", Point: report.Point{X: 9, Y: 0.6}},
				{Group: "MobileNetV2", Label: "1", Point: report.Point{X: 14, Y: 0.8}},
			},
			Notes: []string{"The score cannot see SE and activation."},
		},
		Dir: "results/<made up>", Device: "nas kernels on nothing, 1 thread",
		Facts: [][2]string{{"seed", "1"}, {"odd", `</script><b>"&`}}, Blind: []string{"SE", "activation"},
		Figures: []report.Figure{report.Growth{Title: "Hypervolume", YLabel: "hypervolume",
			Series: []report.GrowthSeries{{Name: "nsga2", Points: []report.XY{{X: 1, Y: 1}, {X: 2, Y: 3}, {X: 4, Y: 4}}}}}},
	}
	r := rand.New(rand.NewPCG(1, 2))
	at, costs := make([]report.XY, n), make([][]float64, n)
	for i := range at {
		x := 2 * math.Exp(r.Float64()*2.9)
		below := math.Abs(r.NormFloat64()) * 0.22 * math.Exp(-2*float64(i)/float64(n))
		at[i] = report.XY{X: x, Y: 1.05 - 1.4*math.Exp(-x/7) - below}
		costs[i] = []float64{math.Inf(1), math.Inf(1)} // if infeasible, dominated by all others
		if x <= 21 {
			costs[i] = []float64{x, -at[i].Y}
		}
	}
	front := pareto.Front(costs)
	add := func(v report.XY) {
		i := p.Trials.Len()
		arch := "224x224x3 | conv_k3_s2_c16_relu6 |"
		for b := range 20 {
			arch += fmt.Sprintf(" mbconv_k%d_s1_x%d_c%d_hswish_se%d:relu:hsigmoid_res",
				3+2*((i+b)%3), 96+8*((i*7+b)%40), 16+8*b, 8+8*((i+b)%5))
		}
		p.Trials.Add(i, fmt.Appendf(nil, "%012x", i), []byte(arch+" | classifier_c1280_relu6_n1000"),
			v, int64(1e6+i), int64(1e8+i), v.X <= 21)
	}
	detail := Network{madeUpDiagram(), []Layer{
		{"stem.conv", "conv", "3x3, stride 2", "112x112x16", 432, 5419008},
		{"fc", "linear", "", "1x1x1000", 1281000, 1280000},
	}}
	for k, i := range front {
		x, y := at[i].X, at[i].Y
		p.Members = append(p.Members, Member{
			Trial: k, XLow: x * 0.95, XHigh: x * 1.05, YLow: y - 0.02, YHigh: y + 0.02, Network: detail})
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
func madeUpDiagram() report.Diagram {
	d := report.Diagram{Unit: "ms"}
	for i := range 17 {
		row := report.DiagramRow{
			Name: fmt.Sprintf("%d.%d", i/4+1, i%4+1), Shape: "14x14x96", Acts: "hswish", Residual: i%4 == 2,
			Parts: []report.Part{{Kind: "pointwise", Value: 0.1 + 0.02*float64(i)}, {Kind: "depthwise", Value: 0.2}},
		}
		for k := range 3 {
			row.Ops = append(row.Ops, report.DiagramOp{
				Text: fmt.Sprintf("1x1, %d", 100*k), Kind: []string{"pointwise", "depthwise", "squeeze-excite"}[k]})
		}
		d.Rows = append(d.Rows, row)
	}
	d.Rows[3].Parts = nil // it runs with the row before
	return d
}

func writePage(t *testing.T, p Page) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p); err != nil {
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
