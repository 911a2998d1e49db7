package report

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"nas/space"
)

func encode(t *testing.T, format string, f Figure) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, format, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEqualFiguresGiveEqualBytes(t *testing.T) {
	first, second := figures(), figures()
	for name, f := range first {
		if name == "front-large" || name == "front-log" {
			continue
		}
		for _, format := range formats {
			if !bytes.Equal(encode(t, format, f), encode(t, format, second[name])) {
				t.Errorf("%s.%s differs between two drawings of the same data", name, format)
			}
		}
	}
}

func TestDrawingLeavesItsDataAlone(t *testing.T) {
	f, same := madeUpFronts(300), madeUpFronts(300)
	encode(t, "svg", f)
	if !reflect.DeepEqual(f, same) {
		t.Error("drawing changed the figure")
	}
}

func TestSVGOfManyTrialsStaysSmall(t *testing.T) {
	f := madeUpFronts(0)
	if n := len(encode(t, "svg", madeUpFronts(60000))); n > 1<<20 {
		t.Errorf("60 000 trials make an SVG of %d bytes, want less than 1 MiB", n)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300000 { // the worst case: trials everywhere
		f.Series[0].Trials = append(f.Series[0].Trials, XY{1 + 20*r.Float64(), r.Float64()})
		f.Series[0].Infeasible = append(f.Series[0].Infeasible, XY{1 + 20*r.Float64(), r.Float64()})
	}
	if n := len(encode(t, "svg", f)); n > 1<<20 {
		t.Errorf("600 000 trials make an SVG of %d bytes, want less than 1 MiB", n)
	}
}

func TestThinKeepsEveryRegion(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var pts []vg.Point
	for range 50000 {
		pts = append(pts, vg.Point{X: vg.Length(100 + 30*r.NormFloat64()), Y: vg.Length(100 + 30*r.NormFloat64())})
	}
	lonely := vg.Point{X: 400, Y: 5}
	pts = append(pts, lonely)
	dots := thin(pts, 1)
	count, kept := 0, false
	for _, d := range dots {
		count += d.count
		kept = kept || d.at == lonely
	}
	if count != len(pts) || len(dots) > maxDots || !kept {
		t.Errorf("%d dots stand for %d of %d points, outlier kept: %v", len(dots), count, len(pts), kept)
	}
	few := []vg.Point{{X: 1, Y: 1}, {X: 50, Y: 1}, {X: 1, Y: 50}}
	if got := thin(few, 1.5); len(got) != 3 {
		t.Errorf("three distant points make %d dots", len(got))
	}
	if got := thin(nil, 1); len(got) != 0 {
		t.Errorf("no points make %d dots", len(got))
	}
}

func TestStepsAreTheFront(t *testing.T) {
	pts := []Point{{X: 3, Y: 5}, {X: 1, Y: 1}, {X: 2, Y: 4}, {X: 2, Y: 3}, {X: 4, Y: 5}, {X: 2.5, Y: 2}}
	for _, tc := range []struct {
		x, y Axis
		want []Point
	}{
		{Axis{}, Axis{Maximize: true}, []Point{{X: 1, Y: 1}, {X: 2, Y: 4}, {X: 3, Y: 5}}},
		{Axis{}, Axis{}, []Point{{X: 1, Y: 1}}},
		{Axis{Maximize: true}, Axis{Maximize: true}, []Point{{X: 4, Y: 5}}},
		{Axis{Maximize: true}, Axis{}, []Point{{X: 4, Y: 5}, {X: 2.5, Y: 2}, {X: 1, Y: 1}}},
	} {
		if got := (Fronts{X: tc.x, Y: tc.y}).steps(pts); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("steps with %+v, %+v = %v, want %v", tc.x, tc.y, got, tc.want)
		}
	}
}

func TestStaircase(t *testing.T) {
	canvas := vg.Rectangle{Max: vg.Point{X: 10, Y: 10}}
	at := func(v XY) vg.Point { return vg.Point{X: vg.Length(v.X), Y: vg.Length(v.Y)} }
	got := Fronts{Y: Axis{Maximize: true}}.staircase([]Point{{X: 2, Y: 3}, {X: 5, Y: 7}}, at, canvas)
	want := []vg.Point{{X: 2, Y: 0}, {X: 2, Y: 3}, {X: 5, Y: 3}, {X: 5, Y: 7}, {X: 10, Y: 7}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("staircase = %v, want %v", got, want)
	}
}

// Every label of the made-up front has a place of its own inside the frame.
func TestLabelsDoNotOverlap(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	bounds := vg.Rectangle{Max: vg.Point{X: 600, Y: 350}}
	sty := textStyle(labelSize, ink, regular)
	for round := range 20 {
		var ls []label
		for i := range 24 {
			// Three families along a curve, every other pair nearly in one place.
			x := vg.Length(25*(i/2)) + vg.Length(4*r.Float64()) + 20
			ls = append(ls, label{fmt.Sprintf("%.2f", r.Float64()), sty,
				vg.Point{X: x, Y: 40 + x*0.4 + vg.Length(15*r.Float64())}, referenceRadius})
		}
		got := placeLabels(ls, nil, bounds)
		for i := range got {
			if outside(got[i].box, bounds) > 0 {
				t.Errorf("round %d: label %d leaves the frame: %v", round, i, got[i].box)
			}
			for j := range i {
				if o := overlap(got[i].box, got[j].box); o > 0 {
					t.Errorf("round %d: labels %d and %d overlap by %.1f", round, i, j, o)
				}
			}
		}
	}
}

func TestTicks(t *testing.T) {
	labels := func(ticks []string) string { return strings.Join(ticks, " ") }
	linear := func(lo, hi float64) string {
		var s []string
		for _, k := range (linearTicks{}).Ticks(lo, hi) {
			s = append(s, k.Label)
		}
		return labels(s)
	}
	whole := func(lo, hi float64) string {
		var s []string
		for _, k := range (linearTicks{whole: true}).Ticks(lo, hi) {
			s = append(s, k.Label)
		}
		return labels(s)
	}
	log := func(lo, hi float64) string {
		var s []string
		for _, k := range (logTicks{}).Ticks(lo, hi) {
			if k.Label != "" {
				s = append(s, k.Label)
			}
		}
		return labels(s)
	}
	for _, tc := range []struct{ got, want string }{
		{linear(0, 10), "0 2 4 6 8 10"},
		{linear(-0.25, 1.02), "-0.2 0.0 0.2 0.4 0.6 0.8 1.0"},
		{linear(0, 4240), "0 1,000 2,000 3,000 4,000"},
		{linear(0.013, 0.021), "0.014 0.016 0.018 0.020"},
		{log(1.8, 27), "2 5 10 20"},
		{log(0.022, 0.136), "0.03 0.05 0.07 0.1"},
		{log(0.3, 900), "1 10 100"},
		{log(4e5, 3e6), "0.5 M 0.7 M 1 M 2 M 3 M"},
		{log(1.13, 1.17), "1.13 1.14 1.15 1.16 1.17"},
		{linear(0, 3.1e6), "0 0.5 M 1 M 1.5 M 2 M 2.5 M 3 M"},
		{whole(0, 1.06), "0 1"},
	} {
		if tc.got != tc.want {
			t.Errorf("ticks %q, want %q", tc.got, tc.want)
		}
	}
	for v, want := range map[float64]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999",
	} {
		if got := groupThousands(v); got != want {
			t.Errorf("thousands(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestBadData(t *testing.T) {
	nan := math.NaN()
	for name, f := range map[string]Figure{
		"fronts":    Fronts{Series: []Series{{Infeasible: []XY{{1, 2}}, Trials: []XY{{nan, 1}}}}},
		"log":       Fronts{X: Axis{Log: true}, Series: []Series{{Trials: []XY{{0, 1}, {-1, 1}}}}},
		"growth":    Growth{Series: []GrowthSeries{{Name: "empty"}}},
		"agreement": Agreement{Series: []AgreementSeries{{Points: []Prediction{{Measured: 0, Predicted: 1}}}}},
		"breakdown": Breakdown{Rows: []Bar{{Label: "x"}}},
		"shares":    Shares{},
		"genes":     Importance{},
		"roofline": Roofline{Peak: 1, Slopes: []Slope{{"", 1}}, Points: []RooflinePoint{
			{Kind: "pointwise", Rate: 1}, {Kind: "pointwise", Intensity: math.Inf(1), Rate: 1}, {Kind: "pointwise", Intensity: nan, Rate: 1},
		}},
	} {
		if err := Encode(&bytes.Buffer{}, "svg", f); err == nil || !strings.HasPrefix(err.Error(), "report: there is no") {
			t.Errorf("%s without data: %v", name, err)
		}
	}
	// What can be drawn is drawn.
	odd := Fronts{X: Axis{Log: true}, Constraints: []Constraint{{Value: -5}, {OnY: true, Value: nan}}, Series: []Series{{
		Trials: []XY{{1, 2}, {math.Inf(1), 3}, {2, nan}}, Front: []Point{{X: 1, Y: 2, XLow: -1, XHigh: 3}},
	}}, References: []Reference{{Label: "<&\"'>", Point: Point{X: 3, Y: 3}}}}
	for _, format := range formats {
		if b := encode(t, format, odd); bytes.Contains(b, []byte("NaN")) || len(b) == 0 {
			t.Errorf("%s holds NaN", format)
		}
	}
}

func TestSave(t *testing.T) {
	f := madeUpFronts(10)
	path := filepath.Join(t.TempDir(), "front.SVG")
	if err := Save(path, f); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(b, []byte("<?xml")) || !bytes.Contains(b, []byte("Arial")) {
		t.Errorf("no SVG: %v", err)
	}
	if err := Save("front.gif", f); err == nil || !strings.Contains(err.Error(), ".svg, .png, .pdf") {
		t.Errorf("front.gif: %v", err)
	}
	if err := Save(filepath.Join(t.TempDir(), "new", "front.png"), f); err != nil {
		t.Errorf("the directory is not made: %v", err)
	}
	if err := Save(filepath.Join(path, "front.png"), f); err == nil {
		t.Error("a file for a directory gives no error")
	}
}

func TestPDFTextIsWindows1252(t *testing.T) {
	// The page's stream is compressed; the same characters in the title must
	// make the same file as their Windows-1252 bytes would, which "?" does not.
	a, b := madeUpFronts(10), madeUpFronts(10)
	a.Title, b.Title = "±10 %", "?10 %"
	if bytes.Equal(encode(t, "pdf", a), encode(t, "pdf", b)) {
		t.Error("± became ?")
	}
}

func TestVerdict(t *testing.T) {
	f := Fronts{X: Axis{Name: "latency"}, Y: Axis{Maximize: true},
		Series: []Series{{Front: []Point{{X: 2, Y: 5}, {X: 4, Y: 8}, {X: 3, Y: 5}}}}}
	if got := f.Verdict(); got != "" {
		t.Errorf("without references: %q", got)
	}
	f.References = []Reference{
		{Group: "A", Label: "1", Point: Point{X: 5, Y: 7}}, // dominated by (4, 8)
		{Group: "A", Label: "2", Point: Point{X: 3, Y: 6}}, // not: (4, 8) is slower
		{Label: "B", Point: Point{X: 1, Y: 1}},             // not: faster than all
		{Label: "C", Point: Point{X: 9, Y: 9}},             // out of reach
		{Label: "D", Point: Point{X: 2, Y: 5}},             // equal is not dominated
		{Label: "E", Point: Point{X: 2, Y: 4.5, XLow: 1}},  // equal in x, worse in y
	}
	want := "By these measures the front dominates 2 of 6 reference networks; A 1 is matched with 20 % less latency"
	if got := f.Verdict(); got != want {
		t.Errorf("Verdict() = %q, want %q", got, want)
	}
	f.References[0].X = 2
	if got := f.Verdict(); !strings.HasSuffix(got, "A 1 is matched with 100 % more latency") {
		t.Errorf("Verdict() = %q", got)
	}
	f.References = f.References[:1]
	if got := f.Verdict(); !strings.Contains(got, "dominates 0 of 1") || !strings.Contains(got, "More evaluations") {
		t.Errorf("Verdict() = %q, want what may help", got)
	}
	// A space of tiny networks: none dominated says nothing.
	f.References = []Reference{{Group: "A", Label: "2", Point: Point{X: 3, Y: 11.5}},
		{Group: "A", Label: "1", Point: Point{X: 5, Y: 9.25}}}
	want = "The reference networks are out of this space's reach: A 1, the nearest, has 9.25, the best here 8. " +
		"More depth or channels, or wider limits, would let it compete"
	if got := f.Verdict(); got != want {
		t.Errorf("Verdict() = %q, want %q", got, want)
	}
	f.Y.Unit = "%"
	if got := f.Verdict(); !strings.Contains(got, "has 9.2 %, the best here 8.0 %") {
		t.Errorf("Verdict() = %q, want per cent", got)
	}
	// Of a cost, a larger network has more: that is no advice.
	f.Y.Maximize, f.References = false, []Reference{{Label: "B", Point: Point{X: 3, Y: 0.5}}}
	want = "The reference networks are out of this space's reach: B, the nearest, has 0.5 %"
	if got := f.Verdict(); !strings.HasPrefix(got, want) || strings.Contains(got, "depth") {
		t.Errorf("Verdict() = %q, want no more depth or channels", got)
	}
}

func TestSharesOfGenes(t *testing.T) {
	s, err := space.New(space.Spec{Input: []int{32, 32, 3}, Classes: 10, Stage: []space.StageSpec{{
		Channels: space.Ints{16}, Depth: space.Ints{1, 2}, Kernel: space.Kernels{3, 5},
		Activation: space.Strings{"relu6", "hswish"}, Per: "block"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var front []space.Genes
	for len(front) < 50 {
		g := s.Sample(r)
		if a := s.Arch(g); len(a.Stages[0]) == 1 && a.Stages[0][0].Kernel == 5 {
			front = append(front, g)
		}
	}
	got := SharesOfGenes(s, front, 400, func(key string) bool { return key == "activation" })
	for _, g := range got {
		fs, ss := 0.0, 0.0
		for _, c := range g.Choices {
			fs, ss = fs+c.Front, ss+c.Space
			want := map[string]float64{"depth 1": 100, "depth 2": 0, "kernel 5": 100, "kernel 3": 0}
			if w, ok := want[g.Name+" "+c.Label]; ok && c.Front != w {
				t.Errorf("%s %s: %v %% of the front, want %v", g.Name, c.Label, c.Front, w)
			}
			if c.Space < 35 || c.Space > 65 {
				t.Errorf("%s %s: %v %% of the space, want about half", g.Name, c.Label, c.Space)
			}
		}
		if math.Abs(fs-100) > 1e-9 || math.Abs(ss-100) > 1e-9 {
			t.Errorf("%s: shares add up to %v and %v", g.Name, fs, ss)
		}
		if g.Blind != (g.Name == "activation") {
			t.Errorf("%s: blind %v", g.Name, g.Blind)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d genes, want 3", len(got))
	}
}

// A PDF's label grounds are paper seen through, not grey.
func TestTranslucentPaperStaysWhite(t *testing.T) {
	n := translucent(paper, 0xC8)
	if r, g, b, a := straight(n).RGBA(); r != 0xFFFF || g != 0xFFFF || b != 0xFFFF || a != 0xC8C8 {
		t.Errorf("translucent paper goes to a PDF as %x %x %x, opacity %x", r, g, b, a)
	}
}

// Six entries, as the front of a run with the classics has, take one row; eight do not.
func TestLegendRows(t *testing.T) {
	p := &layout{}
	add := func(names ...string) {
		for _, n := range names {
			p.legend = append(p.legend, legendEntry{n, func(*draw.Canvas, vg.Rectangle) {}})
		}
	}
	rows := func() int {
		c := draw.NewCanvas(vgimg.New(9.6*vg.Inch, 6.4*vg.Inch), 9.6*vg.Inch, 6.4*vg.Inch)
		c = draw.Crop(c, margin, -margin, margin, -margin)
		top := c.Max.Y
		p.drawLegend(&c)
		return int((top - c.Max.Y - 8) / (1.5 * legendSize))
	}
	add("front (258)", "tried (4,000)", "MobileNetV1", "MobileNetV2", "MobileNetV3-Large", "MobileNetV3-Small")
	if got := rows(); got != 1 {
		t.Errorf("six entries take %d rows", got)
	}
	add("infeasible (12,345)", "another")
	if got := rows(); got != 2 {
		t.Errorf("eight entries take %d rows", got)
	}
}

// A block that runs within the kernel of another says of which.
func TestRunsWith(t *testing.T) {
	cost := []Part{{"pointwise", 1}}
	d := Diagram{Rows: []DiagramRow{
		{Name: "first"}, {Name: "stem", Parts: cost}, {Name: "1.1"}, {Name: "1.2"}, {Name: "2.1", Parts: cost}, {Name: "2.2"},
	}}
	for i, want := range map[int]string{
		0: "runs with the next", 2: "runs with stem", 3: "runs with stem", 5: "runs with 2.1",
	} {
		if got := d.host(i); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
}
