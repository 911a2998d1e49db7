package pytorch

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden keeps the text of one small network that has a bit of everything:
// blocks of the literature, a block class made for it, an unrolled head.
func TestGolden(t *testing.T) {
	n := built(t, "small_example", blocks.Shape{H: 32, W: 32, C: 3}, func(b *blocks.Builder, x blocks.Value) {
		x = blocks.Named{
			Name:  "stem",
			Block: blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.HSwish},
		}.Build(b, x)
		list := []blocks.Block{
			blocks.DepthwiseSeparable{Out: 16, Act: blocks.ReLU},
			blocks.InvertedResidual{
				Out:      24,
				Expanded: 48,
				Kernel:   5,
				Stride:   2,
				Act:      blocks.ReLU6,
				SE:       &blocks.SqueezeExcite{Hidden: 12, Gate: blocks.HSigmoid},
			},
			blocks.InvertedResidual{Out: 24, Expanded: 72, Act: blocks.ReLU6},
			blocks.InvertedResidual{Out: 24, Expanded: 72, Act: blocks.ReLU6},
			blocks.XceptionSeparable{Out: 32, PreAct: blocks.ReLU},
			blocks.XceptionSeparable{Out: 40, PreAct: blocks.ReLU},
		}
		inBlocks(list...)(b, x)
	})
	n.Meta = map[string]string{
		"arch":                 `32x32x3 | conv_k3 """ \`,
		"predicted_latency_ms": "0.25 (90 %: 0.2 to 0.3)",
		"latency_device":       "native, 1 thread",
	}
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "small_example.py")
	if *update {
		if err := os.WriteFile(path, []byte(m.Source()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Source() != string(want) {
		t.Errorf("%s differs; if the change is meant: go test -update, and read it.\n%s", path, m.Source())
	}
	if again, _ := New(n); again.Source() != m.Source() {
		t.Error("two writes differ")
	}
}

// TestReadable keeps the texts of the zoo in bounds: short lines, no network
// unrolled that has blocks, every name of a tensor once.
func TestReadable(t *testing.T) {
	for _, e := range zoo.Entries() {
		n, err := zoo.Get(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(n)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		lines := strings.Split(m.Source(), "\n")
		for _, l := range lines {
			if len(l) > lineLimit && strings.Contains(l, "self.") {
				t.Errorf("%s: a line of %d characters: %s", e.Name, len(l), l)
			}
		}
		if len(lines) > 300 {
			t.Errorf("%s: %d lines for %d ops", e.Name, len(lines), len(n.Nodes))
		}
		names := map[string]bool{}
		values := 0
		for _, x := range m.Tensors {
			if names[x.Name] {
				t.Errorf("%s: two tensors are called %s", e.Name, x.Name)
			}
			names[x.Name] = true
			values += x.form.len()
		}
		if want := n.Counts().Params; int64(values) < want {
			t.Errorf("%s: tensors have %d values, params are %d", e.Name, values, want)
		}
	}
}

// TestClasses pins which blocks find their class.
func TestClasses(t *testing.T) {
	for name, want := range map[string][]string{
		"mobilenet_v2":              {"class MobileNetV2(", "InvertedResidual(24, 24, 144, residual=True)", "nn.Linear(1280, num_classes)", "num_classes=1000"},
		"mobilenet_v1":              {"*(DepthwiseSeparable(512, 512, pointwise_act=nn.ReLU) for _ in range(5))"},
		"efficientnet_b0":           {"attention=SqueezeExcite("},
		"resnet50":                  {"Bottleneck(64, 64, 256, project=True)", "*(Bottleneck(256, 64, 256) for _ in range(2))"},
		"xception":                  {"*(XceptionBlockC() for _ in range(8))"},
		"shufflenet_v2":             {"left, y = x.chunk(2, dim=1)", "return channel_shuffle(y, 2)"},
		"squeezenet":                {"class SqueezeNetBlock("},
		"lraspp_mobilenet_v3_large": {"x = self.lraspp(x, stage4)", "size=skip.shape[2:]", "return F.interpolate(x, size=size"},
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(m.Source(), w) {
				t.Errorf("%s: no %q in\n%s", name, w, m.Source())
			}
		}
	}
}

// foreign is an op that PyTorch has no form for.
type foreign struct{ blocks.Softmax }

func (*foreign) Kind() string { return "foreign" }

func TestUnknownOp(t *testing.T) {
	n := built(t, "odd", blocks.Shape{H: 2, W: 2, C: 2}, func(b *blocks.Builder, x blocks.Value) {
		b.Apply("strange", &foreign{}, x)
	})
	if _, err := New(n); err == nil || !strings.Contains(err.Error(), `"strange"`) ||
		!strings.Contains(err.Error(), `"foreign"`) {
		t.Errorf("error is %v, want one that names node and op", err)
	}
	if err := Write(new(strings.Builder), &blocks.Network{}); err == nil {
		t.Error("an empty network was written")
	}
	for _, k := range blocks.Kinds() {
		if _, ok := forms[k]; !ok && k != "input" {
			t.Errorf("op %q has no form", k)
		}
	}
}

func TestNames(t *testing.T) {
	n := names{}
	for _, c := range [][2]string{
		{"a.b", "a_b"}, {"a/b", "a_b_2"}, {"train", "train_"}, {"class", "class_"}, {"/features/0/Conv", "features_0_Conv"}, {"0", "layer0"}, {"é", "layer"},
	} {
		if got := n.unique(c[0]); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
	for _, c := range [][2]string{
		{"mobilenet_v2@width=0.75", "MobileNetV2"}, {"mobile_17", "Mobile17"}, {"ab12cd34ef56", "Network"}, {"3d", "Network"}, {"", "Network"}, {"None", "Network"},
	} {
		if got := className(c[0], "Network"); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
}

// TestClassesAreFree wants num_classes only where nothing else depends on the
// width of the last layers.
func TestClassesAreFree(t *testing.T) {
	conv := &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}}
	for name, x := range map[string]struct {
		free  bool
		build func(b *blocks.Builder, x blocks.Value)
	}{
		"last": {true, func(b *blocks.Builder, x blocks.Value) { b.Act(blocks.ReLU, b.Apply("a", conv, x)) }},
		"two": {true, func(b *blocks.Builder, x blocks.Value) {
			b.Apply("sum", &blocks.Add{}, b.Apply("a", conv, x), b.Apply("b", conv, x))
		}},
		"read again": {false, func(b *blocks.Builder, x blocks.Value) {
			a := b.Apply("a", conv, x)
			b.Apply("sum", &blocks.Add{}, b.Apply("b", conv, a), a)
		}},
		"input": {false, func(b *blocks.Builder, x blocks.Value) { b.Apply("sum", &blocks.Add{}, b.Apply("a", conv, x), x) }},
	} {
		m, err := New(built(t, name, blocks.Shape{H: 2, W: 2, C: 4}, x.build))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(m.Source(), numClasses); got != x.free {
			t.Errorf("%s: a parameter for classes: %v, want %v", name, got, x.free)
		}
	}
}
