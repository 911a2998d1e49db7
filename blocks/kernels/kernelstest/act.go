package kernelstest

import (
	"math"

	"nas/blocks/kernels"
)

// Acts are the activations that have a derivative here.
func Acts() []kernels.Act {
	return []kernels.Act{kernels.None, kernels.ReLU, kernels.ReLU6, kernels.HSwish, kernels.HSigmoid, kernels.Swish,
		kernels.Sigmoid}
}

// Act is the activation of a value.
func Act[T Float](act kernels.Act, x T) T {
	switch act {
	case kernels.ReLU:
		return max(x, 0)
	case kernels.ReLU6:
		return min(max(x, 0), 6)
	case kernels.HSwish:
		return x * min(max(x+3, 0), 6) / 6
	case kernels.HSigmoid:
		return min(max(x+3, 0), 6) / 6
	case kernels.Swish:
		return x * sigmoid(x)
	case kernels.Sigmoid:
		return sigmoid(x)
	}
	return x
}

// Slope is its derivative; at a corner that of the flat side.
func Slope[T Float](act kernels.Act, x T) T {
	inside := func(lo, hi T) T {
		if lo < x && x < hi {
			return 1
		}
		return 0
	}
	switch act {
	case kernels.ReLU:
		return inside(0, T(math.Inf(1)))
	case kernels.ReLU6:
		return inside(0, 6)
	case kernels.HSwish:
		return min(max(x+3, 0), 6)/6 + x*inside(-3, 3)/6
	case kernels.HSigmoid:
		return inside(-3, 3) / 6
	case kernels.Swish:
		s := sigmoid(x)
		return s * (1 + x*(1-s))
	case kernels.Sigmoid:
		s := sigmoid(x)
		return s * (1 - s)
	}
	return 1
}

func sigmoid[T Float](x T) T { return T(1 / (1 + math.Exp(-float64(x)))) }
