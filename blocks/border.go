package blocks

import "fmt"

// Border adds rows, columns and channels around a map, or cuts them off where a
// number is negative. Zero padding of convolutions and pools is theirs
// ([Conv.Pad]); this op is for padding of other kinds.
type Border struct {
	Pad
	Front int     `json:"front,omitempty"` // channels before
	Back  int     `json:"back,omitempty"`  // channels after
	Mode  string  `json:"mode,omitempty"`  // "" or constant: Value; edge, reflect (without the edge), wrap
	Value float64 `json:"value,omitempty"`
}

func init() { Register(func() Op { return new(Border) }) }

// Kind returns "border".
func (*Border) Kind() string { return "border" }

// around lists the numbers before and after each extent.
func (o *Border) around() [3][2]int {
	return [3][2]int{{o.Top, o.Bottom}, {o.Left, o.Right}, {o.Front, o.Back}}
}

// OutShape adds the borders. Reflection must stay below the extent, wrapping
// within it.
func (o *Border) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	most := func(n int) int { return 1 << 20 }
	switch o.Mode {
	case "", "constant", "edge":
	case "reflect":
		most = func(n int) int { return n - 1 }
	case "wrap":
		most = func(n int) int { return n }
	default:
		return Shape{}, fmt.Errorf("no border is called %q, want constant, edge, reflect or wrap", o.Mode)
	}
	extents := [3]int{s.H, s.W, s.C}
	for k, p := range o.around() {
		n := extents[k]
		if max(p[0], p[1]) > most(n) || min(p[0], p[1]) < -n {
			return Shape{}, fmt.Errorf("a border of %d and %d around an extent of %d", p[0], p[1], n)
		}
		extents[k] = n + p[0] + p[1]
	}
	out := Shape{extents[0], extents[1], extents[2]}
	return out, out.Check()
}

// MACs returns 0.
func (*Border) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Border) Params([]Shape) []Param { return nil }

// sources lists, for each index of a padded extent, the index that it takes its
// value from; -1: the constant.
func (o *Border) sources(n, before, after int) []int {
	at := make([]int, n+before+after)
	for i := range at {
		j := i - before
		switch {
		case j >= 0 && j < n:
		case o.Mode == "edge":
			j = min(max(j, 0), n-1)
		case o.Mode == "reflect":
			if j < 0 {
				j = -j
			} else {
				j = 2*(n-1) - j
			}
		case o.Mode == "wrap":
			j = (j + n) % n
		default:
			j = -1
		}
		at[i] = j
	}
	return at
}

// Sources lists the rows, columns and channels of an input of shape s that those of the
// output take their values from; -1 stands for Value.
func (o *Border) Sources(s Shape) (y, x, c []int) {
	return o.sources(s.H, o.Top, o.Bottom), o.sources(s.W, o.Left, o.Right), o.sources(s.C, o.Front, o.Back)
}

// Eval copies value by value.
func (o *Border) Eval(out Tensor, in []Tensor, _ [][]float32) {
	h, w, c := o.Sources(in[0].Shape)
	i := 0
	for _, y := range h {
		for _, x := range w {
			for _, k := range c {
				out.Data[i] = float32(o.Value)
				if min(y, x, k) >= 0 {
					out.Data[i] = in[0].At(y, x, k)
				}
				i++
			}
		}
	}
}

// WriteONNX writes Pad; wrapping, which Pad has since opset 19, as Gathers.
func (o *Border) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	x := g.AsMap(in[0])
	if o.Mode == "wrap" {
		extents := [3]int{n.In[0].H, n.In[0].W, n.In[0].C}
		for k, p := range o.around() {
			if p != [2]int{} {
				x = g.Node(
					"Gather",
					[]ONNXValue{x, g.Ints("at", o.sources(extents[k], p[0], p[1])...)},
					ONNXAttr{"axis", []int{2, 3, 1}[k]},
				)
			}
		}
		return x
	}
	mode := o.Mode
	if mode == "" {
		mode = "constant"
	}
	args := []ONNXValue{x, g.Ints("pads", 0, o.Front, o.Top, o.Left, 0, o.Back, o.Bottom, o.Right)}
	if o.Value != 0 {
		args = append(args, g.Number("value", o.Value))
	}
	return g.Node("Pad", args, ONNXAttr{"mode", mode})
}
