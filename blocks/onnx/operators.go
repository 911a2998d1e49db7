package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

// operators are the operators on activations.
var operators map[string]func(r *reader, c call) ([]*value, error)

func init() {
	operators = map[string]func(r *reader, c call) ([]*value, error){
		"Conv":               readConv,
		"BatchNormalization": readBatchNorm,
		"Gemm":               readGemm,
		"MatMul":             readMatMul,
		"Relu":               activation(blocks.ReLU),
		"Sigmoid":            activation(blocks.Sigmoid),
		"HardSwish":          activation(blocks.HSwish),
		"HardSigmoid":        readHardSigmoid,
		"Clip":               readClip,
		"Softmax":            readSoftmax,
		"LRN":                readLRN,
		"Add":                readAdd,
		"Sub":                readSub,
		"Mul":                readMul,
		"Div":                readDiv,
		"Pad":                readPad,
		"MaxPool":            readPool,
		"AveragePool":        readPool,
		"GlobalAveragePool":  globalPool(blocks.AvgPool),
		"GlobalMaxPool":      globalPool(blocks.MaxPool),
		"ReduceMean":         readReduce,
		"ReduceMax":          readReduce,
		"ReduceSum":          readReduce,
		"Resize":             readResize,
		"Upsample":           readResize,
		"Concat":             readConcat,
		"Split":              readSplit,
		"Slice":              readSlice,
		"Gather":             readGather,
		"Transpose":          readTranspose,
		"Reshape":            readReshape,
		"Flatten":            readFlatten,
		"Squeeze":            readSqueeze,
		"Unsqueeze":          readUnsqueeze,
		"Shape":              foldShape,
		"Identity":           pass,
		"Dropout":            pass,
		"Cast":               readCast,
	}
}

func one(v *value, err error) ([]*value, error) {
	if err != nil {
		return nil, err
	}
	return []*value{v}, nil
}

func pass(_ *reader, c call) ([]*value, error) { return one(c.activation(0)) }

func readCast(_ *reader, c call) ([]*value, error) {
	if to := c.intAttr("to", elemFloat); to != elemFloat {
		return nil, fmt.Errorf("of an activation to element type %d", to)
	}
	return one(c.activation(0))
}

func activation(f blocks.ActFunc) func(r *reader, c call) ([]*value, error) {
	return func(r *reader, c call) ([]*value, error) {
		v, err := c.activation(0)
		if err != nil {
			return nil, err
		}
		return one(r.act(f, v))
	}
}

// act applies a function, in any view.
func (r *reader) act(f blocks.ActFunc, v *value) (*value, error) {
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	out, err := r.add("", &blocks.Activation{Func: f}, nil, v)
	return like(out, v, err)
}

// readHardSigmoid takes max(0, min(1, alpha*x+beta)), which is the
// hard sigmoid of 6 alpha x + 6 beta - 3.
func readHardSigmoid(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	alpha, beta := c.floatAttr("alpha", 0.2), c.floatAttr("beta", 0.5)
	if math.Abs(alpha-1./6) > 1e-6 || math.Abs(beta-0.5) > 1e-6 {
		if v, err = r.affine(v, 6*alpha, 6*beta-3); err != nil {
			return nil, err
		}
	}
	return one(r.gate(v, 1./6))
}

// gate returns scale * min(max(v+3, 0), 6) as a pending operation.
func (r *reader) gate(v *value, scale float64) (*value, error) {
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	return &value{node: v.node, dims: v.dims, view: v.view, a: scale, gate: true}, nil
}

// beforeReLU returns the input of a ReLU under v, with its arithmetic pending again: PyTorch
// writes relu6(x+3) as Add, Relu, Clip.
func (r *reader) beforeReLU(v *value) *value {
	if a, ok := r.nodes[v.node].Op.(*blocks.Activation); !ok || a.Func != blocks.ReLU || !v.isPlain() {
		return v
	}
	w := &value{node: r.nodes[v.node].Inputs[0], dims: v.dims, view: v.view, a: 1}
	if bn, ok := r.nodes[w.node].Op.(*blocks.BatchNorm); ok && bn.Epsilon == fixed {
		scale, shift := r.weights[w.node][0], r.weights[w.node][1]
		if r.charge(8*len(scale)) != nil { // looking at them takes time, too
			return v
		}
		same := func(t []float32) bool { return !slices.ContainsFunc(t, func(x float32) bool { return x != t[0] }) }
		if same(scale) && same(shift) {
			w.node, w.a, w.b = r.nodes[w.node].Inputs[0], float64(scale[0]), float64(shift[0])
		}
	}
	return w
}

func readClip(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	lo, hi := c.floatAttr("min", math.Inf(-1)), c.floatAttr("max", math.Inf(1))
	for i, p := range []*float64{&lo, &hi} {
		if c.arg(i+1) == nil {
			continue
		}
		t, err := c.floats(i + 1)
		if err != nil || len(t.f) != 1 {
			return nil, errors.New("its limits must be constant numbers")
		}
		*p = float64(t.f[0])
	}
	// Exporters write "no limit" as the largest float, too.
	if lo <= -math.MaxFloat32 {
		lo = math.Inf(-1)
	}
	if hi >= math.MaxFloat32 {
		hi = math.Inf(1)
	}
	if !(lo < hi) || math.IsInf(lo, 1) || math.IsInf(hi, -1) {
		return nil, fmt.Errorf("from %v to %v", lo, hi)
	}
	if lo == 0 {
		v = r.beforeReLU(v)
	}
	if lo == 0 && hi == 6 && !v.gate && v.a == 1 && v.b == 3 && v.pad == (blocks.Pad{}) {
		return one(r.gate(&value{node: v.node, dims: v.dims, view: v.view, a: 1}, 1))
	}
	// The clipped value is scaled to the range of ReLU6, of ReLU or of a negated ReLU, and the result
	// is scaled back.
	f, a, b := blocks.ReLU6, 1., 0.
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return []*value{v}, nil
	case math.IsInf(hi, 1):
		f, a, b = blocks.ReLU, 1, -lo
	case math.IsInf(lo, -1):
		f, a, b = blocks.ReLU, -1, hi
	default:
		a = 6 / (hi - lo)
		b = -lo * a
	}
	if v, err = r.affine(v, a, b); err != nil {
		return nil, err
	}
	if v, err = r.act(f, v); err != nil {
		return nil, err
	}
	return one(r.affine(v, 1/a, -b/a))
}
