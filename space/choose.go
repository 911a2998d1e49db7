package space

import (
	"math"
	"slices"

	"nas/blocks"
)

// nearest returns the first choice nearest to v: by ratio, or by difference if one of
// them is 0.
func nearest[T int | float64](choices []T, v float64) int {
	best, bestCost := 0, math.Inf(1)
	for i, c := range choices {
		cost := math.Abs(math.Log(float64(c) / v))
		if c == 0 || v == 0 {
			cost = 100 + math.Abs(float64(c)-v) // farther than any ratio
		}
		if float64(c) == v {
			cost = 0
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

// nearestAct returns the choice of the same activation function, else of the same
// family, else the first.
func nearestAct(choices []float64, f blocks.ActFunc) int {
	family := func(f blocks.ActFunc) int {
		switch f {
		case blocks.ReLU, blocks.ReLU6:
			return 1
		case blocks.HSwish, blocks.Swish:
			return 2
		}
		return 3 + int(f)
	}
	best := 0
	for i, c := range choices {
		if c := blocks.ActFunc(c); c == f {
			return i
		} else if family(c) == family(f) && family(blocks.ActFunc(choices[best])) != family(f) {
			best = i
		}
	}
	return best
}

// logRatio is the distance of two numbers of channels or strides.
func logRatio(a, b int) float64 {
	if a == b {
		return 0
	}
	return math.Abs(math.Log(float64(max(a, 1)) / float64(max(b, 1))))
}

// with appends those of vs that are not in list.
func with[L ~[]T, T comparable](list L, vs ...T) L {
	for _, v := range vs {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}
