package kernels

import (
	"fmt"
	"math"
)

// Act is the function applied to an output value last.
type Act uint8

// The activations. HSwish and HSigmoid are those of "Searching for
// MobileNetV3" (Howard et al., 2019): x*relu6(x+3)/6 and relu6(x+3)/6. Swish is
// x*sigmoid(x), also called SiLU. GELU is x times the normal distribution function
// (Hendrycks and Gimpel, 2016), by the error function.
const (
	None Act = iota
	ReLU
	ReLU6
	HSwish
	HSigmoid
	Swish
	Sigmoid
	Erf
	Tanh
	GELU
	numActs
)

var actNames = [numActs]string{
	"none", "relu", "relu6", "hswish", "hsigmoid", "swish", "sigmoid", "erf", "tanh", "gelu",
}

// String returns the name, as in "relu6".
func (a Act) String() string {
	if a < numActs {
		return actNames[a]
	}
	return fmt.Sprintf("Act(%d)", uint8(a))
}

// clamp returns the bounds of an activation that is only a clamp; for the
// others the bounds are infinite and rest is true: a second pass applies them.
func (a Act) clamp() (lo, hi float32, rest bool) {
	lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	switch a {
	case None:
	case ReLU:
		lo = 0
	case ReLU6:
		lo, hi = 0, 6
	default:
		rest = true
	}
	return
}

// Epilogue is what happens to a sum before it is stored: Act(sum + Residual).
// The zero value stores the sum.
type Epilogue struct {
	Act Act
	// Residual, if its Data is not nil, is added before the activation. It has
	// the shape of the layer's output and may be the output itself.
	Residual View
	// Next is memory that will be read soon after this layer, or nil. A pointwise
	// layer of several pixels, whose multiplications leave the memory idle, fetches
	// it into the second-level cache on its way. It changes nothing but speed.
	Next []float32
}
