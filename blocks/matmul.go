package blocks

import "fmt"

// MatMul multiplies matrices that are both computed, as attention does: for each
// row y of the maps, the W x C matrix of the first times the W x C matrix of the
// second,
//
//	out[y,i,j] = sum over k of a[y,i,k] b[y,k,j]
//
// An input of one row serves all rows of the other.
type MatMul struct{}

func init() { Register(func() Op { return new(MatMul) }) }

// Kind returns "matmul".
func (*MatMul) Kind() string { return "matmul" }

// OutShape wants the first's channels to be as many as the second's columns.
func (*MatMul) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 2); err != nil {
		return Shape{}, err
	}
	a, b := in[0], in[1]
	if a.C != b.W || a.H != b.H && a.H != 1 && b.H != 1 {
		return Shape{}, fmt.Errorf("matrices of %v and %v", a, b)
	}
	out := Shape{max(a.H, b.H), a.W, b.C}
	if float64(out.Elems())*float64(a.C) > 1<<62 {
		return Shape{}, fmt.Errorf("matrices of %v and %v are too large", a, b)
	}
	return out, out.Check()
}

// MACs returns H Wa Ca Cb.
func (*MatMul) MACs(in []Shape) int64 {
	return int64(max(in[0].H, in[1].H)) * int64(in[0].W) * int64(in[0].C) * int64(in[1].C)
}

// Params returns nil.
func (*MatMul) Params([]Shape) []Param { return nil }

// Eval multiplies row by row.
func (*MatMul) Eval(out Tensor, in []Tensor, _ [][]float32) {
	a, b := in[0], in[1]
	acc := make([]float64, b.Shape.C)
	for y := range out.Shape.H {
		ya, yb := min(y, a.Shape.H-1), min(y, b.Shape.H-1)
		for i := range a.Shape.W {
			clear(acc)
			for k := range a.Shape.C {
				v := float64(a.At(ya, i, k))
				row := b.Data[(yb*b.Shape.W+k)*b.Shape.C:][:b.Shape.C]
				for j, w := range row {
					acc[j] += v * float64(w)
				}
			}
			for j, v := range acc {
				out.Data[(y*out.Shape.W+i)*out.Shape.C+j] = float32(v)
			}
		}
	}
}

// WriteONNX writes MatMul between transposes to N x H x W x C and back.
func (*MatMul) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	maps := asMaps(g, in)
	for i, v := range maps {
		maps[i] = g.Node("Transpose", []ONNXValue{v}, ONNXAttr{"perm", []int{0, 2, 3, 1}})
	}
	return g.Node("Transpose", []ONNXValue{g.Node("MatMul", maps)}, ONNXAttr{"perm", []int{0, 3, 1, 2}})
}
