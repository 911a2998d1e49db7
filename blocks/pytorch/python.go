package pytorch

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// lineLimit is where a constructor's arguments move to lines of their own.
const lineLimit = 120

// A call is a Python expression that makes a module: a class and its arguments.
type call struct {
	fn   string
	args []arg
}

// An arg is one argument. It is a literal, or a call where sub is set. An
// argument that equals its default is not written; one without a key is
// positional and has no default.
type arg struct {
	key  string
	lit  string
	sub  *call
	def  string
	role string // what the value is, for the parameter that may replace it
}

func pos(role string, v int) arg { return arg{lit: strconv.Itoa(v), role: role} }
func key(k, lit, def string) arg { return arg{key: k, lit: lit, def: def, role: k} }
func num(k string, v, def int) arg {
	return key(k, strconv.Itoa(v), strconv.Itoa(def))
}

// String returns the expression on one line.
func (c *call) String() string {
	var b strings.Builder
	b.WriteString(c.fn + "(")
	b.WriteString(strings.Join(c.texts(), ", "))
	b.WriteString(")")
	return b.String()
}

func (c *call) texts() (ts []string) {
	for _, a := range c.args {
		t := a.lit
		if a.sub != nil {
			t = a.sub.String()
		}
		if a.key != "" {
			if a.sub == nil && t == a.def {
				continue
			}
			t = a.key + "=" + t
		}
		ts = append(ts, t)
	}
	return ts
}

// wrapped returns prefix, the expression and suffix at an indent, on several
// lines where one would be too long.
func (c *call) wrapped(indent, prefix, suffix string) string {
	line := indent + prefix + c.String() + suffix + "\n"
	if len(line) <= lineLimit+1 {
		return line
	}
	var b strings.Builder
	b.WriteString(indent + prefix + c.fn + "(\n")
	inner := indent + "    "
	row := ""
	for _, t := range c.texts() {
		if row != "" && len(inner)+len(row)+len(t)+3 > lineLimit {
			b.WriteString(inner + row + "\n")
			row = ""
		}
		if row != "" {
			row += " "
		}
		row += t + ","
	}
	b.WriteString(inner + strings.TrimSuffix(row, ",") + "\n")
	b.WriteString(indent + ")" + suffix + "\n")
	return b.String()
}

// leaves calls f for each literal in c, in order.
func (c *call) leaves(f func(a *arg)) {
	for i := range c.args {
		if c.args[i].sub != nil {
			c.args[i].sub.leaves(f)
		} else {
			f(&c.args[i])
		}
	}
}

// skeleton is the expression without its literals: calls of equal skeleton
// differ in literals only.
func (c *call) skeleton() string {
	var b strings.Builder
	b.WriteString(c.fn + "(")
	for _, a := range c.args {
		b.WriteString(a.key + "=")
		if a.sub != nil {
			b.WriteString(a.sub.skeleton())
		}
		b.WriteString(",")
	}
	return b.String() + ")"
}

// pair writes two extents the way PyTorch takes them.
func pair(v [2]int) string {
	if v[0] == v[1] {
		return strconv.Itoa(v[0])
	}
	return fmt.Sprintf("(%d, %d)", v[0], v[1])
}

// float writes a number so that Python reads back the same one.
func float(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func pyBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}

// reserved are names that an attribute or a variable must not have: words of
// Python, attributes of nn.Module, and names that the generated code uses.
var reserved = wordSet(`
	False None True and as assert async await break class continue def del elif else except finally for from global if
	import in is lambda nonlocal not or pass raise return try while with match case
	training forward train eval type float double half bfloat16 to cpu cuda xpu ipu apply parameters buffers children modules
	named_parameters named_buffers named_children named_modules add_module register_module register_buffer
	register_parameter get_parameter get_buffer get_submodule state_dict load_state_dict requires_grad_ zero_grad
	share_memory extra_repr dump_patches call_super_init compile
	torch nn F self json int bytearray x y size num_classes super print range`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// identifier turns any text into a Python name in snake case.
func identifier(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	s := strings.TrimRight(b.String(), "_")
	if s == "" || unicode.IsDigit(rune(s[0])) {
		s = "layer" + s
	}
	return s
}

// names hands out identifiers, each once.
type names map[string]bool

// unique returns an identifier for text, with a number where it is taken.
func (n names) unique(text string) string {
	base := identifier(text)
	name := base
	if reserved[name] || strings.HasPrefix(name, "_") {
		name = base + "_"
	}
	for i := 2; n[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	n[name] = true
	return name
}

// spellings are parts of names whose capitals are not those of the rule.
var spellings = map[string]string{
	"mobilenet": "MobileNet", "efficientnet": "EfficientNet", "squeezenet": "SqueezeNet", "shufflenet": "ShuffleNet",
	"resnet": "ResNet", "alexnet": "AlexNet", "mnasnet": "MnasNet", "deeplabv3": "DeepLabV3", "lraspp": "LRASPP",
	"aspp": "ASPP", "scnn": "SCNN", "owt": "OWT", "mcu": "MCU",
}

// className turns a network's or a scope's name into the name of a class:
// "mobilenet_v2@width=0.75" is MobileNetV2.
func className(text, fallback string) string {
	text, _, _ = strings.Cut(text, "@")
	var b strings.Builder
	for _, w := range strings.FieldsFunc(text, func(r rune) bool {
		return r >= 128 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if s, ok := spellings[strings.ToLower(w)]; ok {
			b.WriteString(s)
		} else {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	s := b.String()
	isID := len(text) == 12 && strings.Trim(text, "0123456789abcdef") == ""
	if s == "" || unicode.IsDigit(rune(s[0])) || isID || reserved[s] {
		return fallback
	}
	return s
}
