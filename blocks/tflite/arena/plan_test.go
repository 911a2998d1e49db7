package arena

import (
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/tflite"
	"nas/blocks/zoo"
)

// named is the plan of the int8 file of a network of the zoo.
func outlined(t *testing.T, name string) *tflite.Model {
	t.Helper()
	n, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Outline(n)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPlace checks offsets worked out by hand.
func TestPlace(t *testing.T) {
	p := Plan{Buffers: []Buffer{
		{
			Name:  "a",
			Bytes: 64,
			First: 0,
			Last:  1,
		}, {Name: "b", Bytes: 128, First: 1, Last: 2}, {Name: "c", Bytes: 64, First: 2, Last: 4},
		{Name: "d", Bytes: 32, First: 3, Last: 4}, {Name: "e", Bytes: 48, First: 2, Last: 3},
	}}
	p.place()
	var got []int
	for _, b := range p.Buffers {
		got = append(got, b.Offset)
	}
	// b is the largest. Of a and c, which are equal, c goes first: behind b. a goes behind b, too. e does not fit
	// before c, so it stands behind it; d fits before c, where b is gone.
	if want := []int{128, 0, 128, 0, 192}; !slices.Equal(got, want) || p.Bytes != 240 {
		t.Errorf("offsets %v of %d bytes, want %v of 240", got, p.Bytes, want)
	}
}

// TestOf checks the lifetimes of a network of three operators, and the scratch buffers of MEAN.
func TestOf(t *testing.T) {
	b := blocks.NewBuilder("test", blocks.Shape{H: 8, W: 8, C: 3})
	x := blocks.ConvBNAct{Out: 4, Kernel: 3, Stride: 1, Act: blocks.ReLU6}.Build(b, b.Input())
	y := blocks.ConvBNAct{Out: 4, Kernel: 1, Stride: 1, Act: blocks.Identity}.Build(b, x)
	x = b.Apply("add", &blocks.Add{}, x, y)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("linear", &blocks.Linear{Out: 2, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Outline(n)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Of(m)
	if err != nil {
		t.Fatal(err)
	}
	type life struct{ bytes, first, last int }
	var got []life
	for _, x := range p.Buffers {
		got = append(got, life{x.Bytes, x.First, x.Last})
	}
	want := []life{ // input, two convolutions, their sum, its mean in two shapes, what the layer returns, scratch of MEAN
		{
			192,
			0,
			1,
		},
		{256, 1, 3},
		{256, 2, 3},
		{256, 3, 4},
		{16, 4, 5},
		{16, 5, 6},
		{16, 6, 6},
		{16, 4, 4},
		{16, 4, 4},
		{16, 4, 4},
	}
	operators := []string{"CONV_2D", "CONV_2D", "ADD", "MEAN", "RESHAPE", "FULLY_CONNECTED"}
	if !slices.Equal(p.Operators, operators) || !slices.Equal(got, want) {
		t.Errorf("%v: %v, want %v", p.Operators, got, want)
	}
	if p.Bytes != 768 || slices.Max(p.Live()) != 768 {
		t.Errorf("%d bytes planned, %v live", p.Bytes, p.Live())
	}
}

// TestPlans checks that no buffers overlap that live at the same time, that no plan is below what lives at its worst
// moment, and that the outline of a network plans as its file does.
func TestPlans(t *testing.T) {
	for _, name := range []string{"mobilenet_v2@width=0.35,res=96", "mobilenet_v3_small@res=64", "ds_cnn"} {
		m := outlined(t, name)
		p, err := Of(m)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range p.Buffers {
			for _, b := range p.Buffers[:i] {
				if a.First <= b.Last && b.First <= a.Last && a.Offset < b.Offset+b.Bytes &&
					b.Offset < a.Offset+a.Bytes {
					t.Errorf("%s: %+v and %+v overlap", name, a, b)
				}
			}
		}
		if least := slices.Max(p.Live()); p.Bytes < least || p.Bytes%alignment != 0 {
			t.Errorf("%s: %d bytes, of which %d live at a time", name, p.Bytes, least)
		}
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		image := make([]float32, n.Input().Elems())
		file, err := tflite.Quantize(n, blocks.NewWeights(n, 1), tflite.QuantizeOptions{
			Images: [][]float32{image}, Run: engine.Activations,
		})
		if err != nil {
			t.Fatal(err)
		}
		of, err := Of(file)
		if err != nil || of.Bytes != p.Bytes || of.Persistent < p.Persistent {
			t.Errorf("%s: the file plans %d bytes, its outline %d: %v", name, of.Bytes, p.Bytes, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, dims := range [][]int{{1, 1 << 20, 1 << 20}, {-1}} {
		if _, err := Of(&tflite.Model{Tensors: []tflite.Tensor{{Name: "large", Dims: dims}}}); err == nil {
			t.Errorf("dims %v have a plan", dims)
		}
	}
}
