package onnx

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"nas/blocks"
)

// The runtime does not optimise these graphs: ONNX Runtime 1.30 puts the zeros of a Pad
// into a MaxPool behind it, which pads with the least number.

// TestRandomOperators reads operators with attributes drawn at random and compares with
// ONNX Runtime: what is read is right. NAS_RANDOM is how many, and NAS_RANDOM_SEED the
// first seed; the test suite does a few.
func TestRandomOperators(t *testing.T) { compareRandom(t, 400, 1) }

// TestRandomGraphs is the same for chains of three to nine operators.
func TestRandomGraphs(t *testing.T) { compareRandom(t, 150, 9) }

func compareRandom(t *testing.T, count, longest int) {
	runtimeDir(t)
	first := uint64(1)
	if s := os.Getenv("NAS_RANDOM"); s != "" {
		count, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("NAS_RANDOM_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
	}
	dir := t.TempDir()
	read, refused, unable, undecided, wrong := 0, map[string]int{}, 0, 0, 0
	const batch = 500
	for from := 0; from < count; from += batch {
		var jobs []job
		var models []*Model
		var texts []string
		var drawn []*generator
		for i := from; i < min(from+batch, count); i++ {
			g := newGenerator(first + uint64(i))
			g.build(longest)
			data := g.model(t)
			m, err := Read(data, ReadOptions{})
			if err != nil {
				refused[g.last]++
				if os.Getenv("NAS_RANDOM_WHY") != "" {
					t.Logf("WHY %s: %v", g.last, err)
				}
				continue
			}
			path := filepath.Join(dir, fmt.Sprint(len(jobs)))
			if err := os.WriteFile(path+".onnx", data, 0o600); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job{Model: path + ".onnx", Input: path + ".in", Output: path + ".out", Dims: g.input,
				Optional: true, Level: "disabled", in: g.values()})
			models, drawn = append(models, m), append(drawn, g)
			texts = append(texts, fmt.Sprintf("seed %d: %s", g.seed, g.text()))
			os.Remove(path + ".out")
		}
		for i, want := range runRuntime(t, jobs) {
			huge := func(v float32) bool { return !(math.Abs(float64(v)) < 1e30) }
			if want == nil || slices.ContainsFunc(want, huge) {
				unable++
				if os.Getenv("NAS_RANDOM_WHY") != "" {
					t.Logf("UNABLE %s", texts[i])
				}
				continue
			}
			read++
			got := evalFile(t, models[i], jobs[i].in)[0]
			if _, err := close(got, want, 2e-3); err == nil {
				continue
			} else if drawn[i].tied(got, want) || unsteady(t, models[i], jobs[i].in, got, want) {
				undecided++
			} else {
				wrong++
				t.Errorf("%s: %v; wrong from operator %d on", texts[i], err, firstWrong(t, dir, drawn[i], jobs[i]))
			}
		}
	}
	t.Logf("%d right, %d wrong, %d that the last digits of the input decide, %d not run by ONNX Runtime, refused: %v",
		read-wrong-undecided, wrong, undecided, unable, refused)
	if read < count/3 {
		t.Errorf("only %d of %d were compared", read, count)
	}
}

// tied tells whether values that a QuantizeLinear rounds lie between two numbers of its grid, where another
// order of sums gives the other one: few values differ. Or whether it rounds what is no number, for which ONNX has no
// rule: ours stays no number, and ONNX Runtime takes the lowest integer.
func (g *generator) tied(got, want []float32) bool {
	rounds := func(o operator) bool { return o.kind == "QuantizeLinear" }
	if len(got) != len(want) || !slices.ContainsFunc(g.ops[1:], rounds) {
		return false
	}
	size, far := 0., 0
	for _, v := range want {
		size = max(size, math.Abs(float64(v)))
	}
	for i, v := range want {
		if g := float64(got[i]); !math.IsNaN(g) && !(math.Abs(g-float64(v)) <= 2e-3*size) {
			far++
		}
	}
	return far <= 1+len(want)/100
}

// unsteady tells whether a change in the last digits of the input moves the output as far as the two differ,
// for instance the cosine of a large power, or whether all of the output is rounding, for instance equal numbers
// less their mean: then neither is wrong.
func unsteady(t *testing.T, m *Model, in, got, want []float32) bool {
	moved := slices.Clone(in)
	for i := range moved {
		moved[i] *= 1 + 1e-6*float32(1+i%3)
	}
	far := func(a, b []float32) (d float64) {
		for i := range a {
			d = max(d, math.Abs(float64(a[i])-float64(b[i])))
		}
		return d
	}
	zeros := make([]float32, len(want))
	return len(got) == len(want) && (far(evalFile(t, m, moved)[0], got) > far(got, want)/4 ||
		max(far(got, zeros), far(want, zeros)) < 1e-4)
}

// firstWrong returns the number of the first operator whose own result is wrong.
func firstWrong(t *testing.T, dir string, g *generator, j job) int {
	for k := 1; k < len(g.ops); k++ {
		part := *g
		part.ops, part.at = g.ops[:k], g.ops[k-1].out[0]
		m, err := Read(part.bytes(), ReadOptions{})
		if err != nil {
			continue
		}
		j.Model = filepath.Join(dir, "part.onnx")
		if err := os.WriteFile(j.Model, part.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		want := runRuntime(t, []job{j})[0]
		if _, err := close(evalFile(t, m, j.in)[0], want, 2e-3); err != nil {
			return k - 1
		}
	}
	return len(g.ops) - 1
}

// generator draws models.
type generator struct {
	*rand.Rand
	seed      uint64
	opset     int
	input     []int
	dims      []int  // of the tensor at the end
	at        string // its name
	ops       []operator
	constants []constant
	last      string
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 77)), seed: seed, at: "x"}
	g.opset = FirstOpset + g.IntN(LastOpset-FirstOpset+1)
	g.input = []int{1 + g.IntN(3)*g.IntN(2), 1 + g.IntN(12), 1 + g.IntN(10), 1 + g.IntN(10)}
	switch g.IntN(8) {
	case 0:
		g.input = g.input[:3]
	case 1:
		g.input = g.input[:2]
	}
	g.dims = slices.Clone(g.input)
	return g
}

// build appends up to most operators; one that the reader refuses is taken back in a chain.
func (g *generator) build(most int) {
	want := 1
	if most > 1 {
		want = 3 + g.IntN(most-2)
	}
	if g.IntN(8) == 0 {
		g.deepen()
		want += len(g.ops)
	}
	for tries := 0; len(g.ops) < want && len(g.dims) > 1 && tries < 4*want; tries++ {
		ops, constants := g.ops, g.constants
		f := makers[g.IntN(len(makers))]
		g.last = f.name
		f.make(g)
		if len(g.ops) == len(ops) {
			continue
		}
		m, err := Read(g.bytes(), ReadOptions{})
		if err != nil {
			if most > 1 {
				g.ops, g.constants = ops, constants
				g.at = "x"
				if len(ops) > 0 {
					g.at = ops[len(ops)-1].out[0]
				}
			}
			if most == 1 {
				return
			}
			continue
		}
		g.dims = m.Outputs[0].Dims
	}
}

func (g *generator) text() string {
	s := fmt.Sprintf("opset %d, x %v", g.opset, g.input)
	for _, o := range g.ops {
		s += fmt.Sprintf("; %s %v %v", o.kind, o.in, o.attrs)
	}
	for _, c := range g.constants {
		s += fmt.Sprintf("; %s %v %v %v", c.name, c.dims, c.ints, c.floats[:min(8, len(c.floats))])
	}
	return s
}

func (g *generator) bytes() []byte {
	gr := &graph{operators: g.ops, tensors: g.constants, opset: cmp.Or(g.opset, defaultOpset), input: info{"x", g.input},
		outputs: []info{{g.at, nil}}}
	var b bytes.Buffer
	if err := gr.write(&b, "random", "", nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (g *generator) model(*testing.T) []byte { return g.bytes() }

func (g *generator) values() []float32 {
	n := 1
	for _, d := range g.input {
		n *= d
	}
	v := make([]float32, n)
	// Single operators also see large numbers, halves and zeros.
	large, halves := g.IntN(6) == 0 && len(g.ops) < 3, g.IntN(6) == 0
	for i := range v {
		v[i] = float32(g.NormFloat64())
		switch {
		case large:
			v[i] *= 60
		case halves:
			v[i] = float32(math.Round(float64(4*v[i]))/2) + 0 // no -0: reciprocals of zeros differ by their sign
		}
	}
	return v
}

type attr = blocks.ONNXAttr

// op appends an operator on the tensor at the end.
func (g *generator) op(kind string, more []string, attrs ...attr) {
	g.at = g.node(kind, append([]string{g.at}, more...), attrs...)
}

// node appends an operator on any tensors.
func (g *generator) node(kind string, in []string, attrs ...attr) string {
	name := fmt.Sprint("t", len(g.ops))
	g.ops = append(g.ops, operator{name: name, kind: kind, in: in, out: []string{name}, attrs: attrs})
	return name
}

// axesOp is an operator whose axes are an attribute or an input, as the opset has it.
func (g *generator) axesOp(kind string, axes []int, attrs ...attr) {
	if g.opset < axesInput[kind] {
		g.op(kind, nil, append(attrs, attr{Name: "axes", Value: axes})...)
		return
	}
	g.op(kind, []string{g.ints(axes...)}, attrs...)
}

// deepen gives the tensor five dims.
func (g *generator) deepen() {
	for k := len(g.dims) - 1; k >= 1; k-- {
		d := g.dims[k]
		for b := 2; b <= d && len(g.dims) < 5; b++ {
			if d%b == 0 {
				g.dims = append(g.dims[:k:k], append([]int{b, d / b}, g.dims[k+1:]...)...)
				break
			}
		}
	}
	for len(g.dims) < 5 {
		g.dims = append(g.dims, 1)
	}
	g.op("Reshape", []string{g.ints(g.dims...)})
}

func (g *generator) floats(dims ...int) string {
	n := 1
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(g.NormFloat64())
	}
	return g.constant(constant{dims: dims, floats: v})
}

func (g *generator) ints(v ...int) string {
	return g.constant(constant{dims: []int{len(v)}, ints: append([]int{}, v...)})
}

func (g *generator) constant(c constant) string {
	c.name = fmt.Sprint("c", len(g.constants))
	g.constants = append(g.constants, c)
	return c.name
}

func (g *generator) maybe(p float64, a attr) []attr {
	if g.Float64() < p {
		return []attr{a}
	}
	return nil
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// axis is one of the tensor's, perhaps counted from the back.
func (g *generator) axis() int {
	r := len(g.dims)
	return g.IntN(2*r) - r
}

// broadcastable draws dims that fit the tensor's.
func (g *generator) broadcastable() []int {
	d := slices.Clone(g.dims[g.IntN(len(g.dims)+1):])
	for i := range d {
		if g.IntN(2) == 0 {
			d[i] = 1
		}
	}
	if g.IntN(6) == 0 && len(d) == len(g.dims) {
		d = append([]int{1}, d...)
	}
	return d
}

// window draws attributes of a window over the spatial axes.
func (g *generator) window(k []int, dilations bool) []attr {
	var a []attr
	list := func(n int, f func() int) []int {
		v := make([]int, n)
		for i := range v {
			v[i] = f()
		}
		return v
	}
	n := len(k)
	if g.IntN(2) == 0 {
		a = append(a, attr{Name: "strides", Value: list(n, func() int { return 1 + g.IntN(4) })})
	}
	if dilations && g.IntN(3) == 0 {
		a = append(a, attr{Name: "dilations", Value: list(n, func() int { return 1 + g.IntN(2) })})
	}
	switch g.IntN(4) {
	case 0:
		p := list(2*n, func() int { return 0 })
		for i := range p {
			p[i] = g.IntN(max(1, k[i%n]))
		}
		a = append(a, attr{Name: "pads", Value: p})
	case 1:
		a = append(a, attr{Name: "auto_pad", Value: pick(g, "SAME_UPPER", "SAME_LOWER", "VALID")})
	}
	return a
}

func (g *generator) kernel() []int {
	k := make([]int, len(g.dims)-2)
	for i := range k {
		k[i] = 1 + g.IntN(4)
	}
	return k
}
