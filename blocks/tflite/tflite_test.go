package tflite

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// build makes a network by calls of a builder.
func build(t *testing.T, in blocks.Shape, f func(b *blocks.Builder, x blocks.Value) blocks.Value) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("test", in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func lowered(t *testing.T, n *blocks.Network) *Model {
	t.Helper()
	m, err := Lower(n, blocks.NewWeights(n, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range m.Operators { // an option that the operator does not have would be lost
		for k := range op.Options {
			byName[op.Name].missing(k)
		}
	}
	return m
}

// text is the operators of a model, their options in brackets.
func text(m *Model) string {
	var s []string
	for _, op := range m.Operators {
		s = append(s, op.Name)
	}
	return strings.Join(s, " ")
}

func TestOperators(t *testing.T) {
	s := blocks.Shape{H: 8, W: 8, C: 4}
	conv := func(o blocks.Conv) blocks.Op { return &o }
	for _, c := range []struct {
		op   blocks.Op
		want string
	}{
		{conv(blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}), "CONV_2D"},
		{conv(blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1)}), "PAD CONV_2D"},
		{conv(blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.Pad{Bottom: 1, Right: 1}}), "CONV_2D"},
		{conv(blocks.Conv{Out: 8, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}), "CONV_2D"},
		{conv(blocks.Conv{Out: 4, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(2), Dilation: [2]int{2, 2}, Groups: 4}), "DEPTHWISE_CONV_2D"},
		{conv(blocks.Conv{Out: 8, Kernel: [2]int{1, 1}, Groups: 2}), "SLICE CONV_2D SLICE CONV_2D CONCATENATION"},
		{&blocks.Activation{Func: blocks.HSwish}, "HARD_SWISH"},
		{&blocks.Activation{Func: blocks.HSigmoid}, "ADD MUL"},
		{&blocks.Activation{Func: blocks.Swish}, "LOGISTIC MUL"},
		{&blocks.GlobalPool{Pool: blocks.AvgPool}, "MEAN RESHAPE"},
		{&blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1)}, "PADV2 MAX_POOL_2D"},
		{&blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}, "AVERAGE_POOL_2D"},
		{&blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), CountPad: true}, "PAD AVERAGE_POOL_2D"},
		{&blocks.Linear{Out: 5}, "RESHAPE FULLY_CONNECTED"},
		{&blocks.ChannelShuffle{Groups: 2}, "RESHAPE TRANSPOSE RESHAPE"},
		{&blocks.Resize{H: 16, W: 16, Mode: blocks.Nearest}, "RESIZE_NEAREST_NEIGHBOR"},
		{&blocks.Resize{H: 3, W: 3, Mode: blocks.Bilinear}, "RESIZE_BILINEAR"},
		{&blocks.BatchNorm{}, "MUL ADD"},
		{&blocks.LRN{Size: 3, Alpha: 1, Beta: 1, Bias: 1}, "LOCAL_RESPONSE_NORMALIZATION"},
	} {
		n := build(t, s, func(b *blocks.Builder, x blocks.Value) blocks.Value { return b.Apply("op", c.op, x) })
		if got := text(lowered(t, n)); got != c.want {
			t.Errorf("%s %+v is written as %s, want %s", c.op.Kind(), c.op, got, c.want)
		}
	}
}

// TestFused checks that an activation goes into the operator before it only if nothing else reads that.
func TestFused(t *testing.T) {
	s := blocks.Shape{H: 4, W: 4, C: 4}
	one := [2]int{1, 1}
	n := build(t, s, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = b.Apply("a", &blocks.Conv{Out: 4, Kernel: one}, x)
		x = b.Apply("a.act", &blocks.Activation{Func: blocks.ReLU6}, x)
		y := b.Apply("b", &blocks.Conv{Out: 4, Kernel: one}, x)
		z := b.Apply("b.act", &blocks.Activation{Func: blocks.ReLU}, y)
		return b.Apply("add", &blocks.Add{}, y, z)
	})
	m := lowered(t, n)
	if got, want := text(m), "CONV_2D CONV_2D RELU ADD"; got != want {
		t.Fatalf("written as %s, want %s", got, want)
	}
	if m.Operators[0].Options["activation"] != Relu6 || m.Operators[1].Options["activation"] != None {
		t.Errorf("activations are %v and %v, want relu6 and none", m.Operators[0].Options, m.Operators[1].Options)
	}
	if name := m.Tensors[m.Operators[0].Outputs[0]].Name; name != "a.act" {
		t.Errorf("a fused output is called %q, want the activation's name", name)
	}
}

func TestRefused(t *testing.T) {
	s := blocks.Shape{H: 8, W: 8, C: 4}
	for _, op := range []blocks.Op{
		&blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Dilation: [2]int{2, 2}},
		&blocks.Normalize{},
	} {
		n := build(t, s, func(b *blocks.Builder, x blocks.Value) blocks.Value { return b.Apply("strange", op, x) })
		_, err := Lower(n, blocks.NewWeights(n, 1))
		if err == nil || !strings.Contains(err.Error(), `node "strange"`) || !strings.Contains(err.Error(), op.Kind()) {
			t.Errorf("%s: error is %v, want one that names node and op", op.Kind(), err)
		}
	}
}

// TestRoundTrip reads what it writes, for every network of the zoo's separable families that is small.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"mobilenet_v1@width=0.25,res=96", "mobilenet_v3_small@res=64", "shufflenet_v2@res=64",
		"squeezenet@res=96", "ds_cnn"} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		m := lowered(t, n)
		m.Metadata = []Metadata{{"arch", []byte("a | b")}}
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Encode(m)
		if err != nil || !bytes.Equal(file, again) {
			t.Errorf("%s: written twice, the files differ (%v)", name, err)
		}
		got, err := Decode(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range m.Operators {
			m.Operators[i].stored()
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%s: the file holds another model than was written", name)
		}
	}
}

// stored leaves of an operator's options those that are stored.
func (o *Operator) stored() {
	for k, v := range o.Options {
		if o.Options[k] = float64(float32(v)); v == byName[o.Name].missing(k) {
			delete(o.Options, k)
		}
	}
	if len(o.Options) == 0 {
		o.Options = nil
	}
}

// missing returns the value of an option that is not stored.
func (b *builtin) missing(name string) float64 {
	for _, o := range b.options {
		if o.name == name {
			return o.missing
		}
	}
	panic("no option " + name)
}

// TestNames checks the names of all operators against the numbers of those that are known.
func TestNames(t *testing.T) {
	for _, b := range builtins {
		if operatorNames[b.code] != b.name {
			t.Errorf("number %d is %s, want %s", b.code, operatorNames[b.code], b.name)
		}
	}
}

// condConv is a network of two convolutions whose weights are mixed, one of them depthwise.
func condConv(t *testing.T) *blocks.Network {
	t.Helper()
	return build(t, blocks.Shape{H: 9, W: 8, C: 4}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		for i, o := range []blocks.CondConv{
			{Experts: 3, Out: 6, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1)},
			{Experts: 2, Out: 6, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Groups: 6},
		} {
			name := string(rune('a' + i))
			shares := b.Apply(name+".mean", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
			shares = b.Apply(name+".linear", &blocks.Linear{Out: o.Experts, Bias: true}, shares)
			shares = b.Apply(name+".shares", &blocks.Activation{Func: blocks.Sigmoid}, shares)
			x = b.Apply(name, &o, x, shares)
		}
		return x
	})
}

// TestCondConv says convolutions of mixed weights in built-in operators of floats, and refuses them as integers.
func TestCondConv(t *testing.T) {
	n := condConv(t)
	w := blocks.NewWeights(n, 1)
	_, err := Quantize(n, w, QuantizeOptions{})
	if err == nil || !strings.Contains(err.Error(), "no form of 8-bit integers") {
		t.Errorf("quantised: %v", err)
	}
	m, err := Lower(n, w)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range peers(t) {
		if d := differ(p.outputs(t, m, [][]float32{image(n.Input())})[0], run(t, n, w)); !(d <= 1e-4) {
			t.Errorf("%s: differs by %.2g of the largest output", p.name, d)
		}
	}
}
