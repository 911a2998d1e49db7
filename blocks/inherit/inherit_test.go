package inherit_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/inherit"
	"nas/blocks/zoo"
	"nas/space"
)

func network(t *testing.T, arch string) *blocks.Network {
	t.Helper()
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// trained are weights whose batch normalisations are as uneven as those of a training.
func trained(n *blocks.Network, seed uint64) *blocks.Weights {
	w := blocks.NewWeights(n, seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n.Nodes {
		for k, p := range n.Params(i) {
			if len(p.Dims) == 1 {
				for c := range w.Node(i)[k] {
					w.Node(i)[k][c] = float32(0.5 + r.Float64())
				}
			}
		}
	}
	return w
}

// answer is what a network answers to noise.
func answer(t *testing.T, n *blocks.Network, w *blocks.Weights) []float32 {
	t.Helper()
	p, err := engine.Compile(n, engine.Host(1), engine.Options{})
	if err == nil {
		err = p.Bind(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, p.InLen()), make([]float32, p.OutLen())
	r := rand.New(rand.NewPCG(7, 7))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	if err := p.Run(y, x); err != nil {
		t.Fatal(err)
	}
	return y
}

// same tells whether two networks have the same weights, to the bit.
func same(n *blocks.Network, a, b *blocks.Weights) bool {
	for i := range n.Nodes {
		if !slices.EqualFunc(a.Node(i), b.Node(i), func(x, y []float32) bool { return slices.Equal(x, y) }) {
			return false
		}
	}
	return true
}

const plain = "16x16x3 | conv_k3_s2_c8_relu | ds_k3_s1_c8_relu_both | " +
	"mbconv_k3_s2_x24_c12_hswish mbconv_k3_s1_x24_c12_hswish_res | " +
	"mbconv_k5_s1_x36_c16_relu_se8:relu:sigmoid | classifier_c24_relu_n5"

// replaced is plain with some texts in place of others.
func replaced(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(plain) }

// TestSame wants a child that is its parent to have its weights, to the bit, whatever its ops.
func TestSame(t *testing.T) {
	nets := []*blocks.Network{network(t, plain)}
	for _, name := range []string{
		"mobilenet_v2@width=0.35,res=32", "mobilenet_v3_small@res=32", "shufflenet_v2@width=0.5,res=32",
		"squeezenet@res=64", "mnasnet@width=0.35,res=32", "efficientnet_lite0@res=32", "resnet18@res=32",
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		nets = append(nets, n)
	}
	if len(nets) < 5 {
		t.Errorf("only %d networks", len(nets))
	}
	for _, n := range nets {
		from := trained(n, 1)
		to, report, err := inherit.Weights(n, n, from, 2)
		if err != nil {
			t.Errorf("%s: %v", n.Name, err)
			continue
		}
		if !same(n, from, to) || report.Inherited != report.Values || len(report.Drawn)+len(report.Left) > 0 {
			t.Errorf("%s: other weights: %+v", n.Name, *report)
		}
	}
}

// grown are children that have more than plain.
var grown = map[string]string{
	"more channels between": replaced("x24_c12_hswish_res", "x40_c12_hswish_res"),
	"more at several":       replaced("x24", "x32", "c24_relu_n5", "c40_relu_n5"),
	"wider stages":          replaced("c12", "c20", "c16_relu_se", "c24_relu_se"),
	"a wider stem":          replaced("s2_c8", "s2_c12"),
	"larger kernels":        replaced("mbconv_k3_s1", "mbconv_k5_s1", "ds_k3", "ds_k7"),
	"a block more":          replaced("hswish_res |", "hswish_res mbconv_k3_s1_x24_c12_hswish_res |"),
	"two of another size": replaced("hswish_res |",
		"hswish_res mbconv_k5_s1_x36_c12_hswish_res mbconv_k3_s1_x24_c12_hswish_res |"),
	"all of it": replaced("c8", "c16", "k3", "k5", "x24", "x48", "c12", "c16", "c16_relu_se", "c32_relu_se",
		"hswish_res |", "hswish_res mbconv_k3_s1_x48_c16_hswish_res |"),
}

// TestGrown wants a child with more channels, larger kernels or more residual blocks to answer what its parent answers,
// and, unless channels are new on both sides of a layer, to give a child of its own, which is the parent again, the
// parent's weights.
func TestGrown(t *testing.T) {
	parent := network(t, plain)
	from := trained(parent, 1)
	want := answer(t, parent, from)
	for name, arch := range grown {
		child := network(t, arch)
		to, report, err := inherit.Weights(child, parent, from, 2)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := to.Check(child); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(report.Left) > 0 || report.Inherited > report.Values {
			t.Errorf("%s: %+v", name, *report)
		}
		far := 0.0
		for i, v := range answer(t, child, to) {
			far = max(far, math.Abs(float64(v-want[i]))/(1+math.Abs(float64(want[i]))))
		}
		if !(far < 1e-4) {
			t.Errorf("%s: the answers differ by %g", name, far)
		}
		if name == "all of it" { // channels that are new read others that are new: some of these are worth more than old ones
			continue
		}
		back, _, err := inherit.Weights(parent, child, to, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !same(parent, from, back) {
			t.Errorf("%s: what the child passes on is not what it had", name)
		}
	}
}

// TestChanged wants weights for children that have something else than their parent, and the report to name it.
func TestChanged(t *testing.T) {
	parent := network(t, plain)
	from := trained(parent, 1)
	for _, c := range []struct{ name, arch, drawn, left string }{
		{"an activation", replaced("hswish", "relu6"), "", ""},
		{"a dilation", replaced("mbconv_k5_s1_x36", "mbconv_k5_s1_d2_x36"), "", ""},
		{"a gate", replaced("_se8:relu:sigmoid", ""), "", "stage3.block1.se.reduce stage3.block1.se.expand"},
		{"a block less", replaced(" mbconv_k3_s1_x24_c12_hswish_res", ""), "", "stage2.block2.expand.conv"},
		{"a fused block", replaced("mbconv_k3_s2_x24", "fused_k3_s2_x24"), "stage2.block1.fused.conv",
			"stage2.block1.depthwise.conv"},
		{"classes", replaced("_n5", "_n7"), "head.classifier", ""},
		{"a larger image", replaced("16x16x3", "24x20x3"), "", ""},
	} {
		child := network(t, c.arch)
		to, report, err := inherit.Weights(child, parent, from, 2)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := to.Check(child); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		has := func(list []string, want string) bool {
			for _, w := range strings.Fields(want) {
				if !slices.Contains(list, w) {
					return false
				}
			}
			return want != "" || len(list) == 0
		}
		if !has(report.Drawn, c.drawn) || !has(report.Left, c.left) {
			t.Errorf("%s: drawn %q and left %q, want %q and %q", c.name, report.Drawn, report.Left, c.drawn, c.left)
		}
	}
}

// TestKeepsWhatMatters wants a child with fewer channels to take those by which the answer is made.
func TestKeepsWhatMatters(t *testing.T) {
	parent := network(t, replaced("x24_c12_hswish_res", "x40_c12_hswish_res"))
	child := network(t, plain)
	from := trained(parent, 1)
	r := rand.New(rand.NewPCG(3, 3))
	dead := r.Perm(40)[:16]
	for i, nd := range parent.Nodes {
		if nd.Name == "stage2.block2.project.conv" {
			for _, c := range dead {
				clear(from.Node(i)[0][c*12:][:12])
			}
		}
	}
	to, _, err := inherit.Weights(child, parent, from, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := answer(t, parent, from)
	for i, v := range answer(t, child, to) {
		if math.Abs(float64(v-want[i])) > 1e-4*(1+math.Abs(float64(want[i]))) {
			t.Fatalf("the child answers %g, and the parent %g", v, want[i])
		}
	}
}

// TestEveryPair wants complete weights for every pair of networks of one input, however far apart.
func TestEveryPair(t *testing.T) {
	archs := []string{plain,
		"16x16x3 | conv_k3_s2_c16_relu6 | ds_k3_s1_c8_relu6_both | classifier_n5",
		"16x16x3 | conv_k3_s1_c12_relu | conv_k3_s2_c16_relu | xception_k3_s2_c24_relu | classifier_c16_h12_relu_n5",
	}
	for _, arch := range grown {
		archs = append(archs, arch)
	}
	slices.Sort(archs)
	for _, a := range archs {
		parent := network(t, a)
		for _, b := range archs {
			child := network(t, b)
			to, _, err := inherit.Weights(child, parent, trained(parent, 1), 2)
			if err == nil {
				err = to.Check(child)
			}
			if err != nil {
				t.Errorf("%s from %s: %v", b, a, err)
			}
		}
	}
}

// TestRefused wants an error that names what cannot be inherited, and from what.
func TestRefused(t *testing.T) {
	build := func(in blocks.Shape, f func(b *blocks.Builder)) *blocks.Network {
		b := blocks.NewBuilder("n", in)
		f(b)
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	rgb := blocks.Shape{H: 8, W: 8, C: 3}
	flat := func(b *blocks.Builder) { b.Apply("flat", &blocks.Linear{Out: 4}, b.Input()) }
	for _, c := range []struct {
		child, parent *blocks.Network
		want          []string
	}{
		{build(rgb, flat), build(blocks.Shape{H: 8, W: 8, C: 1}, flat), []string{"3 channels", "the same images"}},
		{build(rgb, flat), build(blocks.Shape{H: 4, W: 8, C: 3}, flat), []string{"flat", `"linear"`, "8x8x3", "4x8x3"}},
		{build(rgb, flat), build(rgb, func(b *blocks.Builder) { b.Apply("other", &blocks.Linear{Out: 4}, b.Input()) }),
			[]string{"no layer", "the same space"}},
	} {
		_, _, err := inherit.Weights(c.child, c.parent, blocks.NewWeights(c.parent, 1), 1)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want it to say %q", err, want)
			}
		}
	}
	n := build(rgb, flat)
	if _, _, err := inherit.Weights(n, n, blocks.EmptyWeights(n), 1); err == nil {
		t.Error("weights that are not there were taken")
	}
}

func Example() {
	parse := func(text string) *blocks.Network {
		a, err := space.Parse(text)
		if err != nil {
			panic(err)
		}
		n, err := a.Network()
		if err != nil {
			panic(err)
		}
		return n
	}
	parent := parse("8x8x3 | conv_k3_s2_c8_relu | mbconv_k3_s1_x16_c8_relu_res | classifier_n4")
	child := parse("8x8x3 | conv_k3_s2_c8_relu | mbconv_k3_s1_x24_c8_relu_res | classifier_n4")
	_, report, err := inherit.Weights(child, parent, blocks.NewWeights(parent, 1), 2)
	fmt.Println(report.Inherited*100/report.Values, "per cent of the values are inherited,", report.Drawn, "drawn,", err)
	// Output: 81 per cent of the values are inherited, [] drawn, <nil>
}
