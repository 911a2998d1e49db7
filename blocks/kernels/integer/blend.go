package integer

import "math"

const blendOne = 1 << 11

// BlendShare is a share from 0 to 1 as a weight of 11 bits.
func BlendShare(x float64) int64 { return int64(math.RoundToEven(x * blendOne)) }

// BlendValue mixes four neighbours: x is the weight of the right ones, y that of the lower ones. An offset that all
// four have in common is that of the result.
func BlendValue(topLeft, topRight, bottomLeft, bottomRight, x, y int64) int64 {
	top := topLeft*blendOne + (topRight-topLeft)*x
	bottom := bottomLeft*blendOne + (bottomRight-bottomLeft)*x
	return (top*blendOne + (bottom-top)*y + blendOne*blendOne/2) >> 22
}

// Blend mixes four pixels by weights of 11 bits, as XNNPACK does, for each of c channels: x is the share of the right
// ones, y that of the lower ones.
func Blend(dst, topLeft, topRight, bottomLeft, bottomRight []int32, x, y float64) {
	wx, wy := BlendShare(x), BlendShare(y)
	for c := range dst {
		dst[c] = int32(BlendValue(int64(topLeft[c]), int64(topRight[c]), int64(bottomLeft[c]), int64(bottomRight[c]), wx, wy))
	}
}
