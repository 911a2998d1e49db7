package blocks

import "fmt"

// ChannelSlice keeps channels From to To, To excluded.
type ChannelSlice struct {
	From int `json:"from,omitempty"`
	To   int `json:"to"`
}

func init() { Register(func() Op { return new(ChannelSlice) }) }

// Kind returns "slice".
func (*ChannelSlice) Kind() string { return "slice" }

// OutShape returns H x W x (To-From); 0 <= From < To <= C.
func (o *ChannelSlice) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	if o.From < 0 || o.From >= o.To || o.To > s.C {
		return Shape{}, fmt.Errorf("channels %d to %d of %d: want 0 <= from < to <= %d", o.From, o.To, s.C, s.C)
	}
	return Shape{s.H, s.W, o.To - o.From}, nil
}

// MACs returns 0.
func (*ChannelSlice) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*ChannelSlice) Params([]Shape) []Param { return nil }

// Eval copies pixel by pixel.
func (o *ChannelSlice) Eval(out Tensor, in []Tensor, _ [][]float32) {
	n, c := o.To-o.From, in[0].Shape.C
	for p := range in[0].Shape.Pixels() {
		copy(out.Data[p*n:][:n], in[0].Data[p*c+o.From:])
	}
}

// WriteONNX writes Slice.
func (o *ChannelSlice) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("Slice", []ONNXValue{in[0], g.Ints("from", o.From), g.Ints("to", o.To), g.Ints("axis", 1)})
}
