package explain

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/zoo"
	"nas/latency"
	"nas/latency/timing"
)

// gated is a network of one block with squeeze-and-excite, whose kernels are known.
func gated(t *testing.T) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("gated", blocks.Shape{H: 32, W: 32, C: 3})
	x := blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	b.Mark(1, 1)
	block := blocks.InvertedResidual{
		Out: 16, Kernel: 3, Stride: 1, Expanded: 64, SE: &blocks.SqueezeExcite{Hidden: 16}, Act: blocks.ReLU6,
	}
	x = block.Build(b, x)
	b.Mark(2, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("out", &blocks.Linear{Out: 10, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tableProfile is the profile of a device on which each kernel of the networks takes what ms says, exactly, and a
// network the sum.
func tableProfile(t *testing.T, ms func(unit string) float64, ns ...*blocks.Network) *latency.Profile {
	t.Helper()
	p := &latency.Profile{
		Device: timing.Device{
			Name: "table", CPU: "none", Runtime: "a table", Threads: 1, Cut: timing.CutOps, Target: timing.PhoneTarget(1),
		},
		Network: &latency.NetworkModel{
			Weights: make([]float64, 4), Mean: make([]float64, 4), Floor: 0.02, Quantile: 2, HeldOut: 99,
		},
	}
	seen := map[string]bool{}
	for _, n := range ns {
		calls, err := p.Device.Calls(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			if key := c.Unit.Key(); !seen[key] {
				seen[key] = true
				p.Units = append(p.Units, latency.UnitTime{Unit: c.Unit, Ms: ms(key)})
			}
		}
	}
	return p
}

func explanation(t *testing.T, o Options) *Explanation {
	t.Helper()
	x, err := Explain(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestKnownCostOfSE: the four kernels of a gate take 1 ms each and all others 10. A block without the gate takes 4 ms
// less, with certainty as far as kernels go.
func TestKnownCostOfSE(t *testing.T) {
	n := gated(t)
	gate := []string{"globalavg 16x16x64", "conv 1x1x64>1x1x16", "conv 1x1x16>1x1x64", "scale "}
	p := tableProfile(t, func(unit string) float64 {
		if slices.ContainsFunc(gate, func(s string) bool { return strings.HasPrefix(unit, s) }) {
			return 1
		}
		return 10
	}, n)
	x := explanation(t, Options{Name: "gated", Network: n, Profile: p})
	k := slices.IndexFunc(x.Edits, func(c Change) bool { return c.Name == "se@1" })
	if k < 0 {
		t.Fatalf("no edit removes the gate: %+v", x.Edits)
	}
	if g := x.Edits[k].Gain; math.Abs(g.Ms-4) > 1e-9 || g.LowMs < 3.5 || g.HighMs > 4.5 {
		t.Errorf("without the gate the network is predicted to win %+v, want 4 ms", g)
	}
	if x.Accuracy != nil || !strings.Contains(strings.Join(x.editSheet(0).Lines, " "), "not estimated") {
		t.Error("without an estimator the text says that accuracy is not estimated")
	}
}

// TestPartsAddUp wants blocks, operators, bounds and calls each to add up to the latency.
func TestPartsAddUp(t *testing.T) {
	p, err := latency.Load("pixel4")
	if err != nil {
		t.Fatal(err)
	}
	n, err := zoo.Get("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	x := explanation(t, Options{Name: n.Name, Network: n, Profile: p})
	sums := map[string]float64{}
	for _, b := range x.Blocks {
		sums["blocks"] += b.Ms
	}
	for _, o := range x.Operators {
		sums["operators"] += o.Ms
	}
	for _, b := range x.Bounds {
		sums["bounds"] += b.Ms
	}
	for _, c := range x.Calls {
		sums["calls"] += c.Ms
		if c.LowMs > c.Ms || c.HighMs < c.Ms || c.Bound == "" || c.Place == "" {
			t.Errorf("%+v is no part of a latency", c)
		}
	}
	for what, sum := range sums {
		if math.Abs(sum/x.Ms-1) > 1e-9 {
			t.Errorf("the %s add up to %g ms, the network takes %g", what, sum, x.Ms)
		}
	}
	if len(sums) != 4 {
		t.Errorf("only %v have parts", sums)
	}
}

// TestRanking wants the edits in the order that the text promises, and no part of a better edit among them.
func TestRanking(t *testing.T) {
	p, err := latency.Load("pixel4")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mobilenet_v3_large", "deeplabv3_mobilenet_v2"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := accuracy.NewImageNet("")
		if err != nil {
			t.Fatal(err)
		}
		x := explanation(t, Options{Name: n.Name, Network: n, Profile: p, Estimator: e})
		if len(x.Edits) < 5 {
			t.Fatalf("%s has %d edits only", name, len(x.Edits))
		}
		for i, c := range x.Edits {
			if c.ID != i+1 || c.Gain.Ms < leastGain*x.Ms {
				t.Errorf("%s: edit %d has number %d and wins %g of %g ms", name, i+1, c.ID, c.Gain.Ms, x.Ms)
			}
			if x.Accuracy != nil && c.Unseen == "" && math.Abs(c.PerPoint-c.Gain.Ms/max(*c.Points, leastPoints)) > 1e-12 {
				t.Errorf("%s: %s wins %g ms for %g points, and %g for each", name, c.Name, c.Gain.Ms, *c.Points, c.PerPoint)
			}
			for _, before := range x.Edits[:i] {
				if before.PerPoint < c.PerPoint || before.edit.Contains(&c.edit) {
					t.Errorf("%s: %s stands before %s", name, before.Name, c.Name)
				}
			}
		}
		if (x.Accuracy == nil) != (name == "deeplabv3_mobilenet_v2") || (x.Accuracy == nil) != (x.NoAccuracy != "") {
			t.Errorf("%s: accuracy %v, %q", name, x.Accuracy, x.NoAccuracy)
		}
	}
}

// TestBound compares what bounds calls with what the roof says of them.
func TestBound(t *testing.T) {
	r := Roof{GMACs: 10, CacheGB: 40, MemoryGB: 8, L2: 1 << 20}
	for _, c := range []struct {
		macs, bytes int64
		ms          float64
		by          string
		reached     float64
	}{
		{10e6, 1000, 1, boundMACs, 100},            // 1 ms of multiply-adds
		{10e6, 1000, 3, boundMACs, 100. / 3},       //
		{0, 8e6, 2, boundBandwidth, 50},            // 1 ms from memory
		{0, 1 << 20, 0.1, boundBandwidth, 26.2},    // 0.026 ms from the cache
		{1000, 1000, 1, boundOverhead, 0.01},       // neither explains a millisecond
		{10e6, 16e6, 2, boundBandwidth, 100},       // 1 ms of multiply-adds, 2 of memory
		{10e6, 1 << 19, 1.5, boundMACs, 100 / 1.5}, // what the cache holds does not count as memory
	} {
		by, reached := r.bound(&Call{Part: latency.Part{Ms: c.ms}, MACs: c.macs, Bytes: c.bytes})
		if by != c.by || math.Abs(reached-c.reached) > 0.1 {
			t.Errorf("%d multiply-adds and %d bytes in %g ms are bound by %s to %.1f %%, want %s, %.1f", c.macs, c.bytes, c.ms,
				by, reached, c.by, c.reached)
		}
	}
}

// TestMeasuredGain: in every round the machine has another speed, and the edited network takes 0.8 of the time.
func TestMeasuredGain(t *testing.T) {
	x := &Explanation{Edits: make([]Change, 2)}
	times := make([][]float64, 3)
	for round := range 21 {
		speed := 1 + 0.1*float64(round%7)
		times[0] = append(times[0], 10*speed)
		times[1] = append(times[1], 8*speed)
		times[2] = append(times[2], 10*(1+0.1*float64((round+3)%7))) // as fast, in other rounds
	}
	known := x.setMeasured(times)
	g, none := x.Edits[0].Measured, x.Edits[1].Measured
	if math.Abs(g.Ms-0.2*x.Measured.Ms) > 1e-9 || g.LowMs > g.Ms || g.HighMs < g.Ms {
		t.Errorf("the gain is %+v of %+v, want a fifth", g, x.Measured)
	}
	if known || none.LowMs >= 0 || none.HighMs <= 0 {
		t.Errorf("a network that is as fast wins %+v, known: %v", none, known)
	}
}

// TestPage looks for the parts of the page, and for the same bytes of the same explanation.
func TestPage(t *testing.T) {
	p, err := latency.Load("pixel4")
	if err != nil {
		t.Fatal(err)
	}
	n, err := zoo.Get("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	x := explanation(t, Options{Name: "a <b>", Network: n, Profile: p})
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		if err := x.WriteHTML(b, 3); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two pages of one explanation differ")
	}
	page := one.String()
	for _, want := range []string{
		"a &lt;b&gt;", "edits that would pay", "by block", "by operator", "what bounds it", "<svg", x.Edits[0].Name, x.Edits[2].Text,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "a <b>") || strings.Contains(page, x.Edits[3].Name+"<") {
		t.Error("the page has unescaped text or more than 3 edits")
	}
}
