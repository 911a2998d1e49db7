package onnx

import (
	"fmt"
	"math"
	"strings"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Relu": {
			in:    oneInput,
			fold:  single(func(x float64) float64 { return max(x, 0) }),
			apply: activation(blocks.ReLU),
		},
		"Sigmoid":     {in: oneInput, fold: single(blocks.Sigmoid.Apply), apply: activation(blocks.Sigmoid)},
		"HardSwish":   {in: oneInput, since: 14, apply: activation(blocks.HSwish)},
		"HardSigmoid": {attrs: "alpha beta", in: oneInput, apply: readHardSigmoid},
		"Clip":        {attrs: "min max", in: [2]int{1, 3}, fold: foldClip, apply: readClip},
		"Gelu":        {attrs: "approximate", in: oneInput, since: 20, apply: readGelu},
		"Mish":        {in: oneInput, since: 18, apply: function("mish")},
		"Swish":       {attrs: "alpha", in: oneInput, since: 24, apply: readSwish},
		"LeakyRelu":   {attrs: "alpha", in: oneInput, apply: function("leaky_relu", setting{"alpha", 0.01})},
		"Elu":         {attrs: "alpha", in: oneInput, apply: function("elu", setting{"alpha", 1})},
		"Celu":        {attrs: "alpha", in: oneInput, since: 12, apply: function("celu", setting{"alpha", 1})},
		"Selu": {
			attrs: "alpha gamma",
			in:    oneInput,
			apply: function("selu", setting{"alpha", 1.67326319217681884765625}, setting{"gamma", 1.05070102214813232421875}),
		},
		"ThresholdedRelu": {
			attrs: "alpha",
			in:    oneInput,
			since: 10,
			apply: function("thresholded_relu", setting{"alpha", 1}),
		},
		"Shrink": {
			attrs: "lambd bias",
			in:    oneInput,
			since: 9,
			apply: function("shrink", setting{"lambd", 0.5}, setting{"bias", 0}),
		},
		"Neg": {in: oneInput, fold: single(func(x float64) float64 { return -x }), apply: readNeg},
	})
	for name, f := range map[string]func(float64) float64{
		"Tanh": math.Tanh, "Erf": math.Erf, "Exp": math.Exp, "Log": math.Log, "Sqrt": math.Sqrt, "Abs": math.Abs,
		"Reciprocal": func(x float64) float64 { return 1 / x },
		"Floor":      math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
		"Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Asin": math.Asin, "Acos": math.Acos, "Atan": math.Atan,
		"Sinh": math.Sinh, "Cosh": math.Cosh, "Asinh": math.Asinh, "Acosh": math.Acosh, "Atanh": math.Atanh,
		"Softplus": nil, "Softsign": nil, "Sign": nil,
	} {
		o := spec{in: oneInput, apply: function(blocks.UnaryFunc(strings.ToLower(name)))}
		if f != nil {
			o.fold = single(f)
		}
		operators[name] = o
	}
}

// Functions of one number.

func activation(f blocks.ActFunc) apply {
	return func(r *reader, c call) ([]*value, error) {
		v, err := c.activation(0)
		if err != nil {
			return nil, err
		}
		return one(r.each(&blocks.Activation{Func: f}, nil, v))
	}
}

// setting is an attribute of a function and its default.
type setting struct {
	name    string
	missing float64
}

// function is a function of package blocks with up to two settings.
func function(f blocks.UnaryFunc, settings ...setting) apply {
	return func(r *reader, c call) ([]*value, error) {
		v, err := c.activation(0)
		if err != nil {
			return nil, err
		}
		op := &blocks.Unary{Func: f}
		for i, s := range settings {
			*[]*float64{&op.Alpha, &op.Beta}[i] = c.floatAttr(s.name, s.missing)
		}
		return one(r.each(op, nil, v))
	}
}

func readNeg(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	return one(r.affine(v, -1, 0))
}

func readGelu(r *reader, c call) ([]*value, error) {
	f := blocks.UnaryFunc("gelu")
	switch a := c.textAttr("approximate", "none"); a {
	case "none":
	case "tanh":
		f = "gelu_tanh"
	default:
		return nil, fmt.Errorf("approximate is %.40q", a)
	}
	return function(f)(r, c)
}

func readSwish(r *reader, c call) ([]*value, error) {
	if a := c.floatAttr("alpha", 1); a != 1 {
		return nil, fmt.Errorf("alpha is %v, this program reads 1", a)
	}
	return activation(blocks.Swish)(r, c)
}

// readHardSigmoid takes max(0, min(1, alpha*x+beta)), which is the hard sigmoid
// of 6 alpha x + 6 beta - 3.
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

// gate returns scale * min(max(v+3, 0), 6), put off.
func (r *reader) gate(v *value, scale float64) (*value, error) {
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	return &value{node: v.node, axes: v.axes, from: v.from, a: scale, gate: true}, nil
}

// under looks through a node that the reader made of arithmetic with single
// numbers: v is a*x + b of the result.
func (r *reader) under(v *value) *value {
	op, ok := r.nodes[v.node].Op.(*blocks.Affine)
	if !ok || op.Scales || op.Shifts || !v.isPlain() {
		return v
	}
	w := *v
	w.node, w.a, w.b, w.done, w.laid = r.nodes[v.node].Inputs[0], op.Scale, op.Shift, nil, nil
	return &w
}

// beforeReLU returns what a ReLU under v reads, with its arithmetic put off
// again: PyTorch writes relu6(x+3) as Add, Relu, Clip.
func (r *reader) beforeReLU(v *value) *value {
	if a, ok := r.nodes[v.node].Op.(*blocks.Activation); !ok || a.Func != blocks.ReLU || !v.isPlain() {
		return v
	}
	w := *v
	w.node, w.done, w.laid = r.nodes[v.node].Inputs[0], nil, nil
	return r.under(&w)
}

// limits returns Clip's: attributes before opset 11, inputs since.
func (c call) limits() (lo, hi float64, err error) {
	if lo, err = c.number(1, c.floatAttr("min", math.Inf(-1))); err != nil {
		return
	}
	if hi, err = c.number(2, c.floatAttr("max", math.Inf(1))); err != nil {
		return
	}
	// Exporters write "no limit" as the largest float, too.
	if lo <= -math.MaxFloat32 {
		lo = math.Inf(-1)
	}
	if hi >= math.MaxFloat32 {
		hi = math.Inf(1)
	}
	return
}

func foldClip(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	if !t.isFloat() {
		ts, err := c.constants()
		if err != nil {
			return nil, err
		}
		out, err := r.make(t.elem, t.dims)
		if err != nil {
			return nil, err
		}
		for i, v := range t.i {
			for k, l := range ts[1:] {
				if l == nil || l.isFloat() || l.len() != 1 {
					continue
				}
				if k == 0 {
					v = max(v, l.i[0])
				} else {
					v = min(v, l.i[0])
				}
			}
			out.i[i] = v
		}
		return folded(out), nil
	}
	lo, hi, err := c.limits()
	if err != nil {
		return nil, err
	}
	one := c
	one.in = c.in[:1]
	return single(func(x float64) float64 { return min(max(x, lo), hi) })(r, one)
}

func readClip(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if l, h := c.arg(1), c.arg(2); l != nil && l.k == nil || h != nil && h.k == nil {
		return r.clipped(v, l, h)
	}
	lo, hi, err := c.limits()
	if err != nil {
		return nil, err
	}
	if !(lo < hi) || math.IsInf(lo, 1) || math.IsInf(hi, -1) {
		return nil, fmt.Errorf("from %v to %v", lo, hi)
	}
	if lo == 0 {
		v = r.beforeReLU(v)
	}
	if lo == 0 && hi == 6 && !v.gate && v.a == 1 && v.b == 3 && v.pads == nil {
		return one(r.gate(&value{node: v.node, axes: v.axes, from: v.from, a: 1}, 1))
	}
	switch {
	case math.IsInf(lo, -1) && math.IsInf(hi, 1):
		return []*value{v}, nil
	case lo == 0 && math.IsInf(hi, 1):
		return one(r.each(&blocks.Activation{Func: blocks.ReLU}, nil, v))
	case lo == 0 && hi == 6:
		return one(r.each(&blocks.Activation{Func: blocks.ReLU6}, nil, v))
	case math.IsInf(hi, 1):
		return one(r.each(&blocks.Unary{Func: "at_least", Alpha: lo}, nil, v))
	case math.IsInf(lo, -1):
		return one(r.each(&blocks.Unary{Func: "at_most", Alpha: hi}, nil, v))
	}
	return one(r.each(&blocks.Unary{Func: "clip", Alpha: lo, Beta: hi}, nil, v))
}

// clipped takes limits that are computed.
func (r *reader) clipped(v, lo, hi *value) ([]*value, error) {
	for i, l := range []*value{lo, hi} {
		if l == nil {
			continue
		}
		out, err := r.binary([]blocks.BinaryFunc{"max", "min"}[i], v, l, 1, 1)
		if err != nil {
			return nil, err
		}
		v = out[0]
	}
	return []*value{v}, nil
}
