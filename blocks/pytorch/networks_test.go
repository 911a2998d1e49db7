package pytorch

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
)

// built returns the network that f appends.
func built(t testing.TB, name string, in blocks.Shape, f func(b *blocks.Builder, x blocks.Value)) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(name, in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inBlocks appends each block as block 1, 2 ... of one stage.
func inBlocks(list ...blocks.Block) func(b *blocks.Builder, x blocks.Value) {
	return func(b *blocks.Builder, x blocks.Value) {
		for i, p := range list {
			b.Mark(1, i+1)
			x = blocks.Named{Name: "stage1.block" + string(rune('1'+i)), Block: p}.Build(b, x)
		}
		b.Mark(2, 0)
		x = b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		b.Apply("head.classifier", &blocks.Linear{Out: 5, Bias: true}, x)
	}
}

// oddNetworks hold what the zoo and the configs' spaces do not: every op kind,
// every form of padding, every block of package blocks.
func oddNetworks(t testing.TB) []*blocks.Network {
	pool := func(kind blocks.PoolKind, k, s int, p blocks.Pad, ceil, count bool) *blocks.Pool {
		return &blocks.Pool{Pool: kind, Kernel: [2]int{k, k}, Stride: [2]int{s, s}, Pad: p, Ceil: ceil, CountPad: count}
	}
	lopsided := blocks.Pad{Top: 0, Left: 1, Bottom: 2, Right: 1}
	return []*blocks.Network{
		built(t, "pools", blocks.Shape{H: 9, W: 11, C: 4}, func(b *blocks.Builder, x blocks.Value) {
			var all []blocks.Value
			for _, kind := range []blocks.PoolKind{blocks.MaxPool, blocks.AvgPool} {
				for _, pad := range []blocks.Pad{{}, blocks.PadAll(1), blocks.PadAll(2), lopsided} {
					for _, ceil := range []bool{false, true} {
						for _, count := range []bool{false, true} {
							v := b.Apply("pool", pool(kind, 3, 2, pad, ceil, count), x)
							all = append(all, b.Apply("resize", &blocks.Resize{H: 5, W: 7, AlignCorners: ceil}, v))
						}
					}
				}
			}
			b.Apply("join", &blocks.Concat{}, all...)
		}),
		built(t, "resizes", blocks.Shape{H: 5, W: 6, C: 3}, func(b *blocks.Builder, x blocks.Value) {
			for _, r := range []blocks.Resize{
				{H: 10, W: 12, Mode: blocks.Nearest}, {H: 7, W: 5, Mode: blocks.Nearest}, {H: 49, W: 41, Mode: blocks.Nearest},
				{H: 4, W: 9}, {H: 1, W: 1, AlignCorners: true}, {H: 5, W: 6},
			} {
				x = b.Apply("resize", &r, x)
			}
			b.Apply("add", &blocks.Add{}, x, b.Input(), b.Input())
		}),
		built(t, "attention", blocks.Shape{H: 8, W: 8, C: 8}, inBlocks(
			blocks.InvertedResidual{Out: 8, Expanded: 24, Act: blocks.ReLU6, Attention: blocks.ECA{}},
			blocks.InvertedResidual{Out: 8, Expanded: 24, Act: blocks.HSwish, Attention: blocks.CBAM{Hidden: 6}},
			blocks.InvertedResidual{
				Out:      8,
				Expanded: 24,
				Act:      blocks.Swish,
				SE:       &blocks.SqueezeExcite{Hidden: 4, Gate: blocks.HSigmoid},
			},
			blocks.FusedInvertedResidual{
				Out:       8,
				Expanded:  16,
				Act:       blocks.Swish,
				Attention: blocks.CBAM{Hidden: 2, Kernel: 3},
			},
			blocks.DepthwiseSeparable{
				Out:        8,
				Act:        blocks.Sigmoid,
				Multiplier: 2,
				Residual:   true,
				Attention:  blocks.ECA{Kernel: 5, Gate: blocks.HSigmoid},
			},
			blocks.DepthwiseSeparable{Out: 12, Kernel: 5, Dilation: 2, Act: blocks.ReLU, ActAfter: blocks.AfterPointwise},
			blocks.XceptionSeparable{Out: 12, PreAct: blocks.ReLU, Residual: true},
			blocks.XceptionSeparable{Out: 12, PreAct: blocks.ReLU, Residual: true},
		)),
		built(t, "mixed", blocks.Shape{H: 8, W: 8, C: 8}, inBlocks(
			blocks.Conditional{ConvBNAct: blocks.ConvBNAct{Out: 12, Kernel: 3, Stride: 2, Act: blocks.ReLU}, Experts: 3},
			blocks.Conditional{
				ConvBNAct: blocks.ConvBNAct{Kernel: 5, Groups: blocks.Depthwise, Act: blocks.HSwish},
				Experts:   2,
			},
			blocks.ConvBNAct{Out: 16, Kernel: 3, Groups: 4, Shuffle: true, Act: blocks.ReLU},
			blocks.ConvBNAct{Out: 16, Kernel: 3, Groups: 4, Shuffle: true, Act: blocks.ReLU},
			blocks.ConvBNAct{Out: 16, Kernel: 3, Dilation: 2, Epsilon: 1e-3},
			blocks.InvertedResidual{Out: 16, Expanded: 32, Act: blocks.ReLU, ProjectAct: blocks.ReLU6, Epsilon: 1e-3},
			blocks.InvertedResidual{Out: 16, Expanded: 16, KeepExpand: true, Act: blocks.ReLU, NoResidual: true},
		)),
		built(t, "rows", blocks.Shape{H: 6, W: 7, C: 6}, func(b *blocks.Builder, x blocks.Value) {
			a := b.Apply("first", &blocks.ChannelSlice{To: 2}, x)
			c := b.Apply("rest", &blocks.ChannelSlice{From: 2, To: 6}, x)
			c = b.Apply("lrn", &blocks.LRN{Size: 3, Alpha: 0.5, Beta: 0.75, Bias: 1.5}, c)
			c = b.Apply("conv", &blocks.Conv{Out: 4, Kernel: [2]int{3, 2}, Pad: blocks.Pad{Top: 2, Right: 1}, Bias: true}, c)
			v := b.Apply("mean", &blocks.ChannelPool{Pool: blocks.AvgPool}, c)
			c = b.Apply("weigh", &blocks.Mul{}, c, v)
			e := b.Apply("shares.linear", &blocks.Linear{Out: 3}, x)
			e = b.Apply("shares", &blocks.Softmax{}, e)
			c = b.Apply("cond", &blocks.CondConv{Experts: 3, Out: 4, Kernel: [2]int{2, 3},
				Pad: blocks.Pad{Bottom: 1, Left: 2}, Groups: 2}, c, e)
			y := b.Apply("join", &blocks.Concat{}, a, c)
			y = b.Apply("stack", &blocks.Stack{}, y, x)
			y = b.Apply("sum", &blocks.SumPixels{}, y)
			y = b.Apply("taps", &blocks.ChannelConv{Kernel: 3}, y)
			y = b.Apply("lambda", &blocks.Linear{Out: 9}, y)
			y = b.Apply("bn", &blocks.BatchNorm{}, y)
			y = b.Apply("train", &blocks.Activation{Func: blocks.Swish}, y)
			y = b.Apply("same", &blocks.Activation{}, y)
			b.Apply("class", &blocks.Softmax{}, y)
		}),
		outsiders(t),
		oddNames(t),
		heads(t),
	}
}

// oddNames has names as other exporters give them, no marks, and outputs that are read again.
func oddNames(t testing.TB) *blocks.Network {
	return built(t, `3 "odd\ names`, blocks.Shape{H: 7, W: 7, C: 3}, func(b *blocks.Builder, x blocks.Value) {
		for _, name := range []string{"/features/0/Conv", "/features/0 Conv", `head."""\.a`, `head."""\.b`, `head."""\.c`,
			`head."""\.d`, "self", "x", "torch.F"} {
			x = b.Apply(name, &blocks.Conv{Out: 4, Kernel: [2]int{1, 1}, Bias: true}, x)
		}
		y := b.Apply("0", &blocks.Activation{Func: blocks.ReLU}, x)
		z := b.Apply("1", &blocks.ChannelPool{Pool: blocks.MaxPool}, x)
		y = b.Apply("2", &blocks.Mul{}, y, z)
		p := b.Apply("channel_shuffle", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1)}, y)
		y = b.Apply("mixed", &blocks.ChannelShuffle{Groups: 2}, p)
		y = b.Apply("sum", &blocks.Add{}, y, p, x)
		b.Apply("again", &blocks.Resize{H: 7, W: 7}, y)
	})
}

// heads has the heads of segmentation networks.
func heads(t testing.TB) *blocks.Network {
	return built(t, "heads", blocks.Shape{H: 32, W: 48, C: 3}, func(b *blocks.Builder, x blocks.Value) {
		fine := blocks.Named{Name: "stem", Block: blocks.LearningToDownsample{Channels: [3]int{4, 6, 8},
			Act: blocks.ReLU}}.Build(b, x)
		b.Mark(1, 1)
		x = blocks.Named{Name: "stage1.block1", Block: blocks.InvertedResidual{Out: 12, Expanded: 16, Stride: 2,
			Act: blocks.ReLU}}.Build(b, fine)
		b.Mark(2, 0)
		b.Scope("head", func() {
			x = blocks.Named{Name: "aspp", Block: blocks.ASPP{Out: 8, Rates: []int{2, 3}, Act: blocks.ReLU}}.Build(b, x)
			x = blocks.Named{Name: "context", Block: blocks.PyramidPooling{Out: 8, Bins: []int{1, 2},
				Act: blocks.ReLU}}.Build(b, x)
			x = blocks.Named{Name: "fusion", Block: blocks.FeatureFusion{Out: 8, Fine: fine, Act: blocks.ReLU}}.Build(b, x)
			x = blocks.Named{Name: "lraspp", Block: blocks.LRASPP{Hidden: 8, Classes: 4, Low: fine,
				Act: blocks.ReLU}}.Build(b, x)
			b.Apply("resize", &blocks.Resize{H: 32, W: 48}, x)
		})
	})
}

// settled draws weights in which no term is trivial, and an input; batch
// normalisations get statistics of the size of what reaches them. It returns
// the reference's output.
func settled(t testing.TB, n *blocks.Network, seed uint64) (w *blocks.Weights, in []float32, out []float32) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	w = blocks.NewWeights(n, seed)
	in = normal(r, n.Input().Elems())
	acts := make([]blocks.Tensor, len(n.Nodes))
	acts[0] = blocks.Tensor{Shape: n.Input(), Data: in}
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		src := make([]blocks.Tensor, len(nd.Inputs))
		for k, j := range nd.Inputs {
			src[k] = acts[j]
		}
		ps := w.Node(i)
		if _, ok := nd.Op.(*blocks.BatchNorm); ok {
			var power float64
			for _, v := range src[0].Data {
				power += float64(v) * float64(v) / float64(len(src[0].Data))
			}
			for c := range ps[0] {
				ps[0][c], ps[1][c] = 0.5+r.Float32(), float32(r.NormFloat64())/4
				ps[2][c], ps[3][c] = float32(r.NormFloat64()*math.Sqrt(power))/4, float32(power)*(0.5+r.Float32())
			}
		} else if len(ps) == 2 {
			copy(ps[1], normal(r, len(ps[1])))
		}
		acts[i] = blocks.Tensor{Shape: nd.Shape, Data: make([]float32, nd.Shape.Elems())}
		nd.Op.Eval(acts[i], src, ps)
	}
	return w, in, chw(n.Output(), acts[len(acts)-1].Data)
}

func normal(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// chw turns one image from HWC to CHW order.
func chw(s blocks.Shape, hwc []float32) []float32 {
	out := make([]float32, len(hwc))
	for p := range s.Pixels() {
		for c := range s.C {
			out[c*s.Pixels()+p] = hwc[p*s.C+c]
		}
	}
	return out
}

// TestOddNetworksHoldEveryOp keeps the list above complete.
func TestOddNetworksHoldEveryOp(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range oddNetworks(t) {
		for _, nd := range n.Nodes {
			seen[nd.Op.Kind()] = true
		}
	}
	for _, k := range blocks.Kinds() {
		if !seen[k] && !strings.HasPrefix(k, "test_") {
			t.Errorf("no network of this test has an op %q", k)
		}
	}
}

// outsiders holds every op that only networks from outside have.
func outsiders(t testing.TB) *blocks.Network {
	loops := func(v ...int) (l []blocks.Stride) { // steps, and values between them
		for i := 0; i < len(v); i += 2 {
			l = append(l, blocks.Stride{N: v[i], Step: v[i+1]})
		}
		return l
	}
	return built(t, "outsiders", blocks.Shape{H: 6, W: 7, C: 4}, func(b *blocks.Builder, x blocks.Value) {
		x = b.Apply("turn", &blocks.Rearrange{H: loops(7, 4), W: loops(6, 28), C: loops(4, 1)}, x)
		x = b.Apply("corners", &blocks.Rearrange{
			H: loops(3, -48), W: loops(3, 8), C: loops(2, 24, 4, 1), From: 96,
		}, x)
		x = b.Apply("up", &blocks.ConvTranspose{Out: 6, Kernel: [2]int{3, 2}, Stride: [2]int{2, 3}, Pad: blocks.Pad{Top: 1},
			Extra: [2]int{1, 2}, Groups: 2, Bias: true}, x)
		x = b.Apply("slopes", &blocks.PReLU{}, x)
		for i, f := range []blocks.Unary{
			{Func: "leaky_relu", Alpha: 0.1}, {Func: "gelu"}, {Func: "gelu_tanh"}, {Func: "mish"},
			{Func: "shrink", Alpha: 0.1, Beta: 0.05}, {Func: "elu", Alpha: 0.5}, {Func: "selu", Alpha: 1.5, Beta: 1.1},
			{Func: "celu", Alpha: 0.7}, {Func: "softplus"}, {Func: "softsign"}, {Func: "tanh"}, {Func: "erf"},
			{Func: "thresholded_relu", Alpha: 0.2},
		} {
			x = b.Apply("function"+strconv.Itoa(i), &f, x)
			x = b.Apply("group"+strconv.Itoa(i), &blocks.Normalize{Groups: 1 + i%3}, x)
		}
		x = b.Apply("layer", &blocks.Normalize{Epsilon: 1e-3}, x)
		x = b.Apply("reflect", &blocks.Border{Pad: blocks.Pad{Top: 1, Left: 2}, Front: 1, Mode: "reflect"}, x)
		x = b.Apply("edge", &blocks.Border{Pad: blocks.Pad{Bottom: 1}, Back: 2, Mode: "edge"}, x)
		x = b.Apply("wrap", &blocks.Border{Pad: blocks.Pad{Right: 2}, Mode: "wrap"}, x)
		x = b.Apply("fill", &blocks.Border{Pad: blocks.Pad{Right: -1}, Front: 1, Value: 0.5}, x)
		x = b.Apply("choice", &blocks.Select{Channels: []int{3, 1, 1, 0, 5}}, x)
		e := b.Apply("embedding", &blocks.Constant{Shape: blocks.Shape{H: 1, W: b.Shape(x).W, C: 5}}, x)
		x = b.Apply("position", &blocks.Binary{Func: "add"}, x, e)
		outsidersLate(b, x)
	})
}

func outsidersLate(b *blocks.Builder, x blocks.Value) {
	for i, r := range []blocks.Interpolate{
		{H: 9, W: 11, Mode: "cubic", Coordinates: "half_pixel", Cubic: -0.75},
		{H: 5, W: 7, Mode: "linear", Coordinates: "half_pixel", Antialias: true},
		{H: 8, W: 6, Mode: "nearest", Coordinates: "half_pixel", Rounding: "ceil"},
		{H: 7, W: 7, Mode: "linear", Coordinates: "asymmetric"},
		{H: 6, W: 5, Mode: "cubic", Coordinates: "align_corners", Cubic: -0.5, Exclude: true},
		{H: 7, W: 6, Mode: "linear", Coordinates: "half_pixel_symmetric", Scale: [2]float64{1.2, 1.3}},
	} {
		x = b.Apply("interpolate"+strconv.Itoa(i), &r, x)
	}
	x = b.Apply("attention", &blocks.MatMul{}, b.Apply("wide", &blocks.Conv{Out: 6, Kernel: [2]int{1, 1}}, x), x)
	for _, f := range []blocks.Reduce{
		{Func: "l2", C: true}, {Func: "l1", H: true}, {Func: "max", W: true}, {Func: "min", H: true, C: true},
		{Func: "sum_square", C: true},
	} {
		name := string(f.Func)
		y := b.Apply("reduce_"+name, &f, x)
		z := b.Apply("exp_"+name, &blocks.Unary{Func: "exp"}, b.Apply("tanh_"+name, &blocks.Unary{Func: "tanh"}, y))
		x = b.Apply("over_"+name, &blocks.Binary{Func: "div"}, x, z)
		x = b.Apply("less_"+name, &blocks.Binary{Func: "sub"}, x, y)
	}
	y := b.Apply("product", &blocks.Reduce{Func: "prod", W: true}, b.Apply("shares", &blocks.Softmax{}, x))
	x = b.Apply("both", &blocks.Binary{Func: "add"}, x, y)
	x = b.Apply("all", &blocks.Normalize{}, x)
	x = b.Apply("grid", &blocks.FakeQuant{Scale: 0.05, Zero: 3, Low: -128, High: 127}, x)
	x = b.Apply("plain", &blocks.Normalize{Plain: true}, x)
	x = b.Apply("plain_group", &blocks.Normalize{Plain: true, Groups: 5}, x)
	x = b.Apply("number", &blocks.Affine{Scale: 0.5, Shift: 0.1}, x)
	x = b.Apply("factors", &blocks.Affine{Scale: 1, Scales: true, Shifts: true}, x)
	x = b.Apply("shifts", &blocks.Affine{Scale: -2, Shifts: true}, x)
	x = b.Apply("mean", &blocks.Reduce{Func: "mean", H: true}, x)
	b.Apply("class", &blocks.Linear{Out: 3}, x)
}
