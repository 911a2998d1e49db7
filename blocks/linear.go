package blocks

import "fmt"

// Linear is a fully connected layer over the whole activation. A map is read in
// HWC order; weights trained on another order are permuted where they are read.
type Linear struct {
	Out  int  `json:"out"`
	Bias bool `json:"bias,omitempty"`
}

func init() { Register(func() Op { return new(Linear) }) }

// Kind returns "linear".
func (*Linear) Kind() string { return "linear" }

// OutShape returns 1 x 1 x Out.
func (o *Linear) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	if o.Out < 1 || float64(o.Out)*float64(in[0].Elems()) > maxElems {
		return Shape{}, fmt.Errorf("%d outputs of %v: want at least 1 and at most 2^31 weights", o.Out, in[0])
	}
	return Shape{1, 1, o.Out}, nil
}

// MACs returns inputs x outputs.
func (o *Linear) MACs(in []Shape) int64 { return int64(in[0].Elems()) * int64(o.Out) }

// Params returns weight [in, out] and, if asked for, bias [out].
func (o *Linear) Params(in []Shape) []Param {
	n := in[0].Elems()
	w := Param{Name: "weight", Dims: []int{n, o.Out}, Init: InitHe, FanIn: n}
	if !o.Bias {
		return []Param{w}
	}
	return []Param{w, {Name: "bias", Dims: []int{o.Out}}}
}

// Eval computes in x weight + bias.
func (o *Linear) Eval(out Tensor, in []Tensor, params [][]float32) {
	acc := make([]float64, o.Out)
	if o.Bias {
		for i, b := range params[1] {
			acc[i] = float64(b)
		}
	}
	for i, v := range in[0].Data {
		for n, w := range params[0][i*o.Out:][:o.Out] {
			acc[n] += float64(v) * float64(w)
		}
	}
	for i, v := range acc {
		out.Data[i] = float32(v)
	}
}

// WriteONNX writes Flatten and Gemm with weights [out, in]. ONNX flattens in CHW
// order, so the columns are permuted.
func (o *Linear) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	x := in[0]
	if !x.Vector {
		x = g.Node("Flatten", []ONNXValue{x}, ONNXAttr{"axis", 1})
		x.Vector = true
	}
	s := n.In[0]
	w := make([]float32, len(params[0]))
	for p := range s.Pixels() {
		for c := range s.C {
			for m, v := range params[0][(p*s.C+c)*o.Out:][:o.Out] {
				w[m*s.Elems()+c*s.Pixels()+p] = v
			}
		}
	}
	args := []ONNXValue{x, g.Floats("weight", []int{o.Out, s.Elems()}, w)}
	if o.Bias {
		args = append(args, g.Floats("bias", []int{o.Out}, params[1]))
	}
	return g.Node("Gemm", args, ONNXAttr{"transB", 1})
}
