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
