package tflite

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/zoo"
)

func get(t *testing.T, name string) (*blocks.Network, *blocks.Weights) {
	t.Helper()
	n, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return n, blocks.NewWeights(n, 1)
}

func quantized(t *testing.T, name string, o QuantizeOptions) *Model {
	t.Helper()
	n, w := get(t, name)
	m, err := Quantize(n, w, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

var smallNetworks = []string{
	"ds_cnn",
	"mobilenet_v3_small@width=0.35,res=32,classes=10",
	"shufflenet_v2@width=0.5,res=32,classes=10",
	"mobilenet_v2@width=0.35,res=32,classes=10",
}

// TestScheme checks the grids against the specification of TensorFlow Lite's 8-bit quantisation.
func TestScheme(t *testing.T) {
	for _, name := range smallNetworks {
		m := quantized(t, name, QuantizeOptions{})
		for i, op := range m.Operators {
			out := &m.Tensors[op.Outputs[0]]
			if out.Type != Int8 || len(out.Scale) != 1 || out.Zero[0] < -128 || out.Zero[0] > 127 {
				t.Errorf("%s: operator %d, %s: output %+v", name, i, op.Name, out)
			}
			if sameGrid[op.Name] {
				for _, in := range op.Inputs {
					if x := &m.Tensors[in]; x.onGrid() && x.grid() != out.grid() {
						t.Errorf("%s: operator %d, %s: input and output have two grids", name, i, op.Name)
					}
				}
			}
			if s := fixedSpans[op.Name]; (op.Name == "SOFTMAX" || op.Name == "LOGISTIC") &&
				(s == span{} || out.Scale[0] != 1./256 || out.Zero[0] != -128) {
				t.Errorf(
					"%s: %s has scale %v and zero point %d, want 1/256 and -128",
					name,
					op.Name,
					out.Scale[0],
					out.Zero[0],
				)
			}
			ws := weightsOf(op)
			if ws == nil {
				continue
			}
			w, b, x := &m.Tensors[ws[0]], &m.Tensors[ws[1]], &m.Tensors[op.Inputs[0]]
			if wantAxis := map[string]int{"DEPTHWISE_CONV_2D": 3}[op.Name]; w.Axis != wantAxis && len(w.Scale) > 1 ||
				len(w.Scale) == 1 && w.Axis != 0 {
				t.Errorf("%s: %s: %d scales along axis %d", name, op.Name, len(w.Scale), w.Axis)
			}
			if b.Type != Int32 || len(b.Scale) != len(w.Scale) {
				t.Fatalf("%s: %s: bias of %s with %d scales", name, op.Name, typeNames[b.Type], len(b.Scale))
			}
			for c := range w.Scale {
				if got, want := b.Scale[c], x.Scale[0]*w.Scale[c]; math.Abs(float64(got/want-1)) > 1e-6 ||
					w.Zero[c] != 0 ||
					b.Zero[c] != 0 {
					t.Errorf("%s: %s: bias scale %v, want %v", name, op.Name, got, want)
				}
			}
			for k := range w.Data {
				if int8(w.Data[k]) == -128 {
					t.Fatalf("%s: %s has the weight -128", name, op.Name)
				}
			}
		}
	}
}

// TestQuantizedIsNear compares what integers and floats compute: the angle between both outputs.
func TestQuantizedIsNear(t *testing.T) {
	for _, name := range smallNetworks {
		n, w := get(t, name)
		m := quantized(t, name, QuantizeOptions{})
		images := normalImages(n.Input(), 4)
		var got [][]float32
		var ab, aa, bb float64
		for k, want := range runImages(t, n, w, images) {
			out, err := m.Run(images[k])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, out[0])
			for i, b := range want {
				a := float64(out[0][i])
				ab, aa, bb = ab+a*float64(b), aa+a*a, bb+float64(b)*float64(b)
			}
		}
		if cos := ab / math.Sqrt(aa*bb); !(cos > 0.97) {
			t.Errorf("%s: integers and floats agree to a cosine of %.4f", name, cos)
		}
		// The same file, read as floats that are rounded to its grids.
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		step := float64(m.Tensors[m.Outputs[0]].Scale[0])
		for i, v := range run(t, back.Network, back.Weights) {
			if d := math.Abs(float64(v)-float64(got[0][i])) / step; d > 6 {
				t.Errorf("%s: output %d differs by %.0f steps when the file is read as floats", name, i, d)
				break
			}
		}
	}
}

// TestQuantizeOptions checks each option, and that a seed gives the same bytes.
func TestQuantizeOptions(t *testing.T) {
	const name = "mobilenet_v3_small@width=0.35,res=32,classes=10"
	bytes := func(o QuantizeOptions) string {
		file, err := Encode(quantized(t, name, o))
		if err != nil {
			t.Fatal(err)
		}
		return string(file)
	}
	if first := bytes(QuantizeOptions{Seed: 1}); first != bytes(QuantizeOptions{Seed: 1}) {
		t.Error("the same seed gives two files")
	}
	if bytes(QuantizeOptions{Seed: 1}) == bytes(QuantizeOptions{Seed: 2}) ||
		bytes(QuantizeOptions{}) == bytes(QuantizeOptions{Percentile: 90}) {
		t.Error("seed and percentile change nothing")
	}
	for _, x := range quantized(t, name, QuantizeOptions{PerTensor: true}).Tensors {
		if len(x.Scale) > 1 {
			t.Errorf("%s has %d scales, want one", x.Name, len(x.Scale))
		}
	}
	m := quantized(t, name, QuantizeOptions{FloatEdges: true})
	if m.Tensors[m.Inputs[0]].Type != Float32 || m.Tensors[m.Outputs[0]].Type != Float32 || !m.Quantised() {
		t.Error("edges are no floats")
	}
	n, _ := get(t, name)
	a, err := m.Run(image(n.Input()))
	if err != nil {
		t.Fatal(err)
	}
	inner := quantized(t, name, QuantizeOptions{})
	b, err := inner.Run(image(n.Input()))
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(a[0], b[0]); d != 0 {
		t.Errorf("with edges of floats the outputs differ by %v", d)
	}
}

func TestQuantizeRefuses(t *testing.T) {
	s := blocks.Shape{H: 8, W: 8, C: 4}
	n := build(t, s, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		return b.Apply("norm", &blocks.LRN{Size: 3, Alpha: 1, Beta: 1, Bias: 1}, x)
	})
	if _, err := Quantize(n, blocks.NewWeights(n, 1), QuantizeOptions{}); err == nil ||
		!strings.Contains(err.Error(), `"norm"`) {
		t.Errorf("error is %v, want one that names the node", err)
	}
	n, w := get(t, "ds_cnn")
	bad := image(n.Input())
	bad[0] = float32(math.NaN())
	if _, err := Quantize(n, w, QuantizeOptions{Images: [][]float32{bad}}); err == nil {
		t.Error("an image with a NaN gives ranges")
	}
}

// TestCutOff reads what old converters wrote: a grid that ends where ReLU6 does, in its place.
func TestCutOff(t *testing.T) {
	m := quantized(t, "mobilenet_v2@width=0.35,res=32,classes=10", QuantizeOptions{})
	m.unsigned()
	relus := 0
	for i := range m.Operators {
		if op := &m.Operators[i]; op.Options["activation"] == Relu6 {
			out := &m.Tensors[op.Outputs[0]]
			out.Scale, out.Zero = []float32{6. / 255}, []int64{0}
			delete(op.Options, "activation")
			relus++
		}
	}
	file, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	net, err := Read(file, onnx.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	read, border := 0, 0
	for _, nd := range net.Network.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok && a.Func == blocks.ReLU6 {
			read++
		}
		if nd.Op.Kind() == "border" {
			border++
		}
	}
	if relus < 20 || read != relus || border > 0 {
		t.Errorf("%d of %d activations and %d borders are read", read, relus, border)
	}
}

// TestRanked compares with sorting, and checks that every channel is among the values that are kept of a map.
func TestRanked(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		v := make([]float32, 1+r.IntN(60))
		for i := range v {
			v[i] = float32(r.IntN(20))
		}
		sorted, k := slices.Sorted(slices.Values(v)), r.IntN(len(v))
		if got := ranked(v, k); got != sorted[k] {
			t.Fatalf("value %d of %v is %v, want %v", k, sorted, got, sorted[k])
		}
	}
	for _, c := range []int{1, 3, 16, 24, 30, 96} {
		step, seen := stride(blocks.Shape{H: 200, W: 200, C: c}, 100), map[int]bool{}
		for k := 0; k < 200*200*c; k += step {
			seen[k%c] = true
		}
		if len(seen) != c || step < 200*200*c*100/observedValues {
			t.Errorf("of %d channels %d are seen, with a step of %d", c, len(seen), step)
		}
	}
}

// TestQuantizeNoRange wants a node whose values are no numbers, or infinite in one image of several, named.
func TestQuantizeNoRange(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		b := blocks.NewBuilder("broken", blocks.Shape{H: 4, W: 4, C: 2})
		b.Apply("bend", &blocks.Activation{Func: blocks.ReLU6}, b.Apply("add", &blocks.Add{}, b.Input(), b.Input()))
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		images := normalImages(n.Input(), 3)
		images[2][17] = float32(bad)
		_, err = Quantize(n, blocks.NewWeights(n, 1), QuantizeOptions{Images: images})
		if err == nil || !strings.Contains(err.Error(), "node") || !strings.Contains(err.Error(), "has no ranges") {
			t.Errorf("of %v: %v, want that a node has no ranges", bad, err)
		}
	}
}
