package twolevel

import (
	"math"

	"nas/accuracy/features"
)

// mostAspect is the ratio of the input's sides beyond which pixels do not count. The data has squares alone.
const mostAspect = 1.5

// Octaves is log2(a/b), or 0 where a is less than b or nothing is known of b.
func Octaves(a, b float64) float64 {
	if b <= 0 || a <= b {
		return 0
	}
	return math.Log2(a / b)
}

// VisibleSide is the side, in pixels, of a square of as many pixels as are read of the input. Of the
// longer side no more counts than mostAspect times the shorter one.
func VisibleSide(f *features.Network) float64 {
	short, long := float64(min(f.Input.H, f.Input.W)), float64(max(f.Input.H, f.Input.W))
	return math.Sqrt(short * min(long, mostAspect*short) * f.ReadShare)
}

// mostPixels is the largest side of the input that counts for a network: 256 pixels, or
// what the data has at that size. EfficientNet's compound scaling (Tan and Le, ICML 2019) is
// the line through its networks; size is MACs at 224 pixels.
func mostPixels(f *features.Network) float64 {
	at224 := f.MACs * (224 / f.Resolution) * (224 / f.Resolution)
	return max(256, 224*math.Pow(at224/390e6, 0.38)*1.125)
}

// ExcessPixels is log2 of how much the side of the input exceeds what counts of it.
func ExcessPixels(f *features.Network) float64 {
	return Octaves(f.Resolution, min(VisibleSide(f), mostPixels(f)))
}
