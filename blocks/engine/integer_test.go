package engine_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/kernels"
	"nas/blocks/onnx"
	"nas/blocks/quant"
	"nas/blocks/tflite"
	"nas/blocks/zoo"
)

// quantised returns a network of integers, with weights and ranges of the seed.
func quantised(t testing.TB, n *blocks.Network, seed uint64) *quant.Network {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	q, err := tflite.QuantizeNetwork(n, w, tflite.QuantizeOptions{Seed: seed, Run: engine.Activations})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// integerTarget is this machine for integers, with a number of threads.
func integerTarget(threads int) engine.Target {
	t := engine.Host(threads)
	t.DType = engine.Int8
	return t
}

// sameAsReference runs a plan of q and wants what the reference gives, to the bit.
func sameAsReference(t *testing.T, q *quant.Network, to engine.Target, batch int, seed uint64) {
	t.Helper()
	p, err := engine.Compile(q.Net, to, engine.Options{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.BindInteger(new(engine.Workspace), q); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 5))
	in, out := make([]float32, p.InLen()), make([]float32, p.OutLen())
	for i := range in {
		in[i] = float32(2 * r.NormFloat64()) // some of them beyond the range
	}
	for range 2 { // memory is used again
		if err := p.Run(out, in); err != nil {
			t.Fatal(err)
		}
	}
	one := len(in) / batch
	var want [][]float32 // of each output, all images
	for k := range batch {
		outs, err := q.Run(in[k*one:][:one])
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = make([][]float32, len(outs))
		}
		for i, o := range outs {
			want[i] = append(want[i], o...)
		}
	}
	flat := slices.Concat(want...)
	if len(flat) != len(out) {
		t.Fatalf("%d values, want %d", len(out), len(flat))
	}
	for i, v := range out {
		if v != flat[i] {
			t.Fatalf("value %d of %d is %v, want %v", i, len(out), v, flat[i])
		}
	}
}

// integerNetworks are small forms of what the engine has integer calls for, and of ops that it has none for.
var integerNetworks = []string{
	"mobilenet_v1@width=0.25,res=64", "mobilenet_v2@width=0.35,res=64", "mobilenet_v3_small@res=64",
	"shufflenet_v2@res=64", "efficientnet_lite0@res=64", "squeezenet_1_1@res=64", "lraspp_mobilenet_v3_large@res=64",
	"fast_scnn@res=64", "mobilenet_v4_conv_small@res=64", "mnasnet_a1@res=64", "ds_cnn", "efficientnet_b0@res=64",
	"inception_v3@res=75", "resnet50@res=64",
}

func TestIntegersAreThoseOfTheReference(t *testing.T) {
	names := integerNetworks
	if testing.Short() {
		names = names[:5]
	}
	for k, name := range names {
		t.Run(name, func(t *testing.T) {
			n, err := zoo.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			q := quantised(t, n, uint64(k))
			sameAsReference(t, q, integerTarget(1), 1, 1)
		})
	}
}

// TestIntegersOfAFile runs the integers of .tflite files, whose activations may move from one grid to another.
func TestIntegersOfAFile(t *testing.T) {
	for k, name := range []string{"mobilenet_v3_small@width=0.5,res=48", "fast_scnn@res=64"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		w := blocks.NewWeights(n, uint64(k))
		m, err := tflite.Quantize(n, w, tflite.QuantizeOptions{Seed: 1, FloatEdges: k == 0})
		if err != nil {
			t.Fatal(err)
		}
		file, err := tflite.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		q, err := tflite.Integers(file, onnx.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sameAsReference(t, q, integerTarget(1), 1, uint64(k))
	}
}

// TestIntegersOnGridsOfTheirOwn gives ops that only move values another grid than their inputs, as files of other
// programs do.
func TestIntegersOnGridsOfTheirOwn(t *testing.T) {
	for k, name := range []string{"shufflenet_v2@width=0.5,res=48", "squeezenet_1_1@res=64", "fast_scnn@res=64"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		q := quantised(t, n, uint64(k))
		moved := 0
		for i := range q.Nodes {
			switch q.Net.Nodes[i].Op.(type) {
			case *blocks.Concat, *blocks.ChannelSlice, *blocks.ChannelShuffle, *blocks.Pool, *blocks.Resize:
				g := &q.Nodes[i].Grid
				g.Scale, g.Zero = g.Scale*(1+float32(i%5)/16), max(-128, min(g.Zero+int32(i%7)-3, 127))
				moved++
			}
		}
		if moved == 0 {
			t.Errorf("%s has no ops that move values", name)
		}
		sameAsReference(t, q, integerTarget(1), 1, uint64(k))
	}
}

// TestIntegersOfThreadsAndBatches wants the same of two threads, of several images, of both, and of a traced run.
func TestIntegersOfThreadsAndBatches(t *testing.T) {
	for k, name := range []string{"mobilenet_v3_small@width=0.5,res=48", "shufflenet_v2@width=0.5,res=48"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		q := quantised(t, n, uint64(k))
		sameAsReference(t, q, integerTarget(2), 1, 2)
		sameAsReference(t, q, integerTarget(1), 3, 3)
		sameAsReference(t, q, integerTarget(2), 3, 4)
	}
}

// TestIntegersOfEveryInstructionSet runs the sets that NAS_KERNELS can force.
func TestIntegersOfEveryInstructionSet(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@width=0.5,res=48")
	if err != nil {
		t.Fatal(err)
	}
	q := quantised(t, n, 9)
	for _, isa := range kernels.Supported() {
		to := integerTarget(1)
		to.ISA = isa
		t.Setenv(kernels.EnvName, isa)
		sameAsReference(t, q, to, 1, 5)
	}
}

func TestIntegersRefuse(t *testing.T) {
	n, err := zoo.Get("mobilenet_v1@width=0.25,res=32")
	if err != nil {
		t.Fatal(err)
	}
	q := quantised(t, n, 1)
	p, err := engine.Compile(q.Net, integerTarget(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(q.Weights); err == nil {
		t.Error("a plan of integers takes weights of float32")
	}
	floats, err := engine.Compile(q.Net, engine.Host(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := floats.BindInteger(new(engine.Workspace), q); err == nil {
		t.Error("a plan of float32 takes integers")
	}
	short := &quant.Network{Net: q.Net, Nodes: q.Nodes[:5], Weights: q.Weights}
	if err := p.BindInteger(new(engine.Workspace), short); err == nil {
		t.Error("a plan takes the integers of another network")
	}
	if _, err := engine.Compile(n, integerTarget(1), engine.Options{BatchStats: true}); err == nil {
		t.Error("integers with the statistics of the batch")
	}
	to := integerTarget(1)
	to.DType = "int4"
	if _, err := engine.Compile(n, to, engine.Options{}); err == nil {
		t.Error("an unknown type of values")
	}
}
