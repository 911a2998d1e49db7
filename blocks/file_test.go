package blocks

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// specimen holds every kind of op at least once.
func specimen(t testing.TB) *Network {
	b := NewBuilder("specimen", Shape{16, 12, 3})
	x := ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: HSwish, Epsilon: 1e-3}.Build(b, b.Input())
	b.Mark(1, 1)
	low := x
	x = Named{"ir", InvertedResidual{Out: 8, Expanded: 16, Act: ReLU6, SE: &SqueezeExcite{Hidden: 4}}}.Build(b, x)
	x = b.Apply("pool", &Pool{Pool: AvgPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: PadAll(1), Ceil: true,
		CountPad: true}, x)
	x = Named{"fuse", FeatureFusion{Out: 8, Fine: low, Act: ReLU}}.Build(b, x)
	x = b.Apply("concat", &Concat{}, x, low)
	x = b.Apply("shuffle", &ChannelShuffle{Groups: 4}, x)
	x = b.Apply("slice", &ChannelSlice{From: 2, To: 14}, x)
	x = b.Apply("lrn", &LRN{Size: 5, Alpha: 1e-4, Beta: 0.75, Bias: 2}, x)
	x = Conditional{ConvBNAct{Kernel: 3, Groups: Depthwise}, 2}.Build(b, x)
	x = ECA{}.Build(b, x)
	x = CBAM{Hidden: 3}.Build(b, x)
	x = b.Apply("nearest", &Resize{H: 9, W: 5, Mode: Nearest}, x)
	x = b.Apply("global", &GlobalPool{Pool: MaxPool}, x)
	x = b.Apply("fc", &Linear{Out: 4, Bias: true}, x)
	b.Apply("softmax", &Softmax{}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// outsiders holds every op that only networks from outside have, two outputs and a
// shared tensor.
func outsiders(t testing.TB) *Network {
	b := NewBuilder("outsiders", Shape{4, 5, 4})
	x := b.Input()
	s := b.Shape(x)
	x = b.Apply("rearrange", &Rearrange{
		H: []Stride{{s.W, s.C}}, W: []Stride{{s.H, s.W * s.C}}, C: []Stride{{s.C, 1}},
	}, x)
	x = b.Apply("border", &Border{Pad: Pad{Top: 1, Left: 2}, Front: 1, Mode: "reflect"}, x)
	x = b.Apply("select", &Select{Channels: []int{3, 1, 1, 0}}, x)
	x = b.Apply("up", &ConvTranspose{Out: 6, Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Groups: 2, Bias: true}, x)
	x = b.Apply("prelu", &PReLU{}, x)
	x = b.Apply("affine", &Affine{Scale: 1, Shift: 0.5, Scales: true}, x)
	x = b.Apply("leaky", &Unary{Func: "leaky_relu", Alpha: 0.1}, x)
	x = b.Apply("normalize", &Normalize{Groups: 3}, x)
	x = b.Apply("plain", &Normalize{Plain: true}, x)
	x = b.Apply("position", &Binary{Func: "add"}, x, b.Apply("embedding", &Constant{Shape: b.Shape(x)}, x))
	x = b.Apply("quant", &FakeQuant{Scale: 0.1, Low: -128, High: 127}, x)
	x = b.Apply("interpolate", &Interpolate{H: 4, W: 4, Mode: "cubic", Coordinates: "half_pixel", Cubic: -0.75}, x)
	x = b.Apply("attention", &MatMul{}, b.Apply("wide", &Conv{Out: 4, Kernel: [2]int{1, 1}}, x), x)
	x = b.Apply("norm", &Binary{Func: "div"}, x, b.Apply("reduce", &Reduce{Func: "l2", C: true}, x))
	x = b.Apply("first", &Conv{Out: 6, Kernel: [2]int{1, 1}}, x)
	b.Apply("second", &Conv{Out: 6, Kernel: [2]int{1, 1}, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	k := len(n.Nodes)
	n.Nodes[k-1].Shared = []int{k - 2, 0}
	n.Outputs = []int{k - 1, k - 2}
	if err := n.Infer(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFileRoundTrip(t *testing.T) {
	has := map[string]bool{}
	for _, n := range []*Network{specimen(t), outsiders(t)} {
		for _, nd := range n.Nodes {
			has[nd.Op.Kind()] = true
		}
		data, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var m Network
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*n, m) {
			t.Errorf("the network read differs from the one written:\n%s", data)
		}
	}
	for _, k := range Kinds() {
		if !has[k] {
			t.Errorf("the specimens lack op %q", k)
		}
	}
}

func TestFileErrorsNameTheCause(t *testing.T) {
	node := func(s string) string {
		return `{"format":"nas-network-1","name":"x","nodes":[` +
			`{"name":"input","op":"input","attrs":{"shape":{"H":4,"W":4,"C":2}}},` + s + `]}`
	}
	for _, c := range []struct{ file, want string }{
		{`{"format":"nas-network-2","name":"x","nodes":[]}`, `"nas-network-1"`},
		{`{"format":"nas-network-1","name":"x","nodes":[]}`, "input node"},
		{`{"format":"nas-network-1","nom":"x"}`, "nom"},
		{node(`{"name":"a","op":"gelu","inputs":["input"]}`), `unknown op "gelu"`},
		{node(`{"name":"a","op":"conv","attrs":{"depth":3},"inputs":["input"]}`), "depth"},
		{node(`{"name":"a","op":"conv","attrs":{"out":3,"kernel":[3,3]},"inputs":["b"]}`), `"b"`},
		{node(`{"name":"a","op":"conv","attrs":{"out":3,"kernel":[9,9]},"inputs":["input"]}`), "does not fit"},
		{node(`{"name":"a","op":"conv","attrs":{"out":4611686018427387904,"kernel":[1,1]},"inputs":["input"]}`), "2^31"},
		{node(`{"name":"a","op":"conv","attrs":{"out":1e30,"kernel":[1,1]},"inputs":["input"]}`), "1e30"},
		{node(`{"name":"input","op":"softmax","inputs":["input"]}`), "taken"},
		{node(`{"name":"a","op":"input","attrs":{"shape":{"H":4,"W":4,"C":2}}}`), "first node"},
		{node(`{"name":"a","op":"act","attrs":{"func":"gelu"},"inputs":["input"]}`), "gelu"},
	} {
		var n Network
		err := json.Unmarshal([]byte(c.file), &n)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngives %v, want an error with %q", c.file, err, c.want)
		}
	}
}

// FuzzFile: whatever is read can be counted, listed and written, and reads back
// as the same network.
func FuzzFile(f *testing.F) {
	data, err := json.Marshal(specimen(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":"nas-network-1","name":"x","nodes":[` +
		`{"name":"i","op":"input","attrs":{"shape":{"H":2147483648,"W":1,"C":1}}},` +
		`{"name":"a","op":"conv","attrs":{"out":1,"kernel":[32768,32768],"pad":{"top":1048576}},"inputs":["i"]}]}`))
	f.Add([]byte(`{"format":"nas-network-1","name":"x","nodes":[` +
		`{"name":"i","op":"input","attrs":{"shape":{"H":32768,"W":32768,"C":2}}},` +
		`{"name":"p","op":"pool","attrs":{"pool":"max","kernel":[32768,32768],` +
		`"pad":{"top":32767,"left":32767,"bottom":32767,"right":32767}},"inputs":["i"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var n Network
		if json.Unmarshal(data, &n) != nil {
			return
		}
		for i, nd := range n.Nodes {
			if err := nd.Shape.Check(); err != nil {
				t.Fatalf("node %d: %v", i, err)
			}
			for _, p := range n.Params(i) {
				if p.Len() < 1 || p.Len() > maxElems {
					t.Fatalf("node %d: parameter of %d values", i, p.Len())
				}
			}
			if m := nd.Op.MACs(n.InShapes(i)); m < 0 {
				t.Fatalf("node %d: %d MACs", i, m)
			}
		}
		n.Counts()
		n.Layers()
		n.ReceptiveField()
		again, err := json.Marshal(&n)
		if err != nil {
			t.Fatal(err)
		}
		var m Network
		if err := json.Unmarshal(again, &m); err != nil {
			t.Fatalf("%v in\n%s", err, again)
		}
		third, err := json.Marshal(&m)
		if err != nil || string(again) != string(third) {
			t.Fatalf("%v\n%s\n%s", err, again, third)
		}
	})
}
