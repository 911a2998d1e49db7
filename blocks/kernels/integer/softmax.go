package integer

import "math"

// Softmax turns each run of c values into shares that add up to 1, or with log into their logarithms. The exponentials
// are computed in float64, of which every runtime has another approximation.
func Softmax(dst, src []int32, c int, beta float64, log bool, in, out Grid) {
	e := make([]float64, c)
	for p := 0; p < len(src); p += c {
		x := src[p:][:c]
		m := x[0]
		for _, q := range x {
			m = max(m, q)
		}
		sum := 0.0
		for i, q := range x {
			e[i] = float64(q-m) * float64(in.Scale) * beta
			sum += math.Exp(e[i])
		}
		for i := range x {
			v := math.Exp(e[i]) / sum
			if log {
				v = e[i] - math.Log(sum)
			}
			dst[p+i] = out.Quantize(float32(v))
		}
	}
}

// Blend mixes four pixels by weights of 11 bits, as XNNPACK does, for each of c channels: x is the share of the right
// ones, y that of the lower ones.
func Blend(dst, topLeft, topRight, bottomLeft, bottomRight []int32, x, y float64) {
	const one = 1 << 11
	wx, wy := int64(math.RoundToEven(x*one)), int64(math.RoundToEven(y*one))
	for c := range dst {
		top := int64(topLeft[c])*one + int64(topRight[c]-topLeft[c])*wx
		bottom := int64(bottomLeft[c])*one + int64(bottomRight[c]-bottomLeft[c])*wx
		dst[c] = int32((top*one + (bottom-top)*wy + one*one/2) >> 22)
	}
}
