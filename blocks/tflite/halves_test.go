package tflite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks/kernels/integer"
)

// TestHalvesInRuntimes runs single operators on grids for which the runtimes' orders of float32 round apart. It wants
// each runtime's integers.
func TestHalvesInRuntimes(t *testing.T) {
	list := peers(t)
	for name, draw := range map[string]func(r *rand.Rand) (in, out integer.Grid, size int, options Options){
		"LOGISTIC": func(r *rand.Rand) (in, out integer.Grid, size int, o Options) {
			return drawnGrid(r, 8), integer.Grid{Scale: 1. / 256, Zero: -128, Low: -128, High: 127}, 2, nil
		},
		"MEAN": func(r *rand.Rand) (in, out integer.Grid, size int, o Options) {
			in, out = drawnGrid(r, 8), drawnGrid(r, 0)
			out.Scale = in.Scale * float32(math.Exp2(-4*r.Float64()))
			return in, out, []int{7, 9, 12, 14, 28}[r.IntN(5)], Options{"keep_dims": 1}
		},
	} {
		r := rand.New(rand.NewPCG(51, 52))
		var runs []request
		var want []map[string][]float32
		for len(runs) < 20 {
			in, out, size, o := draw(r)
			m := single(name, in, out, size, o)
			x := make([]float32, m.Tensors[0].elems())
			for i := range x {
				x[i] = in.Real(in.Low + int32(i)) // all of them
				if len(x) > 256 {
					x[i] = in.Real(in.Clamp(in.Zero + int32(r.NormFloat64()*40)))
				}
			}
			both := runBoth(t, m, x)
			if slices.Equal(both["TensorFlow Lite"], both["LiteRT.js"]) {
				continue
			}
			runs, want = append(runs, request{m, [][]float32{x}}), append(want, both)
		}
		for _, p := range list {
			for i, got := range p.runs(t, runs) {
				if !slices.Equal(got[0], want[i][p.name]) {
					g := runs[i].m.Tensors[1].grid()
					t.Errorf("%s of grid %+v, %s: %v", name, g, p.name,
						compareSteps(got[0], want[i][p.name], float64(runs[i].m.Tensors[3].Scale[0]), 1))
				}
			}
		}
	}
}

// drawnGrid has a scale of 2^-bits to 1.
func drawnGrid(r *rand.Rand, bits float64) integer.Grid {
	return integer.Grid{
		Scale: float32(math.Exp2(-bits * r.Float64())), Zero: int32(r.IntN(256) - 128), Low: -128, High: 127,
	}
}

// single is a model of one operator between edges of floats, on maps of size x size x 64.
func single(name string, in, out integer.Grid, size int, o Options) *Model {
	tensor := func(what string, g *integer.Grid, d ...int) Tensor {
		t := Tensor{Name: what, Dims: d}
		if g != nil {
			t.Type, t.Scale, t.Zero = Int8, []float32{g.Scale}, []int64{int64(g.Zero)}
		}
		return t
	}
	const c = 64
	to, inputs := []int{1, size, size, c}, []int{1}
	m := &Model{Description: fmt.Sprintf("%s of %+v", name, in), Inputs: []int{0}, Outputs: []int{4}}
	if name == "MEAN" {
		to, inputs = []int{1, 1, 1, c}, []int{1, 2}
	}
	m.Tensors = []Tensor{
		tensor("x", nil, 1, size, size, c), tensor("in", &in, 1, size, size, c),
		{Name: "axes", Type: Int32, Dims: []int{2}, Data: []byte{1, 0, 0, 0, 2, 0, 0, 0}},
		tensor("out", &out, to...), tensor("y", nil, to...),
	}
	m.Operators = []Operator{
		{Name: "QUANTIZE", Inputs: []int{0}, Outputs: []int{1}},
		{Name: name, Inputs: inputs, Outputs: []int{3}, Options: o},
		{Name: "DEQUANTIZE", Inputs: []int{3}, Outputs: []int{4}},
	}
	return m
}
