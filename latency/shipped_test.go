package latency

import (
	"bytes"
	"strings"
	"testing"

	"nas/blocks"
	"nas/latency/latencytest"
)

// fbnet builds a network of FBNet's space as HELP's table names it: 22 digits,
// each a block of the list, between a stem and a head for 32x32 images.
func fbnet(t testing.TB, arch string) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(arch, blocks.Shape{H: 32, W: 32, C: 3})
	x := blocks.ConvBNAct{Out: 16, Kernel: 3, Act: blocks.ReLU}.Build(b, b.Input())
	places := []struct{ n, channels, stride int }{
		{1, 16, 1}, {4, 24, 1}, {4, 32, 2}, {4, 64, 2}, {4, 112, 1}, {4, 184, 2}, {1, 352, 1},
	}
	i := 0
	for stage, p := range places {
		for k := range p.n {
			stride := p.stride
			if k > 0 {
				stride = 1
			}
			b.Mark(stage+1, k+1)
			op := int(arch[i] - '0')
			i++
			in := b.Shape(x).C
			switch same := stride == 1 && in == p.channels; {
			case op == 8 && same:
			case op == 8:
				x = blocks.ConvBNAct{Out: p.channels, Stride: stride, Act: blocks.ReLU}.Build(b, x)
			default:
				groups := 1 + op%4%2*(1-op%4/2) // k3_e1, k3_e1_g2, k3_e3, k3_e6, then k5
				from := x
				mid := in * []int{1, 1, 3, 6}[op%4]
				x = blocks.ConvBNAct{Out: mid, Groups: groups, Act: blocks.ReLU}.Build(b, x)
				x = blocks.ConvBNAct{
					Out: mid, Kernel: 3 + 2*(op/4), Stride: stride, Groups: blocks.Depthwise, Act: blocks.ReLU,
				}.Build(b, x)
				x = blocks.ConvBNAct{Out: p.channels, Groups: groups}.Build(b, x)
				if same {
					x = b.Apply("add", &blocks.Add{}, from, x)
				}
			}
		}
	}
	b.Mark(0, 0)
	x = blocks.ConvBNAct{Out: 1504, Act: blocks.ReLU}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{}, x)
	b.Apply("classes", &blocks.Linear{Out: 100}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestShippedProfiles(t *testing.T) {
	for _, name := range []string{"pixel3-fbnet", "raspi4-fbnet"} {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Units) != 96 || !strings.Contains(p.Calibration.Source, "HELP") || p.Device.Name != name {
			t.Errorf("%s: %d units, source %q", name, len(p.Units), p.Calibration.Source)
		}
		r, err := p.Predictor()
		if err != nil {
			t.Fatal(err)
		}
		in := fbnet(t, "5355047552024513726040")
		e, err := r.Predict(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range e.Kernels {
			if k.Name == "block" && k.Source != "table" {
				t.Errorf("%s: block %s is not in the table", name, k.Shape)
			}
		}
		// What is written and read predicts the same.
		var buf bytes.Buffer
		if err := p.Write(&buf); err != nil {
			t.Fatal(err)
		}
		q, err := Read(&buf, name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := q.Predictor()
		if err != nil {
			t.Fatal(err)
		}
		other := latencytest.Networks(t, 3, 1)[0]
		a, err := r.Predict(other)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Predict(other)
		if err != nil {
			t.Fatal(err)
		}
		if a.LatencyMs != b.LatencyMs || a.LatencyMs <= 0 {
			t.Errorf("%s: %g ms before it was written, %g ms after", name, a.LatencyMs, b.LatencyMs)
		}
		if !strings.Contains(strings.Join(a.Warnings, "\n"), "outside") {
			t.Errorf("%s: a network of another size, no warning: %q", name, a.Warnings)
		}
	}
}
