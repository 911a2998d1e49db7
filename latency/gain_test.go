package latency_test

import (
	"math"
	"testing"

	"nas/blocks/zoo"
	"nas/latency"
)

// TestGain compares gains with the latencies that they are differences of.
func TestGain(t *testing.T) {
	p, err := latency.Load("pixel4")
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	large, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	small, err := zoo.Get("mobilenet_v2@width=0.75")
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Device.Calls(large)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Device.Calls(small)
	if err != nil {
		t.Fatal(err)
	}
	msA, _, _ := r.Latency(a)
	msB, _, _ := r.Latency(b)
	g := r.Gain(a, b)
	if math.Abs(g.Ms-(msA-msB)) > 1e-9 || g.LowMs >= g.Ms || g.HighMs <= g.Ms {
		t.Errorf("the gain is %+v, the latencies are %g and %g ms", g, msA, msB)
	}
	if back := r.Gain(b, a); math.Abs(back.Ms+g.Ms) > 1e-9 {
		t.Errorf("the way back wins %+v, want the opposite of %+v", back, g)
	}
	if same := r.Gain(a, a); same != (latency.Part{}) {
		t.Errorf("a network wins %+v over itself", same)
	}
	// All but one call in common: the interval is that of one call, not of the network.
	_, low, high := r.Latency(a)
	if one := r.Gain(a, a[:len(a)-1]); one.HighMs-one.LowMs > (high-low)/4 {
		t.Errorf("without its last call the network wins %+v, its own interval is %g to %g", one, low, high)
	}
}
