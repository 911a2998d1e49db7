package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/latency"
)

// The rows of a diagram are the network's blocks, in order, and their costs add
// up to what was predicted.
func TestNetworkDiagram(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_large@res=64")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.Compile(n, engine.Target{ISA: "avx2"}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := latency.Estimate{}
	for _, c := range plan.Kernels() {
		e.Kernels = append(e.Kernels,
			latency.Kernel{Name: c.Unit.Name, Ms: 0.5, Count: 1, Unit: c.Unit, Places: [][2]int{{c.Stage, c.Block}}})
		e.LatencyMs += 0.5
	}
	d := NetworkDiagram(n, e, "a board")
	sum := 0.0
	for _, r := range d.Rows {
		sum += r.total()
	}
	if math.Abs(sum-e.LatencyMs) > 1e-9 || !strings.Contains(d.Subtitle, "a board") {
		t.Errorf("blocks add up to %v of %v ms; %q", sum, e.LatencyMs, d.Subtitle)
	}
	find := func(name string) DiagramRow {
		i := slices.IndexFunc(d.Rows, func(r DiagramRow) bool { return r.Name == name })
		if i < 0 {
			t.Fatalf("no row %q", name)
		}
		return d.Rows[i]
	}
	text := func(r DiagramRow) (s string) {
		for _, o := range r.Ops {
			s += o.Text + "; "
		}
		return s + r.Shape + "; " + r.Acts
	}
	for name, want := range map[string]string{
		"stem": "3x3 /2, 16; 32x32x16; hswish",
		"4.1":  "1x1, 72; dw 5x5 /2; SE 24; 1x1, 40; 8x8x40; relu",
		"4.2":  "1x1, 120; dw 5x5; SE 32; 1x1, 40; 8x8x40; relu",
		"head": "1x1, 960; pool; linear, 1280; linear, 1000; 1x1x1000; hswish",
	} {
		if got := text(find(name)); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if find("4.1").Residual || !find("4.2").Residual || find("4.2").Branched {
		t.Error("residuals are not where they are")
	}
	for _, format := range formats {
		if len(encode(t, format, d)) == 0 {
			t.Error(format)
		}
	}
}

// Without a profile a diagram is to the scale of multiply-accumulates; a block
// with branches is not drawn as a chain, and one with no room for its ops says so.
func TestCountsDiagram(t *testing.T) {
	n, err := zoo.Get("inception_v3@res=171")
	if err != nil {
		t.Fatal(err)
	}
	d := CountsDiagram(n)
	sum, branched := 0.0, 0
	for _, r := range d.Rows {
		sum += r.total()
		if r.Branched {
			branched++
		}
	}
	if want := float64(n.Counts().MACs) / 1e6; math.Abs(sum-want) > 1e-6*want {
		t.Errorf("blocks add up to %v M MACs, want %v", sum, want)
	}
	if branched < 9 {
		t.Errorf("%d blocks with branches, want Inception's", branched)
	}
	if svg := string(encode(t, "svg", d)); !strings.Contains(svg, "more") {
		t.Error("ops that have no room are not counted")
	}
	if _, err := (Diagram{}).layout(); err == nil {
		t.Error("a diagram of nothing gives no error")
	}
}
