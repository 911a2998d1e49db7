package onnx

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// build makes a network of a function.
func build(t testing.TB, name string, in blocks.Shape, f func(b *blocks.Builder, x blocks.Value)) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(name, in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// specimens are small networks that together hold every kind of op, in every form in which the
// writer writes it.
func specimens(t testing.TB) []*blocks.Network {
	type B = *blocks.Builder
	type V = blocks.Value
	ns := []*blocks.Network{
		build(t, "conv", blocks.Shape{H: 11, W: 9, C: 6}, func(b B, x V) {
			x = b.Apply("plain", &blocks.Conv{Out: 8, Kernel: [2]int{3, 5}, Stride: [2]int{2, 1}, Dilation: [2]int{1, 2},
				Pad: blocks.Pad{Top: 0, Left: 3, Bottom: 2, Right: 4}, Bias: true}, x)
			x = b.Apply("grouped", &blocks.Conv{Out: 12, Kernel: [2]int{3, 3}, Groups: 4, Pad: blocks.PadAll(1)}, x)
			x = b.Apply("multiplied", &blocks.Conv{Out: 24, Kernel: [2]int{3, 3}, Groups: 12, Pad: blocks.PadAll(1)}, x)
			b.Apply("pointwise", &blocks.Conv{Out: 5, Kernel: [2]int{1, 1}}, x)
		}),
		build(t, "linear over a map", blocks.Shape{H: 4, W: 3, C: 5}, func(b B, x V) {
			x = b.Apply("fc1", &blocks.Linear{Out: 7, Bias: true}, x)
			x = b.Act(blocks.HSwish, x)
			y := b.Apply("fc2", &blocks.Linear{Out: 7}, x)
			x = b.Apply("add", &blocks.Add{}, x, y, x)
			b.Apply("softmax", &blocks.Softmax{}, x)
		}),
		build(t, "vectors meet maps", blocks.Shape{H: 4, W: 3, C: 5}, func(b B, x V) {
			v := b.Apply("fc", &blocks.Linear{Out: 5}, x)
			v = b.Apply("bn", &blocks.BatchNorm{}, v)
			p := b.Apply("pool", &blocks.GlobalPool{Pool: blocks.MaxPool}, x)
			v = b.Apply("both", &blocks.Add{}, v, p)
			v = b.Apply("input", &blocks.Activation{Func: blocks.Sigmoid}, v) // names that the model wants too
			x = b.Apply("output", &blocks.Mul{}, x, v)
			m := b.Apply("map", &blocks.Conv{Out: 1, Kernel: [2]int{1, 1}}, x)
			x = b.Apply("spatial", &blocks.Mul{}, x, m)
			x = b.Apply("softmax", &blocks.Softmax{}, x)
			v = b.Apply("fc2", &blocks.Linear{Out: 4}, x)
			b.Apply("1x1", &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}}, v)
		}),
		build(t, "channels", blocks.Shape{H: 5, W: 4, C: 12}, func(b B, x V) {
			l := b.Apply("left", &blocks.ChannelSlice{To: 5}, x)
			r := b.Apply("right", &blocks.ChannelSlice{From: 3, To: 12}, x)
			x = b.Apply("concat", &blocks.Concat{}, r, l, x)
			x = b.Apply("slice", &blocks.ChannelSlice{To: 24}, x)
			x = b.Apply("shuffle", &blocks.ChannelShuffle{Groups: 3}, x)
			x = b.Apply("lrn", &blocks.LRN{Size: 5, Alpha: 2, Beta: 0.75, Bias: 2}, x)
			x = b.Apply("lrn2", &blocks.LRN{Size: 3, Alpha: 2, Beta: 0.5, Bias: 1}, x)
			x = b.Apply("one factor", &blocks.Affine{Scale: 2, Shift: 0.5}, x)
			b.Apply("factors", &blocks.Affine{Scale: 1, Shift: 0.5, Scales: true}, x)
		}),
		build(t, "identity", blocks.Shape{H: 2, W: 2, C: 2}, func(b B, x V) {
			x = b.Apply("same", &blocks.Activation{}, x)
			x = b.Apply("relu", &blocks.Activation{Func: blocks.ReLU}, x)
			b.Apply("same again", &blocks.Activation{}, x)
		}),
		build(t, "gates", blocks.Shape{H: 7, W: 5, C: 12}, func(b B, x V) {
			x = blocks.DepthwiseSeparable{Out: 12, Multiplier: 2, Act: blocks.ReLU, Attention: blocks.ECA{}}.Build(b, x)
			x = blocks.CBAM{Hidden: 3}.Build(b, x)
			x = blocks.ConvBNAct{Out: 24, Kernel: 3, Groups: 3, Shuffle: true, Act: blocks.HSwish}.Build(b, x)
			x = blocks.SqueezeExcite{Hidden: 6, Gate: blocks.HSigmoid}.Build(b, x)
			v := b.Apply("squeeze", &blocks.Linear{Out: 9, Bias: true}, x)
			v = b.Apply("blur", &blocks.ChannelConv{Kernel: 5}, v)
			b.Apply("stack", &blocks.Stack{}, v, v)
		}),
		build(t, "experts", blocks.Shape{H: 7, W: 5, C: 6}, func(b B, x V) {
			x = blocks.Conditional{ConvBNAct: blocks.ConvBNAct{Kernel: 3, Groups: blocks.Depthwise, Stride: 2,
				Act: blocks.Swish}, Experts: 3}.Build(b, x)
			x = blocks.Conditional{ConvBNAct: blocks.ConvBNAct{Out: 9, Kernel: 3, Groups: 3, Dilation: 2},
				Experts: 2}.Build(b, x)
			s := b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
			s = b.Apply("shares", &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}, Bias: true}, s)
			b.Apply("mixed", &blocks.CondConv{Experts: 4, Out: 5, Kernel: [2]int{1, 1}}, x,
				b.Apply("softmax", &blocks.Softmax{}, s))
		}),
		build(t, "resize", blocks.Shape{H: 5, W: 7, C: 2}, func(b B, x V) {
			x = b.Apply("up", &blocks.Resize{H: 13, W: 14}, x)
			x = b.Apply("down", &blocks.Resize{H: 6, W: 5}, x)
			x = b.Apply("corners", &blocks.Resize{H: 11, W: 1, AlignCorners: true}, x)
			x = b.Apply("wide", &blocks.Resize{H: 11, W: 4}, x)
			b.Apply("nearest", &blocks.Resize{H: 19, W: 3, Mode: blocks.Nearest}, x)
		}),
	}
	return append(ns, smallSpecimens(t)...)
}

// outsiders are networks of the ops that only files of other programs have.
func outsiders(t testing.TB) (ns []*blocks.Network) {
	type B = *blocks.Builder
	type V = blocks.Value
	map2 := blocks.Shape{H: 6, W: 5, C: 4}
	add := func(name string, in blocks.Shape, f func(b B, x V)) { ns = append(ns, build(t, name, in, f)) }
	for _, f := range []blocks.Unary{
		{Func: "leaky_relu", Alpha: 0.2}, {Func: "elu", Alpha: 0.7}, {Func: "celu", Alpha: 0.7}, {Func: "selu", Alpha: 1.6, Beta: 1.05},
		{Func: "thresholded_relu", Alpha: 0.3}, {Func: "shrink", Alpha: 0.3, Beta: 0.1}, {Func: "at_least", Alpha: -0.5},
		{Func: "at_most", Alpha: 0.5}, {Func: "clip", Alpha: -0.5, Beta: 0.5}, {Func: "tanh"}, {Func: "erf"}, {Func: "gelu"},
		{Func: "gelu_tanh"}, {Func: "mish"}, {Func: "softplus"}, {Func: "softsign"}, {Func: "exp"}, {Func: "abs"}, {Func: "neg"},
		{Func: "floor"}, {Func: "ceil"}, {Func: "round"}, {Func: "sign"}, {Func: "sin"}, {Func: "cos"}, {Func: "atan"}, {Func: "sinh"},
	} {
		add("unary "+string(f.Func), map2, func(b B, x V) { b.Apply("f", &f, x) })
	}
	for _, f := range []blocks.BinaryFunc{"add", "sub", "mul", "div", "min", "max"} {
		add("binary "+string(f), map2, func(b B, x V) {
			row := b.Apply("row", &blocks.Constant{Shape: blocks.Shape{H: 1, W: 5, C: 1}}, x)
			b.Apply("f", &blocks.Binary{Func: f}, x, b.Apply("shifted", &blocks.Unary{Func: "exp"}, row))
		})
	}
	for _, f := range []blocks.ReduceFunc{"mean", "sum", "max", "min", "prod", "l1", "l2", "sum_square"} {
		add("reduce "+string(f), map2, func(b B, x V) { b.Apply("r", &blocks.Reduce{Func: f, H: true, C: true}, x) })
	}
	add("normalize", map2, func(b B, x V) {
		x = b.Apply("layer", &blocks.Normalize{}, x)
		x = b.Apply("instance", &blocks.Normalize{Groups: 4}, x)
		b.Apply("group", &blocks.Normalize{Groups: 2, Epsilon: 1e-3}, x)
	})
	add("constants", map2, func(b B, x V) {
		c := b.Apply("constant", &blocks.Constant{Shape: map2}, x)
		c = b.Apply("exp", &blocks.Unary{Func: "exp"}, c)
		m := b.Apply("concat", &blocks.Concat{}, c, x, c)
		m = b.Apply("stack", &blocks.Stack{}, m, m)
		up := b.Apply("up", &blocks.Resize{H: 7, W: 9, Mode: blocks.Nearest}, c)
		b.Apply("last", &blocks.Rearrange{C: []blocks.Stride{{N: 4, Step: 1}}}, up)
		b.Apply("select", &blocks.Select{Channels: []int{3, 0, 0, 9}}, m)
	})
	add("a constant alone", map2, func(b B, x V) { b.Apply("constant", &blocks.Constant{Shape: map2}, x) })
	add("borders", map2, func(b B, x V) {
		x = b.Apply("zero", &blocks.Border{Pad: blocks.Pad{Top: 1, Right: 2}, Front: 1}, x)
		x = b.Apply("value", &blocks.Border{Pad: blocks.PadAll(1), Value: 0.5}, x)
		x = b.Apply("edge", &blocks.Border{Pad: blocks.PadAll(2), Mode: "edge"}, x)
		x = b.Apply("reflect", &blocks.Border{Pad: blocks.PadAll(1), Mode: "reflect"}, x)
		b.Apply("wrap", &blocks.Border{Pad: blocks.PadAll(1), Mode: "wrap"}, x)
	})
	add("rearranged", map2, func(b B, x V) {
		y := b.Apply("transposed", &blocks.Rearrange{
			H: []blocks.Stride{{N: 5, Step: 4}}, W: []blocks.Stride{{N: 4, Step: 1}}, C: []blocks.Stride{{N: 6, Step: 20}}}, x)
		z := b.Apply("flipped", &blocks.Rearrange{H: []blocks.Stride{{N: 2, Step: -20}}, W: []blocks.Stride{{N: 5, Step: 4}},
			C: []blocks.Stride{{N: 2, Step: 0}, {N: 3, Step: 1}}, From: 60}, x)
		z = b.Apply("narrow", &blocks.Rearrange{H: []blocks.Stride{{N: 4, Step: 1}}, W: []blocks.Stride{{N: 4, Step: 4}}}, z)
		y = b.Apply("one", &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}}, y)
		z = b.Apply("flat", &blocks.Rearrange{H: []blocks.Stride{{N: 1, Step: 1}}, W: []blocks.Stride{{N: 4, Step: 4}},
			C: []blocks.Stride{{N: 4, Step: 1}}}, z)
		b.Apply("product", &blocks.MatMul{}, y, z)
	})
	add("the rest", map2, func(b B, x V) {
		x = b.Apply("slopes", &blocks.PReLU{}, x)
		x = b.Apply("up", &blocks.ConvTranspose{Out: 6, Kernel: [2]int{3, 2}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1),
			Extra: [2]int{1, 0}, Groups: 2, Bias: true}, x)
		x = b.Apply("narrow grid", &blocks.FakeQuant{Scale: 1. / 64, Zero: 100, Low: -10, High: 300}, x)
		b.Apply("log", &blocks.Softmax{Log: true}, x)
	})
	for _, o := range []blocks.Interpolate{
		{H: 12, W: 15, Mode: "linear", Coordinates: "asymmetric"}, {H: 7, W: 3, Mode: "linear", Coordinates: "pytorch_half_pixel"},
		{H: 12, W: 15, Mode: "cubic", Coordinates: "half_pixel", Cubic: -0.75},
		{H: 9, W: 11, Mode: "cubic", Coordinates: "align_corners", Cubic: -0.5, Exclude: true},
		{H: 7, W: 12, Mode: "linear", Coordinates: "half_pixel", Scale: [2]float64{1.25, 2.5}},
		{H: 12, W: 10, Mode: "nearest", Coordinates: "asymmetric", Rounding: "ceil"},
		{H: 9, W: 7, Mode: "nearest", Coordinates: "asymmetric", Rounding: "floor"},
	} {
		add(fmt.Sprintf("interpolate %+v", o), map2, func(b B, x V) { b.Apply("resize", &o, x) })
	}
	return ns
}

// smallSpecimens are the activations and a sample of pools.
func smallSpecimens(t testing.TB) (ns []*blocks.Network) {
	for _, f := range blocks.ActFuncs() {
		ns = append(ns, build(t, f.String(), blocks.Shape{H: 6, W: 5, C: 3}, func(b *blocks.Builder, x blocks.Value) {
			b.Apply("act", &blocks.Activation{Func: f}, b.Apply("bn", &blocks.BatchNorm{Epsilon: 1e-3}, x))
		}))
	}
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 24 {
		k, s := 1+r.IntN(4), 1+r.IntN(3)
		p := blocks.Pad{Top: r.IntN(k), Left: r.IntN(k), Bottom: r.IntN(k), Right: r.IntN(k)}
		op := &blocks.Pool{Pool: blocks.PoolKind(i % 2), Kernel: [2]int{k, k}, Stride: [2]int{s, s}, Pad: p,
			Ceil: r.IntN(2) == 0, CountPad: r.IntN(2) == 0}
		ns = append(ns, build(t, fmt.Sprintf("pool %+v", *op), blocks.Shape{H: 7, W: 8, C: 2},
			func(b *blocks.Builder, x blocks.Value) { b.Apply("pool", op, x) }))
	}
	return ns
}

// zooSpecs are the networks compared with ONNX Runtime, at resolutions that the
// reference evaluation can do.
var zooSpecs = []string{
	"mobilenet_v1@width=0.25,res=64", "mobilenet_v2@width=0.35,res=96", "mobilenet_v3_large@res=64", "mobilenet_v3_small@res=64",
	"mobilenet_v3_small_minimalistic@res=64", "mnasnet_a1@res=64", "mnasnet_b1@width=0.5,res=64", "efficientnet_b0@res=64", "efficientnet_lite0@res=64",
	"shufflenet_v2@width=0.5,res=64", "squeezenet@res=64,classes=50", "squeezenet_1_1@res=64,classes=50", "alexnet@res=67", "alexnet_owt@res=63,classes=10",
	"fast_scnn@res=64x128", "deeplabv3_mobilenet_v2@width=0.25,res=65,aspp=true", "deeplabv3_mobilenet_v3_large@width=0.25,res=64", "lraspp_mobilenet_v3_large@res=64",
	"xception@res=71", "inception_v3@res=75", "resnet50@res=32",
}

func TestRuntimeAgrees(t *testing.T) {
	runtimeDir(t)
	dir := t.TempDir()
	nets := append(specimens(t), outsiders(t)...)
	small := len(nets)
	specs := zooSpecs
	if testing.Short() {
		specs = specs[:4]
	}
	for _, spec := range specs {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, n)
	}
	var jobs []job
	var wants [][]float32
	var names []string
	for i, n := range nets {
		w, in, out := settle(t, n, uint64(i))
		x, y := chw(blocks.Tensor{Shape: n.Input(), Data: in}), chw(out)
		forms := []Options{{}, {FoldBN: true}}
		if i < small {
			forms = writtenForms()
			for b := range 7 { // more images: the first one rotated
				other := append(slices.Clone(in[b+1:]), in[:b+1]...)
				acts, err := n.Eval(w, other)
				if err != nil {
					t.Fatal(err)
				}
				x = append(x, chw(blocks.Tensor{Shape: n.Input(), Data: other})...)
				y = append(y, chw(acts[len(acts)-1])...)
			}
		}
		for k, o := range forms {
			j := job{
				Model:  filepath.Join(dir, fmt.Sprintf("%d_%d.onnx", i, k)),
				Input:  filepath.Join(dir, fmt.Sprintf("%d_%d.in", i, k)),
				Dims:   []int{o.images(), n.Input().C, n.Input().H, n.Input().W},
				Output: filepath.Join(dir, fmt.Sprintf("%d_%d.out", i, k)),
				in:     x[:o.images()*len(in)],
				opset:  o.Opset,
			}
			writeModel(t, j.Model, n, w, o)
			if i < small && n.Name != "a constant alone" && !(n.Name == "constants" && o.Batch == 8) {
				readBack(t, j.Model, in, out, fmt.Sprintf("%s, %+v", n.Name, o))
			}
			y := y[:o.images()*n.Output().Elems()]
			jobs, wants, names = append(jobs, j), append(wants, y), append(names, fmt.Sprintf("%s, %+v", n.Name, o))
		}
	}
	t.Run("checker", func(t *testing.T) { checkModels(t, jobs) })
	worst, name := 0.0, ""
	for i, got := range runRuntime(t, jobs) {
		ratio, err := compare(got, wants[i])
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
		}
		if ratio > worst {
			worst, name = ratio, names[i]
		}
	}
	t.Logf("largest max|a-b|/max|b|: %.2g, %s", worst, name)
}

// readBack reads a model and compares what it computes with the network it was written of.
func readBack(t *testing.T, path string, in []float32, want blocks.Tensor, name string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(data, ReadOptions{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	acts, err := m.Network.Eval(m.Weights, in)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want.Data))
	if err := m.Outputs[0].ToFile(got, acts[m.Outputs[0].Node].Data); err != nil {
		t.Fatal(err)
	}
	if _, err := compare(got, chw(want)); err != nil {
		t.Errorf("%s, read back: %v", name, err)
	}
}

// checkModels runs onnx.checker where Python has the onnx package.
func checkModels(t *testing.T, jobs []job) {
	python := os.Getenv("NAS_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import onnx").Run(); err != nil {
		t.Skipf("skipped: %s has no onnx package (%v). Install it, or set NAS_PYTHON to a Python that has it", python, err)
	}
	text, err := exec.Command(python, "-c", "import onnx; print(onnx.defs.onnx_opset_version())").Output()
	if err != nil {
		t.Fatal(err)
	}
	last, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join("testdata", "check.py")}
	for _, j := range jobs {
		if cmp.Or(j.opset, defaultOpset) <= last {
			args = append(args, j.Model)
		}
	}
	if n := len(jobs) + 1 - len(args); n > 0 {
		t.Logf("%d of %d models are not checked: %s checks up to opset %d", n, len(jobs), python, last)
	}
	if len(args) == 1 {
		return
	}
	if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Errorf("onnx.checker: %v\n%s", err, out)
	}
}

// Outputs and weights that nodes share: names are kept, tensors that several nodes
// read are written once, and what is written is read back as the same network.
func TestWriteNames(t *testing.T) {
	n := build(t, "n", blocks.Shape{H: 6, W: 5, C: 4}, func(b *blocks.Builder, x blocks.Value) {
		conv := &blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true}
		x = b.Apply("first", conv, x)
		y := b.Apply("second", conv, x)
		p := b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, y)
		z := b.Apply("gated", &blocks.Mul{}, y, p)
		z = b.Apply("same", &blocks.Activation{}, z)
		z = b.Apply("low", &blocks.Unary{Func: "at_least", Alpha: 0.25}, z)
		b.Apply("low again", &blocks.Unary{Func: "at_least", Alpha: 0.25}, z)
	})
	n.Outputs = []int{3, 7, 2, 5} // pool, the last, second, same
	n.Nodes[2].Shared = []int{1, 1}
	if err := n.Infer(); err != nil {
		t.Fatal(err)
	}
	w, in, _ := settle(t, n, 1)
	w.Set(2, w.Node(1))
	names := []string{"pooled", "end", "first", "the same"} // "first" is a node's name, too
	var tensors []Tensor
	for _, name := range names {
		tensors = append(tensors, Tensor{Name: name})
	}
	var b bytes.Buffer
	o := Options{Input: Tensor{Name: "image"}, Outputs: tensors, Batch: OpenBatch, Version: "v9"}
	if err := Write(&b, n, w, o); err != nil {
		t.Fatal(err)
	}
	if k := bytes.Count(b.Bytes(), floatBytes(w.Node(1)[1])); k != 1 {
		t.Errorf("a shared bias is written %d times", k)
	}
	p, err := parseModel(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.initializers) != 3 || p.inputs[0].dims[0] != -1 || p.inputs[0].name != "image" {
		t.Errorf("%d initializers, want a weight, a bias and one limit; input %+v", len(p.initializers), p.inputs[0])
	}
	m, err := Read(b.Bytes(), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Network.Counts() != n.Counts() {
		t.Errorf("%+v is read back as %+v", n.Counts(), m.Network.Counts())
	}
	acts, err1 := n.Eval(w, in)
	back, err2 := m.Network.Eval(m.Weights, in)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for i, o := range m.Outputs {
		if o.Name != names[i] {
			t.Errorf("output %d is %q, want %q", i, o.Name, names[i])
		}
		if _, err := compare(back[o.Node].Data, acts[n.Outputs[i]].Data); err != nil {
			t.Errorf("output %s: %v", o.Name, err)
		}
	}
	for _, nd := range n.Nodes[1:] {
		named := func(x blocks.Node) bool { return x.Name == nd.Name }
		if !slices.ContainsFunc(m.Network.Nodes, named) && nd.Name != "same" {
			t.Errorf("node %q is lost", nd.Name)
		}
	}
}

// What an opset does not have is refused by name, or the opset is a later one.
func TestWriteOpsets(t *testing.T) {
	n := build(t, "n", blocks.Shape{H: 8, W: 8, C: 2}, func(b *blocks.Builder, x blocks.Value) {
		x = b.Apply("wide", &blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{2, 2}, Dilation: [2]int{2, 2}}, x)
		b.Apply("act", &blocks.Activation{Func: blocks.HSwish}, x)
	})
	w := blocks.NewWeights(n, 1)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Opset: 18}, `node "wide": AveragePool with dilations needs opset 19, the model is to be of opset 18`},
		{Options{Opset: 10}, "opset is 10, want 11 to 21"},
		{Options{Opset: 22}, "opset is 22"},
		{Options{Outputs: make([]Tensor, 2)}, "2 names for 1 outputs"},
	} {
		if err := Write(&bytes.Buffer{}, n, w, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.o, err, c.want)
		}
	}
	var b bytes.Buffer
	if err := Write(&b, n, w, Options{}); err != nil {
		t.Fatal(err)
	}
	if m, err := Read(b.Bytes(), ReadOptions{}); err != nil || m.Opset != 19 {
		t.Errorf("%+v, %v, want opset 19", m, err)
	}
}

// The bytes of one model: they change only when the writer or the drawing of
// weights does.
func TestWriteIsReproducible(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@width=0.25,res=32,classes=10")
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	sum := func(o Options) string {
		h := sha256.New()
		if err := Write(h, n, w, o); err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(h.Sum(nil))[:16]
	}
	o := Options{Metadata: map[string]string{"arch": "a", "seed": "1", "zz": "", "b": "c"}}
	if got, want := sum(o), "789cdbcc99fe03fa"; got != want || sum(o) != got {
		t.Errorf("model hashes to %s, want %s", got, want)
	}
	o.FoldBN = true
	if got, want := sum(o), "22b51fd4a43d449a"; got != want {
		t.Errorf("folded model hashes to %s, want %s", got, want)
	}
}

type mute struct{ *blocks.Softmax }

func (mute) Kind() string { return "mute" }

func (mute) WriteONNX() {} // hides the embedded method

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestWriteRefuses(t *testing.T) {
	n := build(t, "n", blocks.Shape{H: 2, W: 2, C: 2}, func(b *blocks.Builder, x blocks.Value) {
		b.Apply("first", &blocks.Conv{Out: 2, Kernel: [2]int{1, 1}}, x)
	})
	strange := build(t, "strange", blocks.Shape{H: 2, W: 2, C: 2},
		func(b *blocks.Builder, x blocks.Value) { b.Apply("odd one", mute{}, x) })
	for _, c := range []struct {
		n    *blocks.Network
		w    *blocks.Weights
		o    Options
		want string
	}{
		{n, blocks.EmptyWeights(n), Options{}, `"first"`},
		{n, blocks.NewWeights(n, 1), Options{Batch: -2}, "batch"},
		{strange, blocks.NewWeights(strange, 1), Options{}, `"odd one"`},
	} {
		err := Write(&bytes.Buffer{}, c.n, c.w, c.o)
		if err == nil || !strings.HasPrefix(err.Error(), "onnx: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.n.Name, err, c.want)
		}
	}
	if err := Write(&full{}, n, blocks.NewWeights(n, 1), Options{}); err == nil ||
		!strings.Contains(err.Error(), "no space left") {
		t.Errorf("a full disk gives %v", err)
	}
}
