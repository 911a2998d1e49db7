package report

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var drawTo = flag.String("draw", "", "directory in which TestDraw leaves a PNG and an SVG of every figure")

// madeUpFronts is a run of n trials that looks like a real one.
func madeUpFronts(n int) Fronts {
	r := rand.New(rand.NewPCG(1, 2))
	s := madeUpSeries(r, "front", n, 1)
	f := Fronts{
		Title:    "mobile: 4 000 networks, 43 on the front",
		Subtitle: "At the score of MobileNetV2 1.0 the front needs 31 % less latency; 11 of 13 classics are dominated.",
		X:        Axis{Label: "predicted latency in ms (nas kernels on AMD EPYC 9R14, 1 thread)"},
		Y:        Axis{Label: "rankmean(naswot,depth), training-free score", Maximize: true},
		Series:   []Series{s},
		Constraints: []Constraint{
			{Value: 21, Label: "max_latency 1.2 mobilenet_v2 = 21 ms"},
		},
		Notes: []string{"The score cannot see SE, activation and dilation: of two networks that differ only there " +
			"the faster one wins.",
			"Bars: 90 % interval of the predicted latency."},
	}
	for g, fam := range []struct {
		name string
		at   []float64
		up   float64
	}{
		{"MobileNetV1", []float64{0.25, 0.5, 0.75, 1}, -0.13},
		{"MobileNetV2", []float64{0.35, 0.5, 0.75, 1, 1.3, 1.4}, -0.05},
		{"MobileNetV3", []float64{0.75, 1}, 0.01},
	} {
		for _, w := range fam.at {
			x := (3 + 13*w*w) * (1 - 0.12*float64(g))
			f.References = append(f.References,
				Reference{Group: fam.name, Label: fmt.Sprint(w), Point: Point{X: x, Y: ideal(x) + fam.up}})
		}
	}
	front := f.Series[0].Front
	if len(front) == 0 {
		return f
	}
	f.Picks = []Reference{
		{Label: "fastest", Point: front[0]},
		{Label: "knee", Point: front[len(front)/3]},
		{Label: "most accurate", Point: front[len(front)-1]},
	}
	return f
}

func ideal(ms float64) float64 { return 1.05 - 1.4*math.Exp(-ms/7) }

func madeUpSeries(r *rand.Rand, name string, n int, slower float64) Series {
	s := Series{Name: name}
	for i := range n {
		x := 2 * math.Exp(r.Float64()*2.9)
		y := ideal(x/slower) - 0.02 - math.Abs(r.NormFloat64())*0.22*math.Exp(-2*float64(i)/float64(n))
		if x > 21 {
			s.Infeasible = append(s.Infeasible, XY{x, y})
			continue
		}
		s.Trials = append(s.Trials, XY{x, y})
		s.Front = append(s.Front, Point{X: x, Y: y, XLow: x * 0.95, XHigh: x * 1.05})
	}
	s.Front = Fronts{Y: Axis{Maximize: true}}.steps(s.Front)
	return s
}

// madeUpRoofline has kernels at random places under its roof.
func madeUpRoofline(r *rand.Rand) Roofline {
	roof := Roofline{
		Title: "What bounds 4f2a90b1c3d2", Subtitle: "8.31 ms predicted; a point is a call of a kernel", Peak: 90,
		Slopes: []Slope{{"80 GB/s, within the second-level cache", 80}, {"19 GB/s, beyond it", 19}},
		Notes:  []string{"The roof is measured on this machine."},
	}
	for i := range 40 {
		x := math.Exp(6*r.Float64() - 2)
		roof.Points = append(roof.Points, RooflinePoint{
			[]string{"pointwise", "depthwise", fused}[i%3], x, min(90, 19*x) * (0.3 + 0.6*r.Float64()), 0.08 * r.Float64(),
		})
	}
	return roof
}

// figures are made-up examples of every figure.
func figures() map[string]Figure {
	r := rand.New(rand.NewPCG(3, 4))
	many := madeUpFronts(100)
	many.Title, many.Subtitle = "Three runs", ""
	many.Series = []Series{
		madeUpSeries(r, "nsga2", 2000, 1), madeUpSeries(r, "random", 2000, 1.12), madeUpSeries(r, "evolution", 2000, 1.04),
	}
	many.Picks, many.References = nil, many.References[4:10]
	log := madeUpFronts(4000)
	log.X.Log = true
	growth := Growth{Title: "Hypervolume", YLabel: "hypervolume in ms x score, up to (60 ms, -1.7)",
		Series: []GrowthSeries{{Name: "nsga2"}, {Name: "random"}}}
	agree := Agreement{Title: "Predicted against measured", Subtitle: "MAPE 3.1 %, Kendall tau 0.97",
		Quantity: "latency in ms (nas kernels on AMD EPYC 9R14, 1 thread)",
		Series:   []AgreementSeries{{Name: "random networks"}, {Name: "front"}, {Name: "zoo"}}}
	for i := range 2 {
		hv := 0.0
		for k := range 4000 {
			hv += (60 - hv) * r.Float64() * 0.004 / float64(1+i)
			growth.Series[i].Points = append(growth.Series[i].Points, XY{float64(k + 1), hv})
		}
	}
	for i := range 3 {
		for range 60 / (i + 1) {
			m := 2 * math.Exp(3*r.Float64())
			p := m * (1 + 0.05*r.NormFloat64())
			agree.Series[i].Points = append(agree.Series[i].Points, Prediction{m, p, p * 0.92, p * 1.08})
		}
	}
	bars := Breakdown{
		Title: "Where the latency of 4f2a90b1c3d2 goes", Subtitle: "8.31 ms predicted (7.9 to 8.7), 41 kernels",
		XLabel: "ms (nas kernels on AMD EPYC 9R14, 1 thread)", Unit: "ms",
	}
	bars.Rows = append(bars.Rows, Bar{"stem  conv k3 s2 c16", []Part{{"stem", 0.4}}})
	for i := range 16 {
		parts := []Part{{"pointwise", 0.1 + r.Float64()*0.3}, {"depthwise", 0.05 + r.Float64()*0.2}}
		if i%3 == 0 {
			parts = append(parts, Part{"squeeze-excite", 0.03})
		}
		bars.Rows = append(bars.Rows, Bar{fmt.Sprintf("%d.%d  mbconv k5 e6 c%d", i/4+1, i%4+1, 24+8*i), parts})
	}
	diagram := Diagram{Title: "4f2a90b1c3d2",
		Subtitle: "8.31 ms predicted, 90 % interval 7.9 to 8.7: nas kernels on AMD EPYC 9R14, 1 thread", Unit: "ms"}
	for i, b := range bars.Rows {
		row := DiagramRow{Name: strings.Fields(b.Label)[0], Shape: "14x14x96", Acts: "hswish", Residual: i%4 == 2,
			Parts: b.Parts}
		for k := range 3 + i%3*i {
			row.Ops = append(row.Ops, DiagramOp{fmt.Sprintf("1x1, %d", 100*k), []string{"pointwise", "depthwise", gates}[k%3]})
		}
		diagram.Rows = append(diagram.Rows, row)
	}
	diagram.Rows[3].Parts = nil
	shares := Shares{Title: "What the front takes",
		Subtitle: "43 networks of the front against 1 000 samples of the space"}
	for _, g := range []struct {
		name    string
		blind   bool
		choices []string
	}{
		{"kernel", false, []string{"3", "5", "7"}}, {"expansion", false, []string{"3", "4", "6"}},
		{"se", true, []string{"0", "0.25"}}, {"activation", true, []string{"relu6", "hswish"}},
	} {
		gs := GeneShares{Name: g.name, Blind: g.blind}
		rest := 100.0
		for i, ch := range g.choices {
			f := rest * r.Float64()
			if i == len(g.choices)-1 {
				f = rest
			}
			rest -= f
			gs.Choices = append(gs.Choices, Share{ch, f, 100 / float64(len(g.choices))})
		}
		shares.Genes = append(shares.Genes, gs)
	}
	return map[string]Figure{
		"growth": growth, "agreement": agree, "breakdown": bars, "roofline": madeUpRoofline(r), "diagram": diagram, "shares": shares,
		"front":       madeUpFronts(4000),
		"front-large": madeUpFronts(60000),
		"front-few":   madeUpFronts(25),
		"front-log":   log,
		"runs":        many,
	}
}

func TestDraw(t *testing.T) {
	if *drawTo == "" {
		t.Skip("give -draw DIR to look at the figures")
	}
	fs := figures()
	names := []string{}
	for n := range fs {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, ext := range []string{".png", ".svg", ".pdf"} {
			path := filepath.Join(*drawTo, n+ext)
			if err := Save(path, fs[n]); err != nil {
				t.Fatal(err)
			}
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d bytes", path, st.Size())
		}
	}
}
