package tflite

import (
	"math/rand/v2"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/zoo"
)

// TestIntegersOfFiles wants of a file's network of integers what the file's own arithmetic gives, to the bit.
func TestIntegersOfFiles(t *testing.T) {
	for k, name := range []string{
		"mobilenet_v1@width=0.25,res=48", "mobilenet_v2@width=0.35,res=48", "mobilenet_v3_small@width=0.5,res=48",
		"shufflenet_v2@width=0.5,res=48", "efficientnet_b0@res=48", "squeezenet_1_1@res=64", "ds_cnn",
		"lraspp_mobilenet_v3_large@res=64", "fast_scnn@res=64", "mobilenet_v4_conv_small@res=64",
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && k%3 != 0 {
				t.Skip("skipped: -short takes a third of the networks")
			}
			n, err := zoo.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Quantize(n, blocks.NewWeights(n, uint64(k)), QuantizeOptions{
				Seed: 3, PerTensor: k%2 == 1, FloatEdges: k%3 == 0,
			})
			if err != nil {
				t.Fatal(err)
			}
			file, err := Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			q, err := Integers(file, onnx.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(uint64(k), 1))
			in := make([]float32, n.Input().Elems())
			for i := range in {
				in[i] = float32(r.NormFloat64())
			}
			want, err := m.Run(in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := q.Run(in)
			if err != nil {
				t.Fatal(err)
			}
			for o := range want {
				for i, v := range want[o] {
					if got[o][i] != v {
						t.Fatalf("output %d, value %d of %d is %v, want %v", o, i, len(want[o]), got[o][i], v)
					}
				}
			}
		})
	}
}
