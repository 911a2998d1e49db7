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

// tableOfBlocks is a table of 128 blocks whose times are their multiply-accumulates; edit may change the lines.
func tableOfBlocks(edit func(lines []string)) string {
	lines := []string{"h_in,c_in,c_out,stride,kernel,expansion,ms"}
	for _, h := range []int{14, 28, 56, 112} {
		for _, c := range []int{16, 24, 32, 64} {
			for _, k := range []int{3, 5} {
				for _, e := range []int{3, 6} {
					for _, s := range []int{1, 2} {
						macs := h*h*c*c*e + h*h/s/s*c*e*(k*k+c)
						lines = append(lines, fmt.Sprintf("%d,%d,%d,%d,%d,%d,%g", h, c, c, s, k, e, float64(macs)/1e6))
					}
				}
			}
		}
	}
	if edit != nil {
		edit(lines)
	}
	return strings.Join(lines, "\n")
}

// predictedMs is the time of a block that the table has not, by the profile of a table.
func predictedMs(t *testing.T, table string) (ms float64, warnings string) {
	t.Helper()
	p, err := FromTable(strings.NewReader(table), "t.csv", TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	in := blocks.Shape{H: 40, W: 40, C: 24}
	u := engine.Unit{
		Name: "block", In: in, Out: in, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		Pad: [2]int{1, 1}, Groups: 1, Mid: 72, MidAct: blocks.ReLU, DWAct: blocks.ReLU, Residual: true, Batch: 1,
	}
	return r.PredictCalls([]engine.Call{{Unit: u}}).LatencyMs, strings.Join(p.Warnings, "\n")
}

// A slip in a table is told by its line, and moves no other block.
func TestTableStrays(t *testing.T) {
	want, warnings := predictedMs(t, tableOfBlocks(nil))
	if strings.Contains(warnings, "left out") {
		t.Errorf("a table without slips: %s", warnings)
	}
	for _, slips := range []map[int]string{
		{20: "e3"}, {1: "e3", 2: "e3"}, {128: "e-3"}, {60: "e-3", 61: "e3", 90: "e1"},
	} {
		ms, warnings := predictedMs(t, tableOfBlocks(func(lines []string) {
			for i, factor := range slips {
				lines[i] += factor
			}
		}))
		if math.Abs(ms/want-1) > 0.03 {
			t.Errorf("%v: %g ms, without the slips %g", slips, ms, want)
		}
		for i := range slips {
			if line := fmt.Sprintf("t.csv line %d:", i+1); !strings.Contains(warnings, line) {
				t.Errorf("%v: no word of %s in %s", slips, line, warnings)
			}
		}
		if n := strings.Count(warnings, "left out"); n != len(slips) {
			t.Errorf("%v: %d rows are left out: %s", slips, n, warnings)
		}
	}
}

// Without a column that says so, a block of expansion 1 begins with the depthwise convolution, unless the table has
// groups; its time is kept however odd it is, since no other block is like it.
func TestTableOfExpansion1(t *testing.T) {
	b := blocks.NewBuilder("one block", blocks.Shape{H: 112, W: 112, C: 32})
	b.Mark(1, 1)
	x := blocks.ConvBNAct{Out: 32, Kernel: 3, Groups: blocks.Depthwise, Act: blocks.ReLU}.Build(b, b.Input())
	blocks.ConvBNAct{Out: 16}.Build(b, x)
	ds, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		head, row string
		table     bool
		warning   string
	}{
		{"", "112,32,16,1,3,1,9.9", true, "line 130: a block of expansion 1 is read without a first 1x1 convolution"},
		{",expand_conv", "112,32,16,1,3,1,9.9,false", true, ""},
		{",expand_conv", "112,32,16,1,3,1,9.9,true", false, ""},
		{",groups", "112,32,16,1,3,1,9.9,1", false, "is read with a first 1x1 convolution"},
	} {
		p, err := FromTable(strings.NewReader(tableOfBlocks(func(lines []string) {
			values := map[string]string{",groups": ",1", ",expand_conv": ","}
			for i := range lines[1:] {
				lines[i+1] += values[c.head]
			}
			lines[0] += c.head
			lines[len(lines)-1] += "\n" + c.row
		})), "t.csv", TableOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Predictor()
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Predict(ds)
		if err != nil {
			t.Fatal(err)
		}
		if (e.Kernels[0].Source == "table") != c.table || c.table && math.Abs(e.LatencyMs-9.9) > 1e-9 {
			t.Errorf("%s: %g ms from %s", c.row, e.LatencyMs, e.Kernels[0].Source)
		}
		warnings := strings.Join(p.Warnings, "\n")
		if !strings.Contains(warnings, c.warning) || c.warning == "" && strings.Contains(warnings, "expansion 1") {
			t.Errorf("%s: warnings %s", c.row, warnings)
		}
	}
	_, err = FromTable(strings.NewReader("h_in,c_in,c_out,stride,kernel,expansion,expand_conv,ms\n8,8,8,1,3,6,false,1\n"),
		"t.csv", TableOptions{})
	if err == nil || !strings.Contains(err.Error(), "true where expansion is not 1") {
		t.Errorf("expansion 6 without its convolution: %v", err)
	}
}
