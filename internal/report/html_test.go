package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/latency"
)

// madeUpPage is a report of n trials with archs as long as real ones.
func madeUpPage(n int) Page {
	f, others := madeUpFronts(n), figures()
	diagram := others["diagram"].(Diagram)
	p := Page{Fronts: f, Dir: "results/<made up>", Device: "nas kernels on nothing, 1 thread", Facts: [][2]string{{"seed", "1"}, {"odd", `</script><b>"&`}},
		Blind: []string{"SE", "activation"}, Figures: []Figure{others["growth"]}}
	p.Fronts.Series = nil
	add := func(x, y float64, ok bool) {
		i := p.Trials.Len()
		arch := "224x224x3 | conv_k3_s2_c16_relu6 |"
		for b := range 20 {
			arch += fmt.Sprintf(" mbconv_k%d_s1_x%d_c%d_hswish_se%d:relu:hsigmoid_res", 3+2*((i+b)%3), 96+8*((i*7+b)%40), 16+8*b, 8+8*((i+b)%5))
		}
		p.Trials.Add(i, fmt.Appendf(nil, "%012x", i), []byte(arch+" | classifier_c1280_relu6_n1000"), XY{x, y}, int64(1e6+i), int64(1e8+i), ok)
	}
	for _, m := range f.Series[0].Front {
		p.Members = append(p.Members, PageMember{Trial: p.Trials.Len(), XLow: m.XLow, XHigh: m.XHigh, YLow: m.Y - 0.02, YHigh: m.Y + 0.02, PageNetwork: PageNetwork{diagram,
			[]PageLayer{{"stem.conv", "conv", "3x3, stride 2", "112x112x16", 432, 5419008}, {"fc", "linear", "", "1x1x1000", 1281000, 1280000}}}})
		add(m.X, m.Y, true)
	}
	for _, t := range f.Series[0].Trials {
		add(t.X, t.Y, true)
	}
	for _, t := range f.Series[0].Infeasible {
		add(t.X, t.Y, false)
	}
	return p
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
