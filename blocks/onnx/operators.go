package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"nas/blocks"
)

type (
	// folder computes an operator whose inputs are all constants.
	folder func(r *reader, c call) ([]*value, error)
	// apply appends what an operator on activations does.
	apply func(r *reader, c call) ([]*value, error)
)

// spec is what is understood of an operator. An attribute, input or output
// beyond that is refused by name, never ignored.
type spec struct {
	// attrs names the attributes that the functions below read. "name=3" is
	// understood with that value only, which is its default or has no effect;
	// "name*" has no effect on inference, whatever its value.
	attrs string
	in    [2]int // fewest and most inputs
	out   int    // outputs that are made; 0 means 1
	since int    // opset from which on it exists; 0: from the first that is read
	fold  folder // nil: refused on constants
	apply apply  // nil: refused on activations
}

const many = math.MaxInt32

// operators is the list of operators that are read.
var operators map[string]spec

func init() {
	operators = map[string]spec{
		// Layers.
		"Conv": {
			attrs: "auto_pad dilations group kernel_shape pads strides",
			in:    [2]int{2, 3},
			apply: readConv,
		},
		"ConvTranspose": {
			attrs: "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
			in:    [2]int{2, 3},
			apply: readConvTranspose,
		},
		"Gemm":   {attrs: "alpha beta transA transB broadcast*", in: [2]int{2, 3}, apply: readGemm},
		"MatMul": {in: [2]int{2, 2}, fold: foldMatMul, apply: readMatMul},
		"BatchNormalization": {
			attrs: "epsilon momentum* spatial=1 training_mode=0 is_test*",
			in:    [2]int{5, 5},
			apply: readBatchNorm,
		},
		"InstanceNormalization": {attrs: "epsilon", in: [2]int{3, 3}, apply: readInstanceNorm},
		"GroupNormalization": {
			attrs: "epsilon num_groups stash_type*",
			in:    [2]int{3, 3},
			since: 18,
			apply: readGroupNorm,
		},
		"LayerNormalization": {attrs: "axis epsilon stash_type*", in: [2]int{2, 3}, apply: readLayerNorm},
		"LRN":                {attrs: "alpha beta bias size", in: [2]int{1, 1}, apply: readLRN},
		"LpNormalization":    {attrs: "axis p", in: [2]int{1, 1}, apply: readLpNorm},
		"PRelu":              {in: [2]int{2, 2}, apply: readPRelu},

		// Pools, borders, resizing.
		"MaxPool": {
			attrs: "auto_pad ceil_mode dilations kernel_shape pads storage_order=0 strides",
			in:    [2]int{1, 1},
			apply: readPool,
		},
		"AveragePool": {
			attrs: "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
			in:    [2]int{1, 1},
			apply: readPool,
		},
		"GlobalAveragePool": {in: [2]int{1, 1}, apply: globalPool(blocks.AvgPool)},
		"GlobalMaxPool":     {in: [2]int{1, 1}, apply: globalPool(blocks.MaxPool)},
		"Pad":               {attrs: "mode pads paddings value", in: [2]int{1, 4}, apply: readPad},
		"Resize": {
			attrs: "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value* keep_aspect_ratio_policy mode nearest_mode",
			in:    [2]int{1, 4},
			apply: readResize,
		},
		"Upsample": {attrs: "mode scales width_scale height_scale", in: [2]int{1, 2}, apply: readResize},

		// Functions of one number.
		"Relu": {
			in:    [2]int{1, 1},
			fold:  single(func(x float64) float64 { return max(x, 0) }),
			apply: activation(blocks.ReLU),
		},
		"Sigmoid":     {in: [2]int{1, 1}, fold: single(blocks.Sigmoid.Apply), apply: activation(blocks.Sigmoid)},
		"HardSwish":   {in: [2]int{1, 1}, since: 14, apply: activation(blocks.HSwish)},
		"HardSigmoid": {attrs: "alpha beta", in: [2]int{1, 1}, apply: readHardSigmoid},
		"Clip":        {attrs: "min max", in: [2]int{1, 3}, fold: foldClip, apply: readClip},
		"Gelu":        {attrs: "approximate", in: [2]int{1, 1}, since: 20, apply: readGelu},
		"Mish":        {in: [2]int{1, 1}, since: 18, apply: function("mish")},
		"Swish":       {attrs: "alpha", in: [2]int{1, 1}, since: 24, apply: readSwish},
		"LeakyRelu":   {attrs: "alpha", in: [2]int{1, 1}, apply: function("leaky_relu", setting{"alpha", 0.01})},
		"Elu":         {attrs: "alpha", in: [2]int{1, 1}, apply: function("elu", setting{"alpha", 1})},
		"Celu":        {attrs: "alpha", in: [2]int{1, 1}, since: 12, apply: function("celu", setting{"alpha", 1})},
		"Selu": {
			attrs: "alpha gamma",
			in:    [2]int{1, 1},
			apply: function("selu", setting{"alpha", 1.67326319217681884765625}, setting{"gamma", 1.05070102214813232421875}),
		},
		"ThresholdedRelu": {
			attrs: "alpha",
			in:    [2]int{1, 1},
			since: 10,
			apply: function("thresholded_relu", setting{"alpha", 1}),
		},
		"Shrink": {
			attrs: "lambd bias",
			in:    [2]int{1, 1},
			since: 9,
			apply: function("shrink", setting{"lambd", 0.5}, setting{"bias", 0}),
		},
		"Neg": {in: [2]int{1, 1}, fold: single(func(x float64) float64 { return -x }), apply: readNeg},

		// Functions of two or more.
		"Add": {
			attrs: "axis broadcast",
			in:    [2]int{2, 2},
			fold:  elementwise(over(plusOf), wrap(func(a, b int64) int64 { return a + b })),
			apply: readAdd,
		},
		"Sub": {
			attrs: "axis broadcast",
			in:    [2]int{2, 2},
			fold:  elementwise(over(minusOf), wrap(func(a, b int64) int64 { return a - b })),
			apply: readSub,
		},
		"Mul": {
			attrs: "axis broadcast",
			in:    [2]int{2, 2},
			fold:  elementwise(over(timesOf), wrap(func(a, b int64) int64 { return a * b })),
			apply: readMul,
		},
		"Div": {
			attrs: "axis broadcast",
			in:    [2]int{2, 2},
			fold:  elementwise(over(func(a, b float64) float64 { return a / b }), quotient),
			apply: readDiv,
		},
		"Pow": {attrs: "axis broadcast", in: [2]int{2, 2}, fold: elementwise(over(math.Pow), power), apply: readPow},
		"Min": {
			in:    [2]int{1, many},
			fold:  elementwise(over(math.Min), wrap(func(a, b int64) int64 { return min(a, b) })),
			apply: readMinMax("min"),
		},
		"Max": {
			in:    [2]int{1, many},
			fold:  elementwise(over(math.Max), wrap(func(a, b int64) int64 { return max(a, b) })),
			apply: readMinMax("max"),
		},
		"Sum": {
			in:    [2]int{1, many},
			fold:  elementwise(over(plusOf), wrap(func(a, b int64) int64 { return a + b })),
			apply: readSum,
		},
		"Mean": {
			in:    [2]int{1, many},
			fold:  elementwise(func(x []float64) float64 { return over(plusOf)(x) / float64(len(x)) }, nil),
			apply: readMean,
		},
		"Mod": {attrs: "fmod", in: [2]int{2, 2}, since: 10, fold: foldMod},

		// Along axes.
		"Softmax":    {attrs: "axis", in: [2]int{1, 1}, apply: readSoftmax},
		"LogSoftmax": {attrs: "axis", in: [2]int{1, 1}, apply: readSoftmax},

		// Views.
		"Concat":       {attrs: "axis", in: [2]int{1, many}, fold: foldConcat, apply: readConcat},
		"Split":        {attrs: "axis split num_outputs", in: [2]int{1, 2}, out: many, fold: foldSplit, apply: readSplit},
		"Slice":        {attrs: "axes ends starts", in: [2]int{1, 5}, fold: foldSlice, apply: readSlice},
		"Gather":       {attrs: "axis", in: [2]int{2, 2}, fold: foldGather, apply: readGather},
		"Transpose":    {attrs: "perm", in: [2]int{1, 1}, fold: foldTranspose, apply: readTranspose},
		"Reshape":      {attrs: "allowzero shape", in: [2]int{1, 2}, fold: viewed(reshaped), apply: readView(reshaped)},
		"Flatten":      {attrs: "axis", in: [2]int{1, 1}, fold: viewed(flattened), apply: readView(flattened)},
		"Squeeze":      {attrs: "axes", in: [2]int{1, 2}, fold: viewed(squeezed), apply: readView(squeezed)},
		"Unsqueeze":    {attrs: "axes", in: [2]int{1, 2}, fold: viewed(unsqueezed), apply: readView(unsqueezed)},
		"Expand":       {in: [2]int{2, 2}, fold: foldExpand, apply: readExpand},
		"Tile":         {in: [2]int{2, 2}, fold: foldTile, apply: readTile},
		"DepthToSpace": {attrs: "blocksize mode", in: [2]int{1, 1}, apply: readDepthToSpace},
		"SpaceToDepth": {attrs: "blocksize", in: [2]int{1, 1}, apply: readSpaceToDepth},

		// What computes nothing, and what only constants have.
		"Identity":        {in: [2]int{1, 1}, fold: pass, apply: pass},
		"Dropout":         {attrs: "ratio* seed* is_test*", in: [2]int{1, 3}, fold: pass, apply: readDropout},
		"Cast":            {attrs: "to saturate*", in: [2]int{1, 1}, fold: foldCast, apply: readCast},
		"CastLike":        {attrs: "saturate*", in: [2]int{2, 2}, fold: foldCast},
		"Shape":           {attrs: "start end", in: [2]int{1, 1}, fold: foldShape, apply: foldShape},
		"Size":            {in: [2]int{1, 1}, fold: foldSize, apply: foldSize},
		"Constant":        {attrs: "value value_float value_floats value_int value_ints", fold: foldConstant},
		"ConstantOfShape": {attrs: "value", in: [2]int{1, 1}, fold: foldConstantOfShape},
		"Range":           {in: [2]int{3, 3}, fold: foldRange},
		"Where":           {in: [2]int{3, 3}, fold: foldWhere},
		"Not": {
			in:   [2]int{1, 1},
			fold: elementwise(nil, func(x []int64) (int64, error) { return 1 - min(1, max(x[0], -x[0])), nil }),
		},
		"And":            {in: [2]int{2, 2}, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a & b }))},
		"Or":             {in: [2]int{2, 2}, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a | b }))},
		"Xor":            {in: [2]int{2, 2}, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a ^ b }))},
		"Equal":          {in: [2]int{2, 2}, fold: relation(func(a, b float64) bool { return a == b })},
		"Less":           {in: [2]int{2, 2}, fold: relation(func(a, b float64) bool { return a < b })},
		"LessOrEqual":    {in: [2]int{2, 2}, since: 12, fold: relation(func(a, b float64) bool { return a <= b })},
		"Greater":        {in: [2]int{2, 2}, fold: relation(func(a, b float64) bool { return a > b })},
		"GreaterOrEqual": {in: [2]int{2, 2}, since: 12, fold: relation(func(a, b float64) bool { return a >= b })},

		// Integers.
		"QuantizeLinear": {
			attrs: "axis block_size=0 output_dtype precision* saturate*",
			in:    [2]int{2, 3},
			since: 10,
			fold:  foldQuantize,
			apply: readQuantize,
		},
		"DequantizeLinear": {
			attrs: "axis block_size=0 output_dtype*",
			in:    [2]int{2, 3},
			since: 10,
			fold:  foldDequantize,
			apply: readDequantize,
		},
	}
	for name, f := range map[string]func(float64) float64{
		"Tanh": math.Tanh, "Erf": math.Erf, "Exp": math.Exp, "Log": math.Log, "Sqrt": math.Sqrt, "Abs": math.Abs,
		"Reciprocal": func(x float64) float64 { return 1 / x }, "Floor": math.Floor, "Ceil": math.Ceil, "Round": math.RoundToEven,
		"Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Asin": math.Asin, "Acos": math.Acos, "Atan": math.Atan,
		"Sinh": math.Sinh, "Cosh": math.Cosh, "Asinh": math.Asinh, "Acosh": math.Acosh, "Atanh": math.Atanh,
		"Softplus": nil, "Softsign": nil, "Sign": nil,
	} {
		o := spec{in: [2]int{1, 1}, apply: function(blocks.UnaryFunc(strings.ToLower(name)))}
		if f != nil {
			o.fold = single(f)
		}
		operators[name] = o
	}
	for name := range reductions {
		operators[name] = spec{
			attrs: "axes keepdims noop_with_empty_axes",
			in:    [2]int{1, 2},
			fold:  foldReduce,
			apply: readReduce,
		}
	}
	for _, name := range []string{"ReduceLogSum", "ReduceLogSumExp"} {
		operators[name] = spec{attrs: "axes keepdims noop_with_empty_axes", in: [2]int{1, 2}, apply: readLogReduce}
	}
}

// cutOperators end a network: they choose among what it computed. What stands
// before them is counted, timed and run.
var cutOperators = []string{
	"ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "NonZero", "RoiAlign", "MaxRoiPool", "Hardmax", "Compress", "Unique",
}

func minusOf(a, b float64) float64 { return a - b }
func timesOf(a, b float64) float64 { return a * b }

// understood returns an error that names what is not understood of the node.
func (o spec) understood(c call, opset int) error {
	if opset < o.since {
		return fmt.Errorf("the model is of opset %d, which has no such operator: it came with opset %d", opset, o.since)
	}
	if n := len(c.in); n < o.in[0] || n > o.in[1] {
		return fmt.Errorf("it has %d inputs, want %s", n, countOf(o.in))
	}
	known := strings.Fields(o.attrs)
	for name, a := range c.attrs {
		k := slices.IndexFunc(
			known,
			func(s string) bool { return strings.TrimSuffix(strings.SplitN(s, "=", 2)[0], "*") == name },
		)
		if k < 0 || a.other {
			return fmt.Errorf(
				"its attribute %.40q is not one that this program understands: export the model without it",
				name,
			)
		}
		if _, want, ok := strings.Cut(known[k], "="); ok && fmt.Sprint(a.i) != want {
			return fmt.Errorf(
				"its attribute %s is %d, this program reads %s only: export the model for inference",
				name,
				a.i,
				want,
			)
		}
	}
	return nil
}

func countOf(in [2]int) string {
	switch {
	case in[0] == in[1]:
		return fmt.Sprint(in[0])
	case in[1] == many:
		return fmt.Sprintf("%d or more", in[0])
	}
	return fmt.Sprintf("%d to %d", in[0], in[1])
}

func one(v *value, err error) ([]*value, error) {
	if err != nil {
		return nil, err
	}
	return []*value{v}, nil
}

func pass(_ *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	return c.in[:1], nil
}

// readDropout passes inference on and refuses training.
func readDropout(_ *reader, c call) ([]*value, error) {
	if t := c.arg(2); t != nil {
		if t.k == nil || t.k.isFloat() || t.k.len() != 1 {
			return nil, errors.New("its training_mode must be a constant")
		}
		if t.k.i[0] != 0 {
			return nil, errors.New("its input training_mode is true: export the model for inference")
		}
	}
	return one(c.activation(0))
}

func readCast(r *reader, c call) ([]*value, error) {
	if to := c.intAttr("to", elemFloat); !floating(to) {
		return nil, fmt.Errorf("of an activation to element type %d", to)
	}
	return one(c.activation(0))
}
