package blocks

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// ramp returns 1, 2, 3 ...
func ramp(s Shape) Tensor {
	t := Tensor{s, make([]float32, s.Elems())}
	for i := range t.Data {
		t.Data[i] = float32(i + 1)
	}
	return t
}

func noise(s Shape, r *rand.Rand) Tensor {
	t := Tensor{s, make([]float32, s.Elems())}
	for i := range t.Data {
		t.Data[i] = float32(r.NormFloat64())
	}
	return t
}

// eval runs one op by its reference after its shape rule.
func eval(t *testing.T, op Op, params [][]float32, in ...Tensor) Tensor {
	t.Helper()
	shapes := make([]Shape, len(in))
	for i, x := range in {
		shapes[i] = x.Shape
	}
	s, err := op.OutShape(shapes)
	if err != nil {
		t.Fatalf("%s: %v", op.Kind(), err)
	}
	out := Tensor{s, make([]float32, s.Elems())}
	op.Eval(out, in, params)
	return out
}

func wantData(t *testing.T, name string, got Tensor, shape Shape, want ...float32) {
	t.Helper()
	if got.Shape != shape {
		t.Fatalf("%s: shape %v, want %v", name, got.Shape, shape)
	}
	for i, w := range want {
		if d := math.Abs(float64(got.Data[i] - w)); !(d <= 1e-6*max(1, math.Abs(float64(w)))) {
			t.Fatalf("%s: %v, want %v", name, got.Data, want)
		}
	}
}

func TestKnownAnswers(t *testing.T) {
	three := ramp(Shape{3, 3, 1})
	ones := slices.Repeat([]float32{1}, 9)
	pair := Tensor{Shape{1, 2, 2}, []float32{1, 2, 3, 4}}
	for _, c := range []struct {
		name   string
		op     Op
		params [][]float32
		in     []Tensor
		shape  Shape
		want   []float32
	}{
		{"sum of 3x3 neighbours", &Conv{Out: 1, Kernel: [2]int{3, 3}, Pad: PadAll(1)}, [][]float32{ones}, []Tensor{three}, Shape{3, 3, 1},
			[]float32{12, 21, 16, 27, 45, 33, 24, 39, 28}},
		{"stride 2", &Conv{Out: 1, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: PadAll(1)}, [][]float32{ones}, []Tensor{three}, Shape{2, 2, 1},
			[]float32{12, 16, 24, 28}},
		{"padding on one side only", &Conv{Out: 1, Kernel: [2]int{2, 2}, Pad: Pad{Bottom: 1, Right: 1}}, [][]float32{{1, 10, 100, 1000}}, []Tensor{ramp(Shape{2, 2, 1})}, Shape{2, 2, 1},
			[]float32{4321, 402, 43, 4}},
		{"1x3 kernel", &Conv{Out: 1, Kernel: [2]int{1, 3}, Pad: Pad{Left: 1, Right: 1}}, [][]float32{{1, 1, 1}}, []Tensor{three}, Shape{3, 3, 1},
			[]float32{3, 6, 5, 9, 15, 11, 15, 24, 17}},
		{"dilation 2 sees the corners", &Conv{Out: 1, Kernel: [2]int{2, 2}, Dilation: [2]int{2, 2}}, [][]float32{{1, 1, 1, 1}}, []Tensor{three}, Shape{1, 1, 1},
			[]float32{1 + 3 + 7 + 9}},
		{"two groups, bias", &Conv{Out: 2, Kernel: [2]int{1, 1}, Groups: 2, Bias: true}, [][]float32{{10, 100}, {0.5, -0.5}}, []Tensor{pair}, Shape{1, 2, 2},
			[]float32{10.5, 199.5, 30.5, 399.5}},
		{"depthwise with multiplier 2", &Conv{Out: 4, Kernel: [2]int{1, 1}, Groups: 2}, [][]float32{{1, 2, 3, 4}}, []Tensor{pair}, Shape{1, 2, 4},
			[]float32{1, 2, 6, 8, 3, 6, 12, 16}},
		{"linear over a map, HWC order", &Linear{Out: 2, Bias: true}, [][]float32{{1, 0, 0, 1, 10, 0, 0, 10}, {5, 6}}, []Tensor{pair}, Shape{1, 1, 2},
			[]float32{1 + 30 + 5, 2 + 40 + 6}},
		{"batch normalisation", &BatchNorm{Epsilon: 1}, [][]float32{{2, 1}, {1, 0}, {1, 2}, {3, 8}}, []Tensor{pair}, Shape{1, 2, 2},
			[]float32{1, 0, 3, 2. / 3}},
		{"max pool, ceil", &Pool{Pool: MaxPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Ceil: true}, nil, []Tensor{three}, Shape{2, 2, 1},
			[]float32{5, 6, 8, 9}},
		{"max pool, floor", &Pool{Pool: MaxPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}, nil, []Tensor{three}, Shape{1, 1, 1}, []float32{5}},
		{"average over what is inside", &Pool{Pool: AvgPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Pad: PadAll(1)}, nil, []Tensor{three}, Shape{2, 2, 1},
			[]float32{1, 2.5, 5.5, 7}},
		{"average with padding counted", &Pool{Pool: AvgPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Pad: PadAll(1), CountPad: true}, nil, []Tensor{three}, Shape{2, 2, 1},
			[]float32{0.25, 1.25, 2.75, 7}},
		{"average with padding counted, ceil never counts what lies beyond", &Pool{Pool: AvgPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, CountPad: true, Ceil: true}, nil, []Tensor{three}, Shape{2, 2, 1},
			[]float32{3, 4.5, 7.5, 9}},
		{"global mean", &GlobalPool{Pool: AvgPool}, nil, []Tensor{pair}, Shape{1, 1, 2}, []float32{2, 3}},
		{"global max", &GlobalPool{Pool: MaxPool}, nil, []Tensor{{Shape{1, 2, 2}, []float32{-1, -5, -2, -3}}}, Shape{1, 1, 2}, []float32{-1, -3}},
		{"add of three", &Add{}, nil, []Tensor{pair, pair, pair}, Shape{1, 2, 2}, []float32{3, 6, 9, 12}},
		{"mul by a vector", &Mul{}, nil, []Tensor{pair, {Shape{1, 1, 2}, []float32{10, 100}}}, Shape{1, 2, 2}, []float32{10, 200, 30, 400}},
		{"mul by a map", &Mul{}, nil, []Tensor{pair, {Shape{1, 2, 1}, []float32{10, 100}}}, Shape{1, 2, 2}, []float32{10, 20, 300, 400}},
		{"concat", &Concat{}, nil, []Tensor{pair, {Shape{1, 2, 1}, []float32{8, 9}}}, Shape{1, 2, 3}, []float32{1, 2, 8, 3, 4, 9}},
		{"softmax by pixel, no overflow", &Softmax{}, nil, []Tensor{{Shape{1, 2, 2}, []float32{1000, 1000, 0, float32(math.Log(3))}}}, Shape{1, 2, 2}, []float32{0.5, 0.5, 0.25, 0.75}},
		{"bilinear, half pixel", &Resize{H: 1, W: 4}, nil, []Tensor{{Shape{1, 2, 1}, []float32{0, 4}}}, Shape{1, 4, 1}, []float32{0, 1, 3, 4}},
		{"bilinear, corners", &Resize{H: 1, W: 5, AlignCorners: true}, nil, []Tensor{{Shape{1, 2, 1}, []float32{0, 4}}}, Shape{1, 5, 1}, []float32{0, 1, 2, 3, 4}},
		{"response over three channels", &LRN{Size: 3, Alpha: 3, Beta: 1, Bias: 1}, nil, []Tensor{{Shape{1, 1, 4}, []float32{1, 2, 3, 4}}}, Shape{1, 1, 4},
			[]float32{1. / 6, 2. / 15, 3. / 30, 4. / 26}},
		{"channel shuffle", &ChannelShuffle{Groups: 2}, nil, []Tensor{{Shape{1, 1, 6}, []float32{1, 2, 3, 4, 5, 6}}}, Shape{1, 1, 6}, []float32{1, 4, 2, 5, 3, 6}},
		{"channel slice", &ChannelSlice{From: 1, To: 2}, nil, []Tensor{pair}, Shape{1, 2, 1}, []float32{2, 4}},
		{"channel convolution", &ChannelConv{Kernel: 3}, [][]float32{{1, 10, 100}}, []Tensor{{Shape{1, 1, 4}, []float32{1, 2, 3, 4}}}, Shape{1, 1, 4}, []float32{210, 321, 432, 43}},
		{"mean of channels", &ChannelPool{Pool: AvgPool}, nil, []Tensor{pair}, Shape{1, 2, 1}, []float32{1.5, 3.5}},
		{"max of channels", &ChannelPool{Pool: MaxPool}, nil, []Tensor{pair}, Shape{1, 2, 1}, []float32{2, 4}},
		{"stack", &Stack{}, nil, []Tensor{pair, pair}, Shape{2, 2, 2}, []float32{1, 2, 3, 4, 1, 2, 3, 4}},
		{"sum of pixels", &SumPixels{}, nil, []Tensor{pair}, Shape{1, 1, 2}, []float32{4, 6}},
		{"convolution of mixed weights", &CondConv{Experts: 2, Out: 2, Kernel: [2]int{1, 1}}, [][]float32{{1, 0, 0, 1, 0, 1, 1, 0}}, []Tensor{pair, {Shape{1, 1, 2}, []float32{0.5, 2}}}, Shape{1, 2, 2},
			[]float32{0.5 + 4, 1 + 2, 1.5 + 8, 2 + 6}},
		{"nearest", &Resize{H: 1, W: 5, Mode: Nearest}, nil, []Tensor{{Shape{1, 2, 1}, []float32{0, 4}}}, Shape{1, 5, 1}, []float32{0, 0, 0, 4, 4}},
	} {
		t.Run(c.name, func(t *testing.T) { wantData(t, c.name, eval(t, c.op, c.params, c.in...), c.shape, c.want...) })
	}
}

func TestActivationFunctions(t *testing.T) {
	xs := []float64{-4, -3, -1, 0, 1, 3, 7}
	s := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	want := map[ActFunc][]float64{
		Identity: xs,
		ReLU:     {0, 0, 0, 0, 1, 3, 7},
		ReLU6:    {0, 0, 0, 0, 1, 3, 6},
		HSwish:   {0, 0, -1. / 3, 0, 2. / 3, 3, 7},
		HSigmoid: {0, 0, 1. / 3, 0.5, 2. / 3, 1, 1},
		Swish:    {-4 * s(-4), -3 * s(-3), -s(-1), 0, s(1), 3 * s(3), 7 * s(7)},
		Sigmoid:  {s(-4), s(-3), s(-1), 0.5, s(1), s(3), s(7)},
	}
	for _, f := range ActFuncs() {
		for i, x := range xs {
			if got := f.Apply(x); math.Abs(got-want[f][i]) > 1e-12 {
				t.Errorf("%v(%v) = %v, want %v", f, x, got, want[f][i])
			}
		}
		if g, err := ParseActFunc(f.String()); g != f || err != nil {
			t.Errorf("%v does not parse back: %v, %v", f, g, err)
		}
		if y := f.Apply(math.NaN()); !math.IsNaN(y) {
			t.Errorf("%v hides a NaN: %v", f, y)
		}
	}
	if _, err := ParseActFunc("gelu"); err == nil {
		t.Error("an unknown activation parses")
	}
}

// scatter is a second way to write a convolution: every input value is sent to
// the outputs that it reaches.
func scatter(o *Conv, x Tensor, out Shape, weight, bias []float32) []float64 {
	k, s, d := o.Window()
	cg, og := x.Shape.C/o.G(), o.Out/o.G()
	y := make([]float64, out.Elems())
	for i := range y {
		if o.Bias {
			y[i] = float64(bias[i%o.Out])
		}
	}
	for iy := range x.Shape.H {
		for ix := range x.Shape.W {
			for c := range x.Shape.C {
				for ky := range k[0] {
					for kx := range k[1] {
						oy, ox := iy+o.Pad.Top-ky*d[0], ix+o.Pad.Left-kx*d[1]
						if oy < 0 || ox < 0 || oy%s[0] != 0 || ox%s[1] != 0 || oy/s[0] >= out.H || ox/s[1] >= out.W {
							continue
						}
						for n := c / cg * og; n < (c/cg+1)*og; n++ {
							w := float64(weight[((ky*k[1]+kx)*cg+c%cg)*o.Out+n])
							y[((oy/s[0])*out.W+ox/s[1])*o.Out+n] += float64(x.At(iy, ix, c)) * w
						}
					}
				}
			}
		}
	}
	return y
}

func TestConvEqualsScatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		g := 1 + r.IntN(3)
		in := Shape{1 + r.IntN(7), 1 + r.IntN(7), g * (1 + r.IntN(3))}
		o := &Conv{Out: g * (1 + r.IntN(3)), Kernel: [2]int{1 + r.IntN(4), 1 + r.IntN(4)},
			Stride: [2]int{r.IntN(3), 1 + r.IntN(3)}, Dilation: [2]int{1 + r.IntN(2), r.IntN(3)},
			Pad: Pad{r.IntN(4), r.IntN(4), r.IntN(4), r.IntN(4)}, Groups: g, Bias: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			o.Groups, o.Out = in.C, in.C*(1+r.IntN(2))
		}
		out, err := o.OutShape([]Shape{in})
		if err != nil {
			continue
		}
		ps := o.Params([]Shape{in})
		params := make([][]float32, len(ps))
		for i, p := range ps {
			params[i] = noise(Shape{1, 1, p.Len()}, r).Data
		}
		var bias []float32
		if o.Bias {
			bias = params[1]
		}
		x := noise(in, r)
		got := eval(t, o, params, x)
		for i, w := range scatter(o, x, out, params[0], bias) {
			if math.Abs(float64(got.Data[i])-w) > 1e-5*max(1, math.Abs(w)) {
				t.Fatalf("%+v on %v: value %d is %v, want %v", o, in, i, got.Data[i], w)
			}
		}
		if m := o.MACs([]Shape{in}); m != int64(out.Elems())*int64(len(params[0])/o.Out) {
			t.Fatalf("%+v on %v: %d MACs", o, in, m)
		}
	}
}

// A convolution with as many groups as channels is the channel-by-channel
// convolution, and one with fewer is the blocks of a dense one.
func TestGroupsAreBlocksOfADenseConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const c, out, k = 6, 12, 3
	x := noise(Shape{5, 4, c}, r)
	for _, g := range []int{1, 2, 3, 6} {
		grouped := noise(Shape{k, k, c / g * out}, r).Data
		dense := make([]float32, k*k*c*out)
		for tap := range k * k {
			for q := range g {
				for i := range c / g {
					for n := range out / g {
						dense[(tap*c+q*c/g+i)*out+q*out/g+n] = grouped[(tap*c/g+i)*out+q*out/g+n]
					}
				}
			}
		}
		a := eval(t, &Conv{Out: out, Kernel: [2]int{k, k}, Pad: PadAll(1), Groups: g}, [][]float32{grouped}, x)
		b := eval(t, &Conv{Out: out, Kernel: [2]int{k, k}, Pad: PadAll(1)}, [][]float32{dense}, x)
		wantData(t, "grouped", a, b.Shape, b.Data...)
		if dw := (&Conv{Out: out, Kernel: [2]int{k, k}, Groups: g}).Depthwise(c); dw != (g == c) {
			t.Errorf("groups %d of %d channels: depthwise is %v", g, c, dw)
		}
	}
}

func TestShapeRulesRefuse(t *testing.T) {
	s := Shape{8, 8, 6}
	k3 := [2]int{3, 3}
	big := math.MaxInt
	for name, c := range map[string]struct {
		op Op
		in []Shape
	}{
		"conv without input":           {&Conv{Out: 1, Kernel: k3}, nil},
		"conv with two inputs":         {&Conv{Out: 1, Kernel: k3}, []Shape{s, s}},
		"conv without channels":        {&Conv{Kernel: k3}, []Shape{s}},
		"conv without kernel":          {&Conv{Out: 1}, []Shape{s}},
		"conv kernel beyond the map":   {&Conv{Out: 1, Kernel: [2]int{9, 3}}, []Shape{s}},
		"conv groups against input":    {&Conv{Out: 8, Kernel: k3, Groups: 4}, []Shape{s}},
		"conv groups against output":   {&Conv{Out: 8, Kernel: k3, Groups: 3}, []Shape{s}},
		"conv negative groups":         {&Conv{Out: 6, Kernel: k3, Groups: -1}, []Shape{s}},
		"conv negative padding":        {&Conv{Out: 6, Kernel: k3, Pad: Pad{Top: -1}}, []Shape{s}},
		"conv negative stride":         {&Conv{Out: 6, Kernel: k3, Stride: [2]int{-1, 1}}, []Shape{s}},
		"conv huge channels":           {&Conv{Out: big, Kernel: k3}, []Shape{s}},
		"conv huge kernel":             {&Conv{Out: 1, Kernel: [2]int{big, big}}, []Shape{s}},
		"conv huge dilation":           {&Conv{Out: 1, Kernel: k3, Dilation: [2]int{big, 1}}, []Shape{s}},
		"conv huge padding":            {&Conv{Out: 1, Kernel: k3, Pad: PadAll(big)}, []Shape{s}},
		"conv output beyond 2^31":      {&Conv{Out: 1 << 20, Kernel: [2]int{1, 1}, Pad: PadAll(100)}, []Shape{s}},
		"linear without outputs":       {&Linear{}, []Shape{s}},
		"linear huge":                  {&Linear{Out: big}, []Shape{s}},
		"pool padding of the kernel":   {&Pool{Kernel: k3, Pad: Pad{Left: 3}}, []Shape{s}},
		"pool of no kind":              {&Pool{Pool: 7, Kernel: k3}, []Shape{s}},
		"pool output beyond 2^31":      {&Pool{Kernel: [2]int{1 << 15, 1 << 15}, Pad: PadAll(1<<15 - 1)}, []Shape{{1 << 15, 1 << 15, 1}}},
		"global pool of no kind":       {&GlobalPool{Pool: -1}, []Shape{s}},
		"activation of no kind":        {&Activation{Func: 99}, []Shape{s}},
		"add of one":                   {&Add{}, []Shape{s}},
		"add of different shapes":      {&Add{}, []Shape{s, {8, 8, 5}}},
		"mul of different shapes":      {&Mul{}, []Shape{s, {8, 1, 6}}},
		"concat of different extents":  {&Concat{}, []Shape{s, {8, 7, 6}}},
		"concat of nothing":            {&Concat{}, nil},
		"lrn without size":             {&LRN{Bias: 1}, []Shape{s}},
		"lrn of an even size":          {&LRN{Size: 4, Bias: 1}, []Shape{s}},
		"lrn that may divide by zero":  {&LRN{Size: 5, Alpha: 1, Beta: 1}, []Shape{s}},
		"shuffle of uneven groups":     {&ChannelShuffle{Groups: 4}, []Shape{s}},
		"shuffle of no groups":         {&ChannelShuffle{}, []Shape{s}},
		"slice of nothing":             {&ChannelSlice{From: 2, To: 2}, []Shape{s}},
		"slice beyond the channels":    {&ChannelSlice{To: 7}, []Shape{s}},
		"slice from below 0":           {&ChannelSlice{From: -1, To: 7}, []Shape{s}},
		"channel conv of an even size": {&ChannelConv{Kernel: 2}, []Shape{{1, 1, 8}}},
		"channel conv of a map":        {&ChannelConv{Kernel: 3}, []Shape{s}},
		"channel pool of no kind":      {&ChannelPool{Pool: 3}, []Shape{s}},
		"stack of different widths":    {&Stack{}, []Shape{s, {8, 7, 6}}},
		"cond conv without shares":     {&CondConv{Experts: 2, Out: 2, Kernel: k3}, []Shape{s}},
		"cond conv of wrong shares":    {&CondConv{Experts: 2, Out: 2, Kernel: k3}, []Shape{s, {1, 1, 3}}},
		"cond conv of no experts":      {&CondConv{Out: 2, Kernel: k3}, []Shape{s, {1, 1, 1}}},
		"cond conv of huge numbers":    {&CondConv{Experts: 1 << 30, Out: 1 << 10, Kernel: k3}, []Shape{s, {1, 1, 1 << 30}}},
		"resize to nothing":            {&Resize{}, []Shape{s}},
		"resize huge":                  {&Resize{H: big, W: big}, []Shape{s}},
		"input with an input":          {&Input{Shape: s}, []Shape{s}},
		"input of nothing":             {&Input{}, nil},
		"input huge":                   {&Input{Shape: Shape{big, big, big}}, nil},
	} {
		if out, err := c.op.OutShape(c.in); err == nil {
			t.Errorf("%s: accepted, shape %v", name, out)
		}
	}
}

func TestMakeDivisible(t *testing.T) {
	for _, c := range []struct {
		in   float64
		want int
	}{{0, 8}, {1, 8}, {8, 8}, {11.9, 16}, {12, 16}, {19.9, 24}, {20, 24}, {24 * 0.35, 8}, {32 * 0.35, 16},
		{96 * 0.75, 72}, {18, 24}, {17, 16}, {1280 * 1.4, 1792}} {
		if got := MakeDivisible(c.in, 8); got != c.want {
			t.Errorf("MakeDivisible(%v, 8) = %d, want %d", c.in, got, c.want)
		}
	}
	for i := range 40000 {
		v := float64(i) / 10
		n := MakeDivisible(v, 8)
		if n%8 != 0 || n < 8 || float64(n) < 0.9*v || float64(n) > max(8, v+8) {
			t.Fatalf("MakeDivisible(%v, 8) = %d", v, n)
		}
	}
}

// Shuffling with g and then with C/g groups puts every channel back.
func TestShuffleInverse(t *testing.T) {
	x := ramp(Shape{2, 1, 24})
	for _, g := range []int{1, 2, 3, 4, 6, 8, 12, 24} {
		y := eval(t, &ChannelShuffle{Groups: g}, nil, x)
		z := eval(t, &ChannelShuffle{Groups: 24 / g}, nil, y)
		wantData(t, "shuffled back", z, x.Shape, x.Data...)
	}
}
