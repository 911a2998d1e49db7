package tflite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/kernels/integer"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// The matrix of networks and runtimes. Without more it takes a part of the zoo in small sizes and a network of each
// config. NAS_TFLITE_SAMPLES=50 takes as many networks of each config's space, and the zoo in its own sizes.
// NAS_TFLITE_IMAGES=200 is the number of images for each network in small size (default 2).

// normalImages returns images of the normal distribution.
func normalImages(s blocks.Shape, n int) [][]float32 {
	r := rand.New(rand.NewPCG(11, 12))
	list := make([][]float32, n)
	for i := range list {
		list[i] = make([]float32, s.Elems())
		for k := range list[i] {
			list[i][k] = float32(r.NormFloat64())
		}
	}
	return list
}

// tally is what a comparison found.
type tally struct {
	networks       int
	worst          float64 // max|a-b| / max|b| of floats
	values, differ int     // of integers
	steps          float64 // the largest difference of integers
	places, top    int     // and how many have the same first place: images, or pixels of maps
}

func (a *tally) join(b tally) {
	a.worst, a.steps = max(a.worst, b.worst), max(a.steps, b.steps)
	a.networks += b.networks
	a.values, a.differ, a.places, a.top = a.values+b.values, a.differ+b.differ, a.places+b.places, a.top+b.top
}

func (a tally) String() string {
	return fmt.Sprintf(
		"float %.2g, int8 %d of %d values differ by at most %v, top-1 %d of %d",
		a.worst,
		a.differ,
		a.values,
		a.steps,
		a.top,
		a.places,
	)
}

// comparison is a network as floats and as integers, with what both compute here.
type comparison struct {
	n                *blocks.Network
	floats, integers *Model
	images           [][]float32 // of the integers; the floats take two of them
	want             [][]float32
	exact            map[string][][]float32 // by the arithmetic of each runtime
}

// meanOfLiteRT multiplies the sum and the zero points of all pixels by one scale, adds the output's zero point to the
// second product, and rounds what both come to, all in float32.
func meanOfLiteRT(dst, src []int32, c int, in, out integer.Grid) {
	n := len(src) / c
	scale := in.Scale / out.Scale * (1 / float32(n))
	bias := float32(float32(-int32(n)*in.Zero)*scale) + float32(out.Zero)
	for k := range c {
		var sum int32
		for i := range n {
			sum += src[i*c+k]
		}
		dst[k] = out.Clamp(int32(math.RoundToEven(float64(float32(float32(sum)*scale) + bias))))
	}
}

// sigmoidOfLiteRT rounds after the zero point is added in float32.
func sigmoidOfLiteRT(in, out integer.Grid) []int32 {
	t := make([]int32, in.High-in.Low+1)
	for i := range t {
		v := float32(blocks.Sigmoid.Apply(float64(in.Real(in.Low+int32(i))))) / out.Scale
		t[i] = out.Clamp(int32(math.RoundToEven(float64(v + float32(out.Zero)))))
	}
	return t
}

// runBoth returns the first output of a model by the arithmetic of each runtime. It computes a second time only where
// they differ.
func runBoth(t *testing.T, m *Model, x []float32) map[string][]float32 {
	t.Helper()
	alike, liteRT := true, arithmetic{meanOfLiteRT, sigmoidOfLiteRT}
	first, err := m.run(x, arithmetic{
		func(dst, src []int32, c int, in, out integer.Grid) {
			other := make([]int32, c)
			liteRT.mean(other, src, c, in, out)
			xnnpack.mean(dst, src, c, in, out)
			alike = alike && slices.Equal(dst, other)
		},
		func(in, out integer.Grid) []int32 {
			table := xnnpack.sigmoid(in, out)
			alike = alike && slices.Equal(table, liteRT.sigmoid(in, out))
			return table
		},
	})
	second := first
	if err == nil && !alike {
		second, err = m.run(x, liteRT)
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]float32{"TensorFlow Lite": first[0], "LiteRT.js": second[0]}
}

// compared makes one and computes it here. Of several outputs the first is compared, which is another one of each seed.
func compared(t *testing.T, n *blocks.Network, seed uint64, images int) comparison {
	t.Helper()
	if k := len(n.Outputs); k > 1 {
		at := seed % uint64(k)
		n.Outputs = slices.Concat(n.Outputs[at:], n.Outputs[:at])
	}
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	c := comparison{n: n, images: normalImages(n.Input(), images)}
	var err error
	if c.floats, err = Lower(n, w); err != nil {
		t.Fatal(err)
	}
	o := QuantizeOptions{FloatEdges: true, Images: SeededImages(n.Input(), seed)[:2], Run: engine.Activations}
	if c.integers, err = Quantize(n, w, o); err != nil {
		t.Fatal(err)
	}
	c.want = runImages(t, n, w, c.images[:min(2, images)])
	c.exact = map[string][][]float32{}
	for _, x := range c.images {
		for name, out := range runBoth(t, c.integers, x) {
			c.exact[name] = append(c.exact[name], out)
		}
	}
	return c
}

// flat reports whether all outputs of the first image are the same integer, which compares little: those of two classes
// of random weights may well be.
func (c *comparison) flat() bool {
	y := c.exact["LiteRT.js"][0]
	return slices.Max(y) == slices.Min(y)
}

// agree runs networks as floats on two images and as integers on all, in each runtime. It wants
// max|a-b| <= 1e-4 max|b| of floats, and one step of integers.
func agree(t *testing.T, list ...comparison) map[string]tally {
	t.Helper()
	var runs []request
	for _, c := range list {
		runs = append(runs, request{c.floats, c.images[:len(c.want)]}, request{c.integers, c.images})
	}
	all := map[string]tally{}
	for _, p := range peers(t) {
		var sum tally
		outs := p.runs(t, runs)
		for i, c := range list {
			var a tally
			for k, got := range outs[2*i] {
				d := differ(got, c.want[k])
				if a.worst = max(a.worst, d); !(d <= 1e-4) {
					t.Errorf("%s, %s: floats differ by %.2g of the largest output", c.n.Name, p.name, d)
				}
			}
			out := c.integers.Outputs[0]
			last := slices.IndexFunc(c.integers.Operators, func(o Operator) bool { return o.Outputs[0] == out })
			step := float64(c.integers.Tensors[c.integers.Operators[last].Inputs[0]].Scale[0])
			for k, got := range outs[2*i+1] {
				a.join(compareSteps(got, c.exact[p.name][k], step, c.n.Output().C))
			}
			if a.steps > 1 {
				t.Errorf("%s, %s: integers differ by %v steps", c.n.Name, p.name, a.steps)
			}
			t.Logf("%s, %s: %v", c.n.Name, p.name, a)
			a.networks = 1
			sum.join(a)
		}
		all[p.name] = sum
	}
	return all
}

// compareSteps compares reals on a grid: vectors, or pixels, of classes.
func compareSteps(a, b []float32, step float64, classes int) (c tally) {
	for k := range a {
		d := math.Round(math.Abs(float64(a[k]-b[k])) / step)
		if c.values++; d > 0 {
			c.steps, c.differ = max(c.steps, d), c.differ+1
		}
	}
	for ; len(a) > 0; a, b = a[classes:], b[classes:] {
		if c.places++; first(a[:classes]) == first(b[:classes]) {
			c.top++
		}
	}
	return c
}

// first returns where the largest value is.
func first(v []float32) int { return slices.Index(v, slices.Max(v)) }

// runImages computes a network's first output in the engine.
func runImages(t *testing.T, n *blocks.Network, w *blocks.Weights, images [][]float32) [][]float32 {
	t.Helper()
	p, err := engine.Compile(n, engine.Host(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	outs := make([][]float32, len(images))
	for i, x := range images {
		outs[i] = make([]float32, p.OutLen())
		if err := p.Run(outs[i], x); err != nil {
			t.Fatal(err)
		}
		outs[i] = outs[i][:n.Output().Elems()]
	}
	return outs
}

// smallZoo are networks of each family in a size that takes a second.
var smallZoo = []string{
	"mobilenet_v1@res=64", "mobilenet_v2@res=64", "mobilenet_v3_small@res=64", "mobilenet_v3_small_minimalistic@res=64",
	"mobilenet_v3_large@res=64", "mobilenet_v4_conv_small@res=64", "mobilenet_v4_conv_medium@res=64", "pp_lcnet@res=64",
	"ds_cnn", "mnasnet_b1@res=64", "mnasnet_a1@res=64", "proxyless_mobile@res=64", "fbnet_c@res=64", "efficientnet_b0@res=64",
	"efficientnet_lite0@res=64", "tinynet_d@res=64", "shufflenet_v2@res=64", "xception@res=64", "squeezenet@res=64",
	"inception_v3@res=75", "resnet50@res=64", "fast_scnn@res=64", "deeplabv3_mobilenet_v2@res=65",
	"deeplabv3_mobilenet_v3_large@res=64", "lraspp_mobilenet_v3_large@res=64", "ssdlite_mobilenet_v3_large@width=0.5,res=96,classes=5",
}

// sum logs what several networks came to, and wants the same first place of 99 % of the images.
func sum(t *testing.T, what string, list []map[string]tally) {
	t.Helper()
	for _, p := range peers(t) {
		var a tally
		for _, m := range list {
			a.join(m[p.name])
		}
		t.Logf("%s: %d networks, %s: %v", what, a.networks, p.name, a)
		if a.places >= 100 && a.top*100 < a.places*99 {
			t.Errorf("%s, %s: top-1 equal for %d of %d, want 99 %%", what, p.name, a.top, a.places)
		}
	}
}

func TestZooInRuntimes(t *testing.T) {
	peers(t)
	images := setting(t, "NAS_TFLITE_IMAGES", 2)
	var list []map[string]tally
	for i, name := range smallZoo {
		t.Run(name, func(t *testing.T) {
			n, err := zoo.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			c := compared(t, n, uint64(i), images)
			if c.flat() {
				t.Error("all outputs are one integer, which compares nothing")
			}
			list = append(list, agree(t, c))
		})
	}
	sum(t, "zoo", list)
}

// TestZooFullSizeInRuntimes leaves out networks of more than 5 billion multiply-accumulates, whose integers take long.
func TestZooFullSizeInRuntimes(t *testing.T) {
	peers(t)
	if os.Getenv("NAS_TFLITE_SAMPLES") == "" {
		t.Skip("skipped: the zoo in its own sizes takes minutes; NAS_TFLITE_SAMPLES=50 runs it")
	}
	var list []map[string]tally
	for i, e := range zoo.Entries() {
		t.Run(e.Name, func(t *testing.T) {
			n, err := zoo.Get(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			if n.Counts().MACs > 5e9 {
				t.Skip("skipped: of more than 5 billion multiply-accumulates")
			}
			if slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool { return nd.Op != nil && nd.Op.Kind() == "lrn" }) {
				t.Skip("skipped: LOCAL_RESPONSE_NORMALIZATION has no form of 8-bit integers")
			}
			list = append(list, agree(t, compared(t, n, uint64(i), 1)))
		})
	}
	sum(t, "zoo in its own sizes", list)
}

func TestSpacesInRuntimes(t *testing.T) {
	peers(t)
	samples := setting(t, "NAS_TFLITE_SAMPLES", 1)
	files, err := filepath.Glob("../../configs/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configs: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := space.New(c.Space)
			if err != nil {
				t.Fatal(err)
			}
			var list []map[string]tally
			flat := 0
			var some []comparison // at once, for starting a runtime takes longer than running
			r := rand.New(rand.NewPCG(41, 42))
			for i := range samples {
				n, err := s.Arch(s.Sample(r)).Network()
				if err != nil {
					t.Fatal(err)
				}
				some = append(some, compared(t, n, uint64(i), 1))
				if some[len(some)-1].flat() {
					flat++
				}
				if len(some) == 10 || i == samples-1 {
					list, some = append(list, agree(t, some...)), nil
				}
			}
			sum(t, name, list)
			if flat*10 > samples {
				t.Errorf("all outputs of %d of %d networks are one integer", flat, samples)
			}
		})
	}
}
