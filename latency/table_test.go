package latency

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

func TestTableOfUnits(t *testing.T) {
	f := latencytest.NewSimulated(1, 0, 0)
	var b strings.Builder
	b.WriteString("ms,unit,remark\n")
	seen := map[engine.Unit]bool{}
	for _, n := range latencytest.Networks(t, 50, 8) {
		calls, _ := timing.Device{Cut: timing.CutOps, Target: f.Device().Target}.Calls(n)
		for _, c := range calls {
			if !seen[c.Unit] {
				seen[c.Unit] = true
				fmt.Fprintf(&b, "%g,%s,x\n", f.TrueMs(&c.Unit), c.Unit.Key())
			}
		}
	}
	o := TableOptions{Device: timing.Device{CPU: "Some", Target: f.Device().Target}, Source: "a test"}
	p, err := FromTable(strings.NewReader(b.String()), "t.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Units) != len(seen) || p.Calibration.Source != "a test" || len(p.Warnings) == 0 {
		t.Errorf("%d units of %d, %+v", len(p.Units), len(seen), p.Calibration)
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	n := latencytest.Networks(t, 50, 1)[0]
	e, err := r.Predict(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range e.Kernels {
		if want := f.TrueMs(&k.Unit) * float64(k.Count); k.Source != "table" || math.Abs(k.Ms/want-1) > 1e-5 {
			t.Errorf("%s: %g ms from %s, the table says %g", k.Shape, k.Ms, k.Source, want)
		}
	}
}

func TestTableOfBlocks(t *testing.T) {
	var b strings.Builder
	b.WriteString("device,h_in,c_in,c_out,stride,kernel,expansion,ms\n")
	for _, c := range []int{16, 24, 32, 64} {
		for _, k := range []int{3, 5} {
			for _, e := range []int{1, 3, 6} {
				fmt.Fprintf(&b, "a,28,%d,%d,1,%d,%d,%g\nb,28,8,8,1,3,1,9\n", c, c, k, e, float64(784*c*e*(2*c+k*k))/1e6)
			}
		}
	}
	p, err := FromTable(strings.NewReader(b.String()), "t.csv", TableOptions{Only: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Units) != 24 {
		t.Errorf("%d units, want 24", len(p.Units))
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	nb := blocks.NewBuilder("one block", blocks.Shape{H: 28, W: 28, C: 32})
	nb.Mark(1, 1)
	blocks.InvertedResidual{Out: 32, Kernel: 5, Expanded: 96, Act: blocks.ReLU}.Build(nb, nb.Input())
	n, err := nb.Network()
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Predict(n)
	if err != nil {
		t.Fatal(err)
	}
	want := float64(784*96*(64+25)) / 1e6
	if len(e.Kernels) != 1 || e.Kernels[0].Source != "table" || math.Abs(e.LatencyMs-want) > 1e-9 {
		t.Errorf("%+v, the table says %g ms", e, want)
	}
	size := blocks.Shape{H: 112, W: 112, C: 512}
	big := engine.Unit{
		Name: "block", In: size, Out: size, Kernel: [2]int{5, 5}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		Pad: [2]int{2, 2}, Groups: 1, Mid: 1536, MidAct: blocks.ReLU, DWAct: blocks.ReLU, Residual: true, Batch: 1,
	}
	if e := r.PredictCalls([]engine.Call{{Unit: big}}); !strings.Contains(strings.Join(e.Warnings, "\n"), "outside") {
		t.Errorf("a block far outside of the table: warnings %q", e.Warnings)
	}
}

func TestTableOfNetworks(t *testing.T) {
	f := slowerDepthwise(12)
	ms := measuredBy(t, f, 60, 20)
	by := map[string]*blocks.Network{}
	text := "network,ms\n"
	for _, m := range ms {
		by[m.Network.Name] = m.Network
		text += fmt.Sprintf("%s,%g\n", m.Network.Name, m.Ms)
	}
	p, err := FromTable(strings.NewReader(text), "n.csv", TableOptions{
		Base:    simulatedProfile(t),
		Network: func(s string) (*blocks.Network, error) { return by[s], nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := judge(t, p, measuredBy(t, f, 61, 30)); v.MAPEPct > 5 {
		t.Errorf("error %.1f %%", v.MAPEPct)
	}
}

func TestTableRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "header"},
		{"a,b\n", `column "ms" is missing`},
		{"a,ms\n", "want columns"},
		{"unit,ms\nconv 1x1,2\n", "line 2"},
		{"unit,ms\nadd 8x8x16>8x8x16,0\n", "line 2"},
		{"unit,ms\nadd 8x8x16>8x8x16,NaN\n", "want a number"},
		{"h_in,c_in,c_out,stride,kernel,expansion,ms\n8,0,8,1,3,x,1\n", "line 2, column 2: c_in"},
		{"network,ms\nv2,1\n", "not understood"},
		{"unit,ms\n", "no rows"},
		{"unit,ms\nadd 8x8x16>8x8x16\n", "line 2 ends before the column ms"},
		{"network,ms\n\"a\"b,1\n", "line 2, character 3"},
	} {
		_, err := FromTable(strings.NewReader(c.text), "t.csv", TableOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "t.csv") {
			t.Errorf("%q: error %v, want %q and the name", c.text, err, c.want)
		}
	}
}
