package onnx_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/onnx"
	"nas/blocks/quant"
	"nas/blocks/tflite"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// quantised returns n with random weights as integers, and the model.
func quantised(t *testing.T, n *blocks.Network, seed uint64, o onnx.Options) (*quant.Network, []byte) {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	how := tflite.QuantizeOptions{Seed: seed, Run: engine.Activations, PerTensor: seed%4 == 3}
	q, err := tflite.QuantizeNetwork(n, w, how)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := onnx.WriteQuantized(&b, q, o); err != nil {
		t.Fatal(err)
	}
	exact(q)
	return q, b.Bytes()
}

// exact computes activations as the model says, in floats between grids: .tflite files approximate them.
func exact(q *quant.Network) {
	for i, nd := range q.Net.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok && (a.Func == blocks.HSwish || a.Func == blocks.HSigmoid) {
			f := func(x []float32) []float32 {
				for k, v := range x {
					if y := float32(blocks.HSigmoid.Apply(float64(v))); a.Func == blocks.HSwish {
						x[k] *= y
					} else {
						x[k] = y
					}
				}
				return x
			}
			q.Nodes[i].Table = quant.FloatTable(f, "", q.Nodes[nd.Inputs[0]].Grid, q.Nodes[i].Grid)
		}
	}
}

// noise returns images of the normal distribution.
func noise(s blocks.Shape, seed uint64, n int) [][]float32 {
	r := rand.New(rand.NewPCG(seed, 71))
	list := make([][]float32, n)
	for i := range list {
		list[i] = make([]float32, s.Elems())
		for k := range list[i] {
			list[i][k] = float32(r.NormFloat64())
		}
	}
	return list
}

// tiny are networks with all kinds of operators of integers.
var tiny = []string{
	"mobilenet_v2@res=32,width=0.35", "mobilenet_v3_small@res=32", "efficientnet_b0@res=32",
	"shufflenet_v2@res=32,width=0.5", "squeezenet_1_1@res=48", "mobilenet_v4_conv_small@res=32", "pp_lcnet@res=32,width=0.25", "fast_scnn@res=64",
	"lraspp_mobilenet_v3_large@res=64",
}

// TestQuantizedIsReadBack reads models of integers as networks that round, makes integers of them, and wants the
// outputs of the integers that were written, bit for bit.
func TestQuantizedIsReadBack(t *testing.T) {
	for i, name := range tiny {
		if name == "fast_scnn@res=64" {
			continue // a mean over the whole map is read as global, which rounds halves otherwise
		}
		if testing.Short() && i%3 != 0 {
			continue
		}
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		q, file := quantised(t, n, uint64(i), onnx.Options{})
		m, err := onnx.Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Network.Counts().MACs != n.Counts().MACs {
			t.Errorf("%s: %d multiply-accumulates, want %d", name, m.Network.Counts().MACs, n.Counts().MACs)
		}
		again, err := quant.FromRounded(m.Network, m.Weights, m.Scales, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, image := range noise(n.Input(), uint64(i), 2) {
			want, err := q.Run(image)
			if err != nil {
				t.Fatal(err)
			}
			got, err := again.Run(image)
			if err != nil {
				t.Fatal(err)
			}
			differ := 0
			for k, v := range want[0] {
				if got[0][k] != v {
					differ++
				}
			}
			if differ > 0 {
				t.Errorf("%s: %d of %d values differ", name, differ, len(want[0]))
			}
		}
	}
}

// agreement counts what ONNX Runtime and the integers here have in common.
type agreement struct {
	inputs, top    int // inputs, and those with the same first place
	values, differ int
	steps          float64 // the largest difference
}

func (a *agreement) add(q *quant.Network, got, want []float32) {
	a.inputs++
	// Many values of a grid are equal: the first places are sets, which must have a member in common.
	ours, theirs := slices.Max(want), slices.Max(got)
	for k := range want {
		if want[k] == ours && got[k] == theirs {
			a.top++
			break
		}
	}
	scale := float64(q.Nodes[q.Net.Returned()[0]].Grid.Scale)
	for k := range want {
		a.values++
		if d := math.Abs(float64(got[k])-float64(want[k])) / scale; d > 0.5 {
			a.differ++
			a.steps = max(a.steps, math.Round(d))
		}
	}
}

// inRuntime runs several networks in ONNX Runtime, each on its images.
func inRuntime(t *testing.T, list []*blocks.Network, images int, a *agreement) {
	t.Helper()
	var qs []*quant.Network
	var files [][]byte
	var in [][]float32
	var dims [][]int
	for i, n := range list {
		q, file := quantised(t, n, uint64(i), onnx.Options{Batch: images})
		qs, files = append(qs, q), append(files, file)
		s, all := n.Input(), []float32(nil)
		for _, x := range noise(s, uint64(i), images) {
			all = append(all, onnx.CHW(blocks.Tensor{Shape: s, Data: x})...)
		}
		in, dims = append(in, all), append(dims, []int{images, s.C, s.H, s.W})
	}
	for i, out := range onnx.RunFiles(t, files, in, dims) {
		one := agreement{}
		for k, x := range noise(list[i].Input(), uint64(i), images) {
			want, err := qs[i].Run(x)
			if err != nil {
				t.Fatal(err)
			}
			s := list[i].Output()
			expected := onnx.CHW(blocks.Tensor{Shape: s, Data: want[0]})
			one.add(qs[i], out[k*s.Elems():][:s.Elems()], expected)
		}
		t.Logf("%s: top-1 %d of %d, %d of %d values differ by at most %v",
			list[i].Name, one.top, one.inputs, one.differ, one.values, one.steps)
		a.inputs, a.top, a.values = a.inputs+one.inputs, a.top+one.top, a.values+one.values
		a.differ, a.steps = a.differ+one.differ, max(a.steps, one.steps)
	}
}

// TestQuantizedInRuntime wants ONNX Runtime to compute networks of the zoo as the integers do. It rounds halves of
// means and of resized maps otherwise: there few steps may differ.
func TestQuantizedInRuntime(t *testing.T) {
	onnx.RuntimeDir(t)
	var exact, near []*blocks.Network
	for _, name := range tiny {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Op.Kind() == "resize" }) {
			near = append(near, n)
		} else {
			exact = append(exact, n)
		}
	}
	var a, b agreement
	inRuntime(t, exact, 2, &a)
	inRuntime(t, near, 2, &b)
	if a.differ > 0 {
		t.Errorf("%d of %d values differ by up to %v steps", a.differ, a.values, a.steps)
	}
	if b.steps > 12 {
		t.Errorf("with resized maps, values differ by up to %v steps", b.steps)
	}
}

// TestQuantizedSamplesInRuntime wants all samples of mobile.toml to load, and the first place of 99 % of the inputs.
// NAS_ONNX_SAMPLES=40 takes as many, in their own sizes, with 5 inputs each.
func TestQuantizedSamplesInRuntime(t *testing.T) {
	onnx.RuntimeDir(t)
	samples, err := strconv.Atoi(os.Getenv("NAS_ONNX_SAMPLES"))
	images, small := 5, false
	if err != nil {
		samples, images, small = 2, 2, true
	}
	c, err := config.Load(filepath.Join("../../configs", "mobile.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(61, 62))
	var list []*blocks.Network
	for range samples {
		arch := s.Arch(s.Sample(r))
		if small {
			arch.Input.H, arch.Input.W = 64, 64
		}
		n, err := arch.Network()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	var a agreement
	inRuntime(t, list, images, &a)
	t.Logf("%d networks: top-1 %d of %d, %d of %d values differ by at most %v",
		len(list), a.top, a.inputs, a.differ, a.values, a.steps)
	if a.top*100 < a.inputs*99 && !small {
		t.Errorf("top-1 equal for %d of %d inputs, want 99 %%", a.top, a.inputs)
	}
}
