package space

import (
	"fmt"
	"math"
	"strconv"
)

// KernelSize is the spatial extent of a convolution: K for a square kernel of K x K pixels,
// else what [Rectangle] returns. It is also the number of a choice of the gene.
type KernelSize int

// Rectangle is the size of a kernel of h x w pixels, each 1 to 31.
func Rectangle(h, w int) KernelSize {
	if h == w {
		return KernelSize(h)
	}
	return KernelSize(h<<8 | w)
}

// extents returns the height and width in pixels.
func (k KernelSize) extents() (h, w int) {
	if k < 1<<8 {
		return int(k), int(k)
	}
	return int(k >> 8), int(k & 0xff)
}

// String is the size as an arch string has it: 3, or 10x4.
func (k KernelSize) String() string {
	h, w := k.extents()
	if h == w {
		return strconv.Itoa(h)
	}
	return fmt.Sprintf("%dx%d", h, w)
}

// MarshalTOML writes the size as a config has it: 3, or [10, 4].
func (k KernelSize) MarshalTOML() ([]byte, error) {
	h, w := k.extents()
	if h == w {
		return []byte(strconv.Itoa(h)), nil
	}
	return fmt.Appendf(nil, "[%d, %d]", h, w), nil
}

// valid reports whether k is the one form of a size within the limits.
func (k KernelSize) valid() bool {
	h, w := k.extents()
	return min(h, w) >= 1 && max(h, w) <= maxKernel && k == Rectangle(h, w)
}

// logArea is the logarithm of the square root of the number of taps. No convolution counts
// as one tap.
func (k KernelSize) logArea() float64 {
	h, w := k.extents()
	return (math.Log(float64(max(h, 1))) + math.Log(float64(max(w, 1)))) / 2
}

// kernelRatio is the logarithm of the ratio of two sizes, without sign.
func kernelRatio(a, b KernelSize) float64 {
	if max(a, b) < 1<<8 {
		return logRatio(int(a), int(b))
	}
	return math.Abs(a.logArea() - b.logArea())
}

// nearestKernel returns the choice that is nearest to size k by the ratios of heights and
// widths.
func nearestKernel(choices []float64, k KernelSize) int {
	square := k < 1<<8
	for _, c := range choices {
		square = square && c < 1<<8
	}
	if square {
		return nearest(choices, float64(k))
	}
	h, w := k.extents()
	best, bestCost := 0, math.Inf(1)
	for i, c := range choices {
		ch, cw := KernelSize(c).extents()
		cost := logRatio(ch, h) + logRatio(cw, w)
		if c == 0 || k == 0 {
			cost += 100
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}
