package blocks

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// kindsOf lists a network's ops but the input.
func kindsOf(n *Network) string {
	var ks []string
	for _, nd := range n.Nodes[1:] {
		k := nd.Op.Kind()
		if a, ok := nd.Op.(*Activation); ok {
			k = a.Func.String()
		}
		ks = append(ks, k)
	}
	return strings.Join(ks, " ")
}

func TestBlocks(t *testing.T) {
	in := Shape{8, 8, 16}
	for _, c := range []struct {
		name   string
		block  Block
		ops    string
		out    Shape
		params int64
		macs   int64
	}{
		{"grouped with shuffle", ConvBNAct{Out: 32, Kernel: 3, Groups: 4, Act: ReLU, Shuffle: true}, "conv bn relu shuffle", Shape{8, 8, 32},
			9*4*32 + 64, 64 * 9 * 4 * 32},
		{"depthwise with multiplier", DepthwiseSeparable{Out: 24, Multiplier: 2, Act: ReLU}, "conv bn relu conv bn relu", Shape{8, 8, 24},
			9*32 + 64 + 32*24 + 48, 64 * (9*32 + 32*24)},
		{"activation after the depthwise", DepthwiseSeparable{Out: 16, Act: ReLU, ActAfter: AfterDepthwise, Residual: true}, "conv bn relu conv bn add", in,
			9*16 + 32 + 256 + 32, 64 * (9*16 + 256)},
		{"activation after the pointwise", DepthwiseSeparable{Out: 16, Act: ReLU, ActAfter: AfterPointwise, Stride: 2}, "conv bn conv bn relu", Shape{4, 4, 16},
			9*16 + 32 + 256 + 32, 16 * (9*16 + 256)},
		{"inverted residual with ECA", InvertedResidual{Out: 16, Expanded: 64, Act: ReLU6, Attention: ECA{}}, "conv bn relu6 conv bn relu6 global_pool channel_conv sigmoid mul conv bn add", in,
			16*64 + 128 + 9*64 + 128 + 3 + 64*16 + 32, 64*(16*64+9*64+64*16) + 64*3},
		{"fused inverted residual", FusedInvertedResidual{Out: 24, Expanded: 64, Act: ReLU, Stride: 2}, "conv bn relu conv bn", Shape{4, 4, 24},
			9*16*64 + 128 + 64*24 + 48, 16 * (9*16*64 + 64*24)},
		{"squeeze-and-excite", SqueezeExcite{Hidden: 4}, "global_pool conv relu conv sigmoid mul", in, 16*4 + 4 + 4*16 + 16, 128},
		{"CBAM", CBAM{Hidden: 4}, "global_pool global_pool stack conv relu sum_pixels conv sigmoid mul channel_pool channel_pool concat conv sigmoid mul", in,
			16*4 + 4*16 + 49*2, 2*16*4 + 4*16 + 64*49*2},
		{"mixture of depthwise experts", Conditional{ConvBNAct{Kernel: 5, Groups: Depthwise, Act: Swish}, 3}, "global_pool linear sigmoid cond_conv bn swish", in,
			16*3 + 3 + 3*25*16 + 32, 16*3 + 3*25*16 + 64*25*16},
		{"mixture of pointwise experts", Conditional{ConvBNAct{Out: 8, Stride: 2}, 4}, "global_pool linear sigmoid cond_conv bn", Shape{4, 4, 8},
			16*4 + 4 + 4*16*8 + 16, 16*4 + 4*16*8 + 16*16*8},
		{"Xception's separable convolution", XceptionSeparable{Out: 16, PreAct: ReLU, Residual: true}, "relu conv conv bn add", in, 9*16 + 256 + 32, 64 * (9*16 + 256)},
		{"learning to downsample", LearningToDownsample{Channels: [3]int{8, 12, 16}, Act: ReLU}, "conv bn relu conv bn conv bn relu conv bn conv bn relu", Shape{1, 1, 16},
			9*16*8 + 16 + 9*8 + 16 + 8*12 + 24 + 9*12 + 24 + 12*16 + 32, 16*9*16*8 + 4*(9*8+8*12) + 9*12 + 12*16},
		{"pyramid pooling", PyramidPooling{Out: 8, Act: ReLU}, "pool conv bn relu resize pool conv bn relu resize pool conv bn relu resize pool conv bn relu resize concat conv bn relu", Shape{8, 8, 8},
			4*(16*4+8) + 32*8 + 16, (1+4+9+36)*16*4 + 64*32*8},
		{"ASPP", ASPP{Out: 8, Rates: []int{2, 3}, Act: ReLU}, "conv bn relu conv bn relu conv bn relu global_pool conv bn relu resize concat conv bn relu", Shape{8, 8, 8},
			2*16*8 + 2*9*16*8 + 4*16 + 32*8 + 16, 64*(16*8+2*9*16*8+32*8) + 16*8},
	} {
		n := build(t, in, func(b *Builder, x Value) { c.block.Build(b, x) })
		if got := kindsOf(n); got != c.ops {
			t.Errorf("%s is %s, want %s", c.name, got, c.ops)
		}
		if got := n.Counts(); n.Output() != c.out || got.Params != c.params || got.MACs != c.macs {
			t.Errorf("%s: %v, %d params, %d MACs, want %v, %d, %d", c.name, n.Output(), got.Params, got.MACs, c.out, c.params,
				c.macs)
		}
	}
}

// One expert with a share of 1 is the plain convolution.
func TestOneExpertIsAConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	x := noise(Shape{5, 6, 4}, r)
	op := &Conv{Out: 8, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: PadAll(1), Groups: 2}
	w := noise(Shape{1, 1, 9 * 2 * 8}, r).Data
	want := eval(t, op, [][]float32{w}, x)
	got := eval(t, &CondConv{Experts: 1, Out: 8, Kernel: op.Kernel, Stride: op.Stride, Pad: op.Pad, Groups: 2},
		[][]float32{w}, x, Tensor{Shape{1, 1, 1}, []float32{1}})
	wantData(t, "one expert", got, want.Shape, want.Data...)
}

// CBAM's channel gate, written as in the paper: both vectors through both layers.
func TestCBAMSharesItsLayers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	n := build(t, Shape{3, 4, 6}, func(b *Builder, x Value) { CBAM{Hidden: 2}.Build(b, x) })
	w := NewWeights(n, 4)
	x := noise(n.Input(), r)
	acts, err := n.Eval(w, x.Data)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, nd := range n.Nodes {
		at[nd.Name] = i
	}
	reduce, expand := w.Node(at["cbam.reduce"])[0], w.Node(at["cbam.expand"])[0]
	gate := make([]float64, 6)
	for _, v := range [][]float32{acts[at["cbam.mean"]].Data, acts[at["cbam.max"]].Data} {
		for h := range 2 {
			var s float64
			for c, u := range v {
				s += float64(u) * float64(reduce[c*2+h])
			}
			for c := range gate {
				gate[c] += max(s, 0) * float64(expand[h*6+c])
			}
		}
	}
	for i, got := range acts[at["cbam.scale"]].Data {
		want := float64(x.Data[i]) / (1 + math.Exp(-gate[i%6]))
		if math.Abs(float64(got)-want) > 1e-5 {
			t.Fatalf("value %d is %v, want %v", i, got, want)
		}
	}
}

func TestECAKernel(t *testing.T) {
	for c, want := range map[int]int{1: 1, 8: 3, 64: 3, 128: 5, 256: 5, 512: 5, 2048: 7} {
		if got := ECAKernel(c); got != want {
			t.Errorf("%d channels: kernel size %d, want %d", c, got, want)
		}
	}
	for c := range 5000 {
		if k := ECAKernel(c); k%2 == 0 || k < 1 {
			t.Fatal(fmt.Sprint(c, " channels: kernel size ", k))
		}
	}
}
