package tflite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/quant"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// sameAsModel quantises n both ways and wants the same outputs, bit for bit.
func sameAsModel(t *testing.T, n *blocks.Network, o QuantizeOptions) *quant.Network {
	t.Helper()
	w := blocks.NewWeights(n, o.Seed)
	if err := engine.CalibrateBN(n, w, o.Seed); err != nil {
		t.Fatal(err)
	}
	o.Run = engine.Activations
	m, err := Quantize(n, w, o)
	if err != nil {
		t.Fatal(err)
	}
	q, err := QuantizeNetwork(n, w, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, nd := range q.Nodes {
		if nd.Float {
			t.Errorf("%s: node %q is computed in float32", n.Name, q.Net.Nodes[i].Name)
		}
	}
	for _, image := range normalImages(n.Input(), 2) {
		want, err := m.Run(image)
		if err != nil {
			t.Fatal(err)
		}
		got, err := q.Run(image)
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if !slices.Equal(got[k], want[k]) {
				t.Fatalf("%s: output %d is not that of the operators", n.Name, k)
			}
			if slices.Max(want[k]) == slices.Min(want[k]) {
				t.Fatalf("%s: all values of output %d are one, which compares nothing", n.Name, k)
			}
		}
	}
	return q
}

var tinyZoo = []string{
	"mobilenet_v1@res=32,width=0.25", "mobilenet_v2@res=32,width=0.35", "mobilenet_v3_small@res=32", "ds_cnn",
	"mobilenet_v4_conv_small@res=32", "pp_lcnet@res=32,width=0.25", "mnasnet_a1@res=32", "efficientnet_b0@res=32",
	"shufflenet_v2@res=32,width=0.5", "squeezenet_1_1@res=48",
	"inception_v3@res=75", "fast_scnn@res=64", "deeplabv3_mobilenet_v2@res=65,width=0.35", "lraspp_mobilenet_v3_large@res=64",
}

func TestNetworkIsTheModel(t *testing.T) {
	for i, name := range tinyZoo {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && i%3 != 0 {
				t.Skip("skipped: -short takes a third of the zoo")
			}
			n, err := zoo.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			sameAsModel(t, n, QuantizeOptions{Seed: uint64(i), PerTensor: i%3 == 1, Equalize: i%3 == 2})
		})
	}
}

// TestSampledNetworkIsTheModel takes networks of two spaces.
func TestSampledNetworkIsTheModel(t *testing.T) {
	for _, name := range []string{"mobile", "mcu"} {
		c, err := config.Load(filepath.Join("../../configs", name+".toml"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := space.New(c.Space)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(51, 52))
		count := 6
		if testing.Short() {
			count = 2
		}
		for i := range count {
			a := s.Arch(s.Sample(r))
			if name == "mobile" {
				a.Input.H, a.Input.W = 48, 48
			}
			n, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			n.Name = fmt.Sprintf("%s, sample %d", name, i)
			sameAsModel(t, n, QuantizeOptions{Seed: uint64(i), PerTensor: i%2 == 1})
		}
	}
}
