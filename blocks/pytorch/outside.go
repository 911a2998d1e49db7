package pytorch

import (
	"fmt"
	"strconv"
	"strings"

	"nas/blocks"
)

// Forms of the ops that only networks from outside have.

func init() {
	for kind, f := range map[string]opForm{
		"affine":         {affineModule, applyAffine},
		"binary":         {nil, applyBinary},
		"border":         {nil, applyBorder},
		"constant":       {constantModule, applyConstant},
		"conv_transpose": {convTransposeModule, applyConvTranspose},
		"fake_quant":     {nil, applyFakeQuant},
		"interpolate":    {nil, applyInterpolate},
		"matmul":         {nil, applyMatMul},
		"normalize":      {normalizeModule, applyNormalize},
		"prelu": {preluModule, func(_ *scope, _ int, self string, in []value) value {
			return value{expr: self + "(" + in[0].asMap() + ")"}
		}},
		"rearrange": {nil, applyRearrange},
		"reduce":    {nil, applyReduce},
		"select":    {nil, applySelect},
		"unary":     {nil, applyUnary},
	} {
		forms[kind] = f
	}
	perChannel := func(f *tensorForm, in []blocks.Shape) { f.shape = []int{in[0].C, 1, 1} }
	layouts["affine.scale"], layouts["affine.shift"] = perChannel, perChannel
	layouts["constant.value"] = func(f *tensorForm, _ []blocks.Shape) {
		f.permute(2, 0, 1)
	}
	layouts["conv_transpose.weight"] = func(f *tensorForm, _ []blocks.Shape) { f.permute(2, 3, 0, 1) }
	layouts["normalize.scale"], layouts["normalize.shift"] = rename("weight"), rename("bias")
	layouts["prelu.slope"] = rename("weight")
}

// opOf is node i's op.
func opOf[T blocks.Op](s *scope, i int) T { return s.g.net.Nodes[i].Op.(T) }

// nhwc and nchw move the channels of an expression.
func nhwc(expr string) string { return expr + ".permute(0, 2, 3, 1)" }
func nchw(expr string) string { return expr + ".permute(0, 3, 1, 2)" }

// affineModule is nil where both factors are numbers.
func affineModule(g *graph, i int) *call {
	o := g.net.Nodes[i].Op.(*blocks.Affine)
	if !o.Scales && !o.Shifts {
		return nil
	}
	factor := func(each bool, v float64) string {
		if each {
			return "None"
		}
		return float(v)
	}
	return &call{"Affine", []arg{pos("channels", g.net.Nodes[i].Shape.C),
		key("scale", factor(o.Scales, o.Scale), "1.0"), key("shift", factor(o.Shifts, o.Shift), "0.0")}}
}

func applyAffine(s *scope, i int, self string, in []value) value {
	o := opOf[*blocks.Affine](s, i)
	if o.Scales || o.Shifts {
		return value{expr: self + "(" + in[0].asMap() + ")"}
	}
	e := in[0].expr
	if o.Scale != 1 {
		e += " * " + float(o.Scale)
	}
	if o.Shift != 0 {
		e += " + " + float(o.Shift)
	}
	return value{"(" + e + ")", in[0].flat}
}

var binaryForms = map[blocks.BinaryFunc]string{
	"add": "%s + %s", "sub": "%s - %s", "mul": "%s * %s", "div": "%s / %s",
	"min": "torch.minimum(%s, %s)", "max": "torch.maximum(%s, %s)", "pow": "torch.pow(%s, %s)",
}

func applyBinary(s *scope, i int, _ string, in []value) value {
	parts, flat := sameRank(in)
	return value{"(" + fmt.Sprintf(binaryForms[opOf[*blocks.Binary](s, i).Func], parts[0], parts[1]) + ")", flat}
}

// unaryForms are the functions; %s is what they read, then Alpha and Beta.
var unaryForms = map[blocks.UnaryFunc]string{
	"leaky_relu": "F.leaky_relu(%[1]s, %[2]s)", "elu": "F.elu(%[1]s, %[2]s)", "celu": "F.celu(%[1]s, %[2]s)",
	"at_least": "%[1]s.clamp(min=%[2]s)", "at_most": "%[1]s.clamp(max=%[2]s)", "clip": "%[1]s.clamp(%[2]s, %[3]s)",
	"selu":             "(%[3]s * F.elu(%[1]s, %[2]s))",
	"thresholded_relu": "F.threshold(%[1]s, %[2]s, 0.0)",
	"shrink":           "shrink(%[1]s, %[2]s, %[3]s)",
	"gelu":             "F.gelu(%[1]s)", "gelu_tanh": `F.gelu(%[1]s, approximate="tanh")`, "mish": "F.mish(%[1]s)",
	"softplus": "F.softplus(%[1]s)", "softsign": "F.softsign(%[1]s)",
}

func applyUnary(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.Unary](s, i)
	form, ok := unaryForms[o.Func]
	if !ok {
		form = "torch." + string(o.Func) + "(%[1]s)"
	}
	e := fmt.Sprintf(form+"%[4]s", in[0].expr, float(o.Alpha), float(o.Beta), "")
	return value{e, in[0].flat}
}

var borderModes = map[string]string{"edge": "replicate", "reflect": "reflect", "wrap": "circular"}

func applyBorder(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.Border](s, i)
	pixels := fmt.Sprintf("(%d, %d, %d, %d", o.Left, o.Right, o.Top, o.Bottom)
	mode, other := borderModes[o.Mode]
	if !other {
		return value{
			expr: fmt.Sprintf("F.pad(%s, %s, %d, %d), value=%s)", in[0].asMap(), pixels, o.Front, o.Back, float(o.Value)),
		}
	}
	x := in[0].asMap()
	if o.Front != 0 || o.Back != 0 {
		// F.pad knows these modes for the last axes only: the channels become one.
		x = fmt.Sprintf("F.pad(%s.transpose(1, 3), (%d, %d, 0, 0), mode=%q).transpose(1, 3)", x, o.Front, o.Back, mode)
	}
	return value{expr: fmt.Sprintf("F.pad(%s, %s), mode=%q)", x, pixels, mode)}
}

func constantModule(g *graph, i int) *call {
	s := g.net.Nodes[i].Shape
	return &call{"Constant", []arg{pos("channels", s.C), pos("height", s.H), pos("width", s.W)}}
}

func applyConstant(_ *scope, _ int, self string, _ []value) value {
	return value{expr: self + "()"}
}

func convTransposeModule(g *graph, i int) *call {
	o := g.net.Nodes[i].Op.(*blocks.ConvTranspose)
	stride, dilation := o.Stride, o.Dilation
	for k := range 2 {
		stride[k], dilation[k] = max(stride[k], 1), max(dilation[k], 1)
	}
	return &call{"nn.ConvTranspose2d", []arg{
		pos(
			"cin",
			g.net.InShapes(i)[0].C,
		), g.width(i, o.Out), {lit: pair(o.Kernel), role: "kernel"}, key("stride", pair(stride), "1"),
		num("groups", o.G(), 1), key("bias", pyBool(o.Bias), "True"), key("dilation", pair(dilation), "1"),
	}}
}

// applyConvTranspose cuts the padding off, which may differ from side to side.
func applyConvTranspose(s *scope, i int, self string, in []value) value {
	o := opOf[*blocks.ConvTranspose](s, i)
	x := self + "(" + in[0].asMap() + ")"
	p := o.Pad
	sides := [4]int{-p.Left, o.Extra[1] - p.Right, -p.Top, o.Extra[0] - p.Bottom}
	if sides == [4]int{} {
		return value{expr: x}
	}
	// Rows and columns beyond the kernels hold the bias alone.
	if (o.Extra[0] > p.Bottom || o.Extra[1] > p.Right) && o.Bias {
		return value{
			expr: fmt.Sprintf("extended(%s, %s.bias, (%d, %d, %d, %d))", x, self, sides[0], sides[1], sides[2], sides[3]),
		}
	}
	return value{expr: fmt.Sprintf("F.pad(%s, (%d, %d, %d, %d))", x, sides[0], sides[1], sides[2], sides[3])}
}

func applyFakeQuant(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.FakeQuant](s, i)
	return value{
		fmt.Sprintf(
			"torch.fake_quantize_per_tensor_affine(%s, %s, %d, %d, %d)",
			in[0].expr,
			float(o.Scale),
			o.Zero,
			o.Low,
			o.High,
		),
		in[0].flat,
	}
}

func applyInterpolate(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.Interpolate](s, i)
	args := []string{
		in[0].asMap(),
		fmt.Sprintf("(%d, %d)", o.H, o.W),
		strconv.Quote(o.Mode),
		strconv.Quote(o.Coordinates),
	}
	for _, a := range []struct {
		key, lit string
		on       bool
	}{
		{"rounding", strconv.Quote(o.Rounding), o.Mode == "nearest"},
		{"scale", "(" + float(o.Scale[0]) + ", " + float(o.Scale[1]) + ")", o.Scale != [2]float64{}},
		{"cubic", float(o.Cubic), o.Mode == "cubic"}, {"exclude", "True", o.Exclude}, {"antialias", "True", o.Antialias},
	} {
		if a.on {
			args = append(args, a.key+"="+a.lit)
		}
	}
	return value{expr: "interpolate(" + strings.Join(args, ", ") + ")"}
}

func applyMatMul(_ *scope, _ int, _ string, in []value) value {
	return value{expr: nchw("torch.matmul(" + nhwc(in[0].asMap()) + ", " + nhwc(in[1].asMap()) + ")")}
}

func normalizeModule(g *graph, i int) *call {
	o, c := g.net.Nodes[i].Op.(*blocks.Normalize), g.net.Nodes[i].Shape.C
	eps := key("eps", float(o.Eps()), "1e-05")
	if o.Groups == 0 {
		return &call{"nn.LayerNorm", []arg{pos("cin", c), eps, key("elementwise_affine", pyBool(!o.Plain), "True")}}
	}
	return &call{"nn.GroupNorm", []arg{
		pos("groups", o.Groups), pos("cin", c), eps, key("affine", pyBool(!o.Plain), "True"),
	}}
}

func applyNormalize(s *scope, i int, self string, in []value) value {
	x := in[0].asMap()
	if opOf[*blocks.Normalize](s, i).Groups == 0 {
		return value{expr: nchw(self + "(" + nhwc(x) + ")")}
	}
	return value{expr: self + "(" + x + ")"}
}

func preluModule(g *graph, i int) *call {
	return &call{"nn.PReLU", []arg{pos("cin", g.net.Nodes[i].Shape.C)}}
}

// applyRearrange writes the loop nests as lists of steps and strides.
func applyRearrange(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.Rearrange](s, i)
	nest := func(l []blocks.Stride) string {
		var parts []string
		for _, v := range l {
			parts = append(parts, fmt.Sprintf("(%d, %d)", v.N, v.Step))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return value{
		expr: fmt.Sprintf("rearrange(%s, %s, %s, %s, %d)", in[0].asMap(), nest(o.H), nest(o.W), nest(o.C), o.From),
	}
}

// reduceForms take what they read and its axes.
var reduceForms = map[blocks.ReduceFunc]string{
	"mean": "%s.mean(%s, keepdim=True)", "sum": "%s.sum(%s, keepdim=True)", "max": "%s.amax(%s, keepdim=True)",
	"min": "%s.amin(%s, keepdim=True)", "l1": "%s.abs().sum(%s, keepdim=True)", "sum_square": "%s.square().sum(%s, keepdim=True)",
	"l2": "%s.square().sum(%s, keepdim=True).sqrt()",
}

func applyReduce(s *scope, i int, _ string, in []value) value {
	o := opOf[*blocks.Reduce](s, i)
	x := in[0].asMap()
	var axes []string
	for axis, on := range []bool{false, o.C, o.H, o.W} {
		if on {
			axes = append(axes, strconv.Itoa(axis))
		}
	}
	if o.Func == "prod" {
		for _, a := range axes {
			x += ".prod(" + a + ", keepdim=True)"
		}
		return value{expr: x}
	}
	if len(axes) == 0 {
		return value{expr: x}
	}
	return value{expr: fmt.Sprintf(reduceForms[o.Func], x, "("+strings.Join(axes, ", ")+",)")}
}

func applySelect(s *scope, i int, _ string, in []value) value {
	var list []string
	for _, c := range opOf[*blocks.Select](s, i).Channels {
		list = append(list, strconv.Itoa(c))
	}
	return value{in[0].expr + "[:, [" + strings.Join(list, ", ") + "]]", in[0].flat}
}
