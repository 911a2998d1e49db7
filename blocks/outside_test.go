package blocks

import "testing"

// Known answers of the ops that only networks from outside have.
func TestKnownAnswersOfOutsiders(t *testing.T) {
	three := ramp(Shape{3, 3, 1})
	pair := Tensor{Shape{1, 2, 2}, []float32{1, 2, 3, 4}}
	line := func(v ...float32) Tensor { return Tensor{Shape{1, len(v), 1}, v} }
	channels := func(v ...float32) Tensor { return Tensor{Shape{1, 1, len(v)}, v} }
	for _, c := range []struct {
		name   string
		op     Op
		params [][]float32
		in     []Tensor
		shape  Shape
		want   []float32
	}{
		{"transpose of height and width", &Rearrange{H: []Stride{{3, 1}}, W: []Stride{{3, 3}}}, nil, []Tensor{three},
			Shape{3, 3, 1}, []float32{1, 4, 7, 2, 5, 8, 3, 6, 9}},
		{"every second pixel, backwards", &Rearrange{W: []Stride{{2, -2}}, From: 2}, nil, []Tensor{three}, Shape{1, 2, 1},
			[]float32{3, 1}},
		{"repetition", &Rearrange{W: []Stride{{2, 1}}, C: []Stride{{2, 0}}}, nil, []Tensor{three}, Shape{1, 2, 2},
			[]float32{1, 1, 2, 2}},
		{"a sum repeated over channels", &Binary{Func: "add"}, nil, []Tensor{pair, line(10, 20)}, Shape{1, 2, 2},
			[]float32{11, 12, 23, 24}},
		{"a quotient of two repeated", &Binary{Func: "div"}, nil, []Tensor{line(6, 12), channels(2, 3)}, Shape{1, 2, 2},
			[]float32{3, 2, 6, 4}},
		{"leaky", &Unary{Func: "leaky_relu", Alpha: 0.5}, nil, []Tensor{line(-2, 3)}, Shape{1, 2, 1}, []float32{-1, 3}},
		{"GELU", &Unary{Func: "gelu"}, nil, []Tensor{line(-1, 0, 2)}, Shape{1, 3, 1}, []float32{-0.15865526, 0, 1.9544997}},
		{"Mish", &Unary{Func: "mish"}, nil, []Tensor{line(1)}, Shape{1, 1, 1}, []float32{0.8650984}},
		{"a constant", &Constant{Shape{1, 1, 2}}, [][]float32{{5, 6}}, []Tensor{three}, Shape{1, 1, 2}, []float32{5, 6}},
		{"deconvolution of stride 2", &ConvTranspose{Out: 1, Kernel: [2]int{1, 2}, Stride: [2]int{1, 2}, Bias: true},
			[][]float32{{1, 10}, {0.5}}, []Tensor{line(1, 2)}, Shape{1, 4, 1}, []float32{1.5, 10.5, 2.5, 20.5}},
		{"deconvolution, overlapping and cut", &ConvTranspose{Out: 1, Kernel: [2]int{1, 3}, Pad: Pad{Left: 1}},
			[][]float32{{1, 10, 100}}, []Tensor{line(1, 2)}, Shape{1, 3, 1}, []float32{12, 120, 200}},
		{"deconvolution in groups", &ConvTranspose{Out: 2, Kernel: [2]int{1, 1}, Groups: 2}, [][]float32{{10, 100}}, []Tensor{pair},
			Shape{1, 2, 2}, []float32{10, 200, 30, 400}},
		{"reflection", &Border{Pad: Pad{Left: 2, Right: 1}, Mode: "reflect"}, nil, []Tensor{line(1, 2, 3)}, Shape{1, 6, 1},
			[]float32{3, 2, 1, 2, 3, 2}},
		{"edge", &Border{Pad: Pad{Left: 1, Right: 2}, Mode: "edge"}, nil, []Tensor{line(1, 2)}, Shape{1, 5, 1}, []float32{1, 1, 2, 2, 2}},
		{"wrapping", &Border{Pad: Pad{Left: 1, Right: 1}, Mode: "wrap"}, nil, []Tensor{line(1, 2, 3)}, Shape{1, 5, 1}, []float32{3, 1, 2, 3, 1}},
		{"a value around channels, a column cut", &Border{Pad: Pad{Left: -1}, Back: 1, Value: 9}, nil, []Tensor{pair}, Shape{1, 1, 3},
			[]float32{3, 4, 9}},
		{"layer normalisation", &Normalize{Epsilon: 1e-9}, [][]float32{{1, 2}, {0, 1}}, []Tensor{pair}, Shape{1, 2, 2}, []float32{-1, 3, -1, 3}},
		{"instance normalisation", &Normalize{Groups: 2, Epsilon: 1e-9}, [][]float32{{1, 1}, {0, 0}}, []Tensor{pair}, Shape{1, 2, 2},
			[]float32{-1, -1, 1, 1}},
		{"layer normalisation without factors", &Normalize{Epsilon: 1e-9, Plain: true}, nil, []Tensor{pair}, Shape{1, 2, 2}, []float32{-1, 1, -1, 1}},
		{"numbers", &Affine{Scale: 2, Shift: -1}, nil, []Tensor{pair}, Shape{1, 2, 2}, []float32{1, 3, 5, 7}},
		{"a scale a channel", &Affine{Scale: 1, Shift: 1, Scales: true}, [][]float32{{1, 10}}, []Tensor{pair}, Shape{1, 2, 2}, []float32{2, 21, 4, 41}},
		{"a shift a channel", &Affine{Scale: 2, Shifts: true}, [][]float32{{1, 10}}, []Tensor{pair}, Shape{1, 2, 2}, []float32{3, 14, 7, 18}},
		{"one group", &Normalize{Groups: 1, Epsilon: 1e-9}, [][]float32{{1, 1}, {0, 0}}, []Tensor{channels(1, 3)}, Shape{1, 1, 2}, []float32{-1, 1}},
		{"the least of each row", &Reduce{Func: "min", W: true}, nil, []Tensor{three}, Shape{3, 1, 1}, []float32{1, 4, 7}},
		{"the length of each pixel", &Reduce{Func: "l2", C: true}, nil, []Tensor{{Shape{1, 1, 2}, []float32{3, 4}}}, Shape{1, 1, 1}, []float32{5}},
		{"the mean of all", &Reduce{Func: "mean", H: true, W: true, C: true}, nil, []Tensor{three}, Shape{1, 1, 1}, []float32{5}},
		{"a matrix product", &MatMul{}, nil, []Tensor{pair, {Shape{1, 2, 2}, []float32{5, 6, 7, 8}}}, Shape{1, 2, 2}, []float32{19, 22, 43, 50}},
		{"slopes", &PReLU{}, [][]float32{{0.5, 2}}, []Tensor{{Shape{1, 1, 2}, []float32{-2, -2}}}, Shape{1, 1, 2}, []float32{-1, -4}},
		{"channels of a list", &Select{Channels: []int{1, 0, 1}}, nil, []Tensor{pair}, Shape{1, 2, 3}, []float32{2, 1, 2, 4, 3, 4}},
		{"a grid", &FakeQuant{Scale: 0.5, Zero: 1, Low: 0, High: 3}, nil, []Tensor{line(0.3, 0.25, -9, 9)}, Shape{1, 4, 1}, []float32{0.5, 0, -0.5, 1}},
		{"nearest, ceil", &Interpolate{H: 1, W: 4, Mode: "nearest", Coordinates: "asymmetric", Rounding: "ceil"}, nil, []Tensor{line(1, 2)},
			Shape{1, 4, 1}, []float32{1, 2, 2, 2}},
		{"linear, asymmetric", &Interpolate{H: 1, W: 4, Mode: "linear", Coordinates: "asymmetric"}, nil, []Tensor{line(1, 3)}, Shape{1, 4, 1},
			[]float32{1, 2, 3, 3}},
		{"linear with antialias", &Interpolate{H: 1, W: 1, Mode: "linear", Coordinates: "half_pixel", Antialias: true}, nil, []Tensor{line(1, 3)},
			Shape{1, 1, 1}, []float32{2}},
		{"cubic keeps a line inside", &Interpolate{H: 1, W: 8, Mode: "cubic", Coordinates: "align_corners", Cubic: -0.5}, nil,
			[]Tensor{line(0, 7, 14, 21, 28, 35, 42, 49)}, Shape{1, 8, 1}, []float32{0, 7, 14, 21, 28, 35, 42, 49}},
		{"dilated maximum", &Pool{Kernel: [2]int{2, 2}, Dilation: [2]int{2, 2}}, nil, []Tensor{three}, Shape{1, 1, 1}, []float32{9}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantData(t, c.name, eval(t, c.op, c.params, c.in...), c.shape, c.want...)
		})
	}
}

// What an op cannot compute is an error of its shape rule.
func TestOutsidersRefuse(t *testing.T) {
	s := Shape{4, 4, 4}
	for name, c := range map[string]struct {
		op Op
		in []Shape
	}{
		"reads beyond the end":       {&Rearrange{W: []Stride{{3, 40}}}, []Shape{s}},
		"reads before the start":     {&Rearrange{W: []Stride{{2, -1}}}, []Shape{s}},
		"a loop of no steps":         {&Rearrange{W: []Stride{{0, 1}}}, []Shape{s}},
		"no such function":           {&Unary{Func: "sine"}, []Shape{s}},
		"no such function of two":    {&Binary{Func: "plus"}, []Shape{s, s}},
		"extents that do not fit":    {&Binary{Func: "add"}, []Shape{s, {4, 3, 4}}},
		"a reflection too far":       {&Border{Pad: Pad{Top: 4}, Mode: "reflect"}, []Shape{s}},
		"more cut than there is":     {&Border{Pad: Pad{Top: -5}}, []Shape{s}},
		"all cut":                    {&Border{Pad: Pad{Top: -2, Bottom: -2}}, []Shape{s}},
		"groups that do not divide":  {&Normalize{Groups: 3}, []Shape{s}},
		"a number besides a tensor":  {&Affine{Scale: 2, Scales: true}, []Shape{s}},
		"matrices that do not fit":   {&MatMul{}, []Shape{s, {4, 3, 4}}},
		"no such channel":            {&Select{Channels: []int{4}}, []Shape{s}},
		"a grid without steps":       {&FakeQuant{Low: 0, High: 255}, []Shape{s}},
		"no such coordinates":        {&Interpolate{H: 2, W: 2, Mode: "linear", Coordinates: "tf"}, []Shape{s}},
		"a deconvolution to nothing": {&ConvTranspose{Out: 1, Kernel: [2]int{1, 1}, Pad: Pad{Top: 4}}, []Shape{s}},
	} {
		if got, err := c.op.OutShape(c.in); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

// A shared tensor counts once, and the first output is the network's.
func TestSharedTensorsCountOnce(t *testing.T) {
	n := outsiders(t)
	k := len(n.Nodes)
	with := n.Counts().Params
	n.Nodes[k-1].Shared = nil
	if got := n.Counts().Params - with; got != 36 {
		t.Errorf("sharing a tensor of 6 x 6 saves %d params", got)
	}
	if n.Output() != n.Nodes[k-1].Shape {
		t.Errorf("the first output is %v", n.Output())
	}
	for name, spoil := range map[string]func(){
		"an owner behind":   func() { n.Nodes[k-1].Shared = []int{k - 1, 0} },
		"other dims":        func() { n.Nodes[k-1].Shared = []int{0, k - 2} },
		"too few":           func() { n.Nodes[k-1].Shared = []int{k - 2} },
		"no output":         func() { n.Nodes[k-1].Shared, n.Outputs = nil, []int{} },
		"an output twice":   func() { n.Outputs = []int{k - 1, k - 1} },
		"the input put out": func() { n.Outputs = []int{0} },
	} {
		spoil()
		if n.Infer() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// One factor for a vector of many channels is a factor a pixel, not one a channel.
func TestMulOfAVectorByOneNumber(t *testing.T) {
	x, y := ramp(Shape{1, 1, 3}), Tensor{Shape{1, 1, 1}, []float32{2}}
	wantData(t, "a vector times a number", eval(t, &Mul{}, nil, x, y), Shape{1, 1, 3}, 2, 4, 6)
}
