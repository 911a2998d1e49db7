package blocks

import (
	"fmt"
	"math"
	"slices"
)

// An Op is one typed operation of a network. Ops are plain values without
// weights: their exported fields are their attributes, in the order and with
// the names of the stored file format (see file.go).
//
// Implementations must not change after they have been put into a network.
type Op interface {
	// Kind is the op's name in files, layer tables and errors: "conv", "bn" ...
	Kind() string

	// OutShape applies the shape rule. It is the only check of attributes against inputs: the other
	// methods, the engine and the exporters can handle whatever it accepts.
	OutShape(in []Shape) (Shape, error)

	// MACs counts multiply-accumulates for one image. in was accepted by OutShape.
	MACs(in []Shape) int64

	// Params lists the tensors which the op owns, in storage order.
	Params(in []Shape) []Param

	// Eval is the readable reference: it computes out, one image, from in and
	// from the tensors that Params lists. Sums are kept in float64. The engine
	// is tested against it, and runs it for an op that has no kernel of its own.
	Eval(out Tensor, in []Tensor, params [][]float32)
}

// A Tensor is the activation of one image: Shape.Elems() values in HWC order.
type Tensor struct {
	Shape Shape
	Data  []float32
}

// At returns the value at row y, column x, channel c.
func (t Tensor) At(y, x, c int) float32 { return t.Data[(y*t.Shape.W+x)*t.Shape.C+c] }

// Param describes one tensor of weights which an op owns.
type Param struct {
	Name string // "weight", "bias", "scale", "shift", "mean", "variance"
	Dims []int  // row-major extents; convolution weights are [KH, KW, Cin/groups, Cout]
	Init Init   // how NewWeights fills it
	// FanIn is the number of inputs of one output, for InitHe.
	FanIn int
	// Moving marks statistics that training tracks but does not learn; they are
	// not counted as params.
	Moving bool
}

// HeSD is the standard deviation of [InitHe], the square root of 2/FanIn (He, Zhang,
// Ren and Sun, Delving deep into rectifiers, ICCV 2015, equation 10).
func (p Param) HeSD() float32 { return float32(math.Sqrt(2 / float64(max(p.FanIn, 1)))) }

// Len returns the number of values of the tensor.
func (p Param) Len() int {
	n := 1
	for _, d := range p.Dims {
		n *= d
	}
	return n
}

// Init says how a parameter tensor starts.
type Init int

const (
	InitZero Init = iota // all 0
	InitOne              // all 1
	InitHe               // normal, mean 0, variance 2/FanIn (He et al., ICCV 2015, eq. 10)
)

// Windowed is implemented by ops that slide a window: it is what the receptive
// field and the layer table need to know of them.
type Windowed interface {
	// Window returns kernel size, stride and dilation, each {vertical, horizontal}.
	Window() (kernel, stride, dilation [2]int)
}

// InPlace is implemented by ops which a runtime computes within the tensor
// they read, when nobody else reads it: batch normalisation and activations.
type InPlace interface{ InPlace() }

// registry maps an op's kind to a maker of its zero value. Each op file adds its
// own entry, so that reading a stored network needs no switch.
var registry = map[string]func() Op{}

// Register makes an op kind known to the reader of stored networks. It panics
// if the kind is taken: kinds are fixed at compile time.
func Register(zero func() Op) {
	k := zero().Kind()
	if _, ok := registry[k]; ok {
		panic("blocks: op kind registered twice: " + k)
	}
	registry[k] = zero
}

// Kinds returns the registered op kinds in alphabetical order.
func Kinds() []string {
	ks := make([]string, 0, len(registry))
	for k := range registry {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// sumParams counts trainable values.
func sumParams(ps []Param) int64 {
	var n int64
	for _, p := range ps {
		if !p.Moving {
			n += int64(p.Len())
		}
	}
	return n
}

// wantInputs is the first check of most shape rules.
func wantInputs(in []Shape, n int) error {
	if len(in) != n {
		return fmt.Errorf("takes %d input(s), has %d", n, len(in))
	}
	return nil
}
