package proxy

import (
	"math"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

func network(t testing.TB, spec string) *blocks.Network {
	t.Helper()
	n, err := zoo.Get(spec)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compute is that of one network, by the proxy of a name.
func score(t testing.TB, name string, n *blocks.Network, s Settings) float64 {
	t.Helper()
	p, _ := LookUp(name)
	v, err := p.Score(t.Context(), n, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestClosedForms checks the arithmetic proxies on a network small enough to
// count by hand.
func TestClosedForms(t *testing.T) {
	b := blocks.NewBuilder("hand", blocks.Shape{H: 32, W: 32, C: 3})
	stem := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU}
	x := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
	b.Mark(1, 1)
	x = blocks.Named{Name: "block", Block: blocks.DepthwiseSeparable{Out: 16, Kernel: 5, Act: blocks.ReLU}}.Build(b, x)
	b.Mark(2, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 10}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	gain := math.Log(2 / math.Sqrt(math.Pi))
	path := 0.5*math.Log(27*25*8*16) + 4*gain // stem, depthwise, pointwise, linear
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"macs", logMACs(n), math.Log(27*8*256 + 25*8*256 + 8*16*256 + 160)},
		{"params", logParams(n), math.Log(27*8 + 16 + 25*8 + 16 + 8*16 + 32 + 160)},
		{"depth", countDepth(n), 1},
		{"entropy", entropy(n), math.Log(16*16*16) * (math.Log(27) + math.Log(25) + math.Log(8))},
		{"synflow", synFlow(n), path + math.Log(10) + math.Log(4)},
		{"profile", levelProfile(n), math.Log(2) + 0.45 + math.Log(16)/2 + math.Log(32)},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9 {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestSynFlowResidual splits the flow of a residual sum by hand.
func TestSynFlowResidual(t *testing.T) {
	b := blocks.NewBuilder("residual", blocks.Shape{H: 1, W: 1, C: 4})
	y := b.Apply("conv", &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}}, b.Input())
	b.Apply("add", &blocks.Add{}, y, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	v := 2 * 2 / math.Sqrt(math.Pi) // of the convolution's outputs
	// R = 4 (1 + v); the weights carry the share v/(1+v).
	if want := math.Log(4 * v); math.Abs(synFlow(n)-want) > 1e-9 {
		t.Errorf("synflow = %v, want %v", synFlow(n), want)
	}
}
