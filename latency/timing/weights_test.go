package timing

import (
	"math"
	"testing"
	"unsafe"

	"nas/blocks"
	"nas/blocks/zoo"
)

// With batch normalisation folded every layer has the spread of He's rule, and
// the tensors take less than half the memory of their values.
func TestTimingWeightsFollowHeAndShareMemory(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	w := RandomWeights(n)
	if err := w.Check(n); err != nil {
		t.Fatal(err)
	}
	seen, all := map[*float32]int{}, 0
	for i := range n.Nodes {
		for _, v := range w.Node(i) {
			p := unsafe.SliceData(v)
			seen[p] = max(seen[p], len(v))
			all += len(v)
		}
	}
	held := 0
	for _, l := range seen {
		held += l
	}
	if 2*held > all {
		t.Errorf("%d values hold %d", held, all)
	}
	f, w := blocks.FoldBatchNorm(n, w)
	for i, nd := range f.Nodes {
		for k, p := range f.Params(i) {
			if p.Init != blocks.InitHe || p.Len() < 1000 {
				continue
			}
			ss := 0.0
			for _, x := range w.Node(i)[k] {
				ss += float64(x) * float64(x)
			}
			got, want := math.Sqrt(ss/float64(p.Len())), math.Sqrt(2/float64(p.FanIn))
			if math.Abs(got/want-1) > 0.1 {
				t.Errorf("%s: standard deviation %.4g, He's is %.4g", nd.Name, got, want)
			}
		}
	}
}

// Random weights of a network from outside neither silence it nor let it explode: constants
// may be factors and divisors, and a transposed convolution sees a part of its taps.
func TestTimingWeightsOfOutsiders(t *testing.T) {
	b := blocks.NewBuilder("outside", blocks.Shape{H: 8, W: 8, C: 16})
	constant := func(x blocks.Value) blocks.Value {
		return b.Apply("constant", &blocks.Constant{Shape: b.Shape(x)}, x)
	}
	around := blocks.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}
	x := b.Apply("conv", &blocks.Conv{Out: 32, Kernel: [2]int{3, 3}, Pad: around},
		b.Input())
	x = b.Apply("norm", &blocks.Normalize{}, x)
	x = b.Apply("factor", &blocks.Mul{}, x, constant(x))
	x = b.Apply("divisor", &blocks.Binary{Func: "div"}, x, constant(x))
	for range 4 {
		x = b.Apply("up", &blocks.ConvTranspose{Out: 32, Kernel: [2]int{4, 4}, Stride: [2]int{2, 2},
			Pad: blocks.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}}, b.Apply("slopes", &blocks.PReLU{}, x))
	}
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = normals[i]
	}
	acts, err := n.Eval(RandomWeights(n), in)
	if err != nil {
		t.Fatal(err)
	}
	ss := 0.0
	for _, v := range acts[len(acts)-1].Data {
		ss += float64(v) * float64(v)
	}
	if sd := math.Sqrt(ss / float64(n.Output().Elems())); !(sd > 0.3 && sd < 3) {
		t.Errorf("the output has a spread of %g", sd)
	}
}
