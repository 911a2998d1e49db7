package kernelstest

import "math"

// moments are the mean and the variance, divided by the number of pixels, of channel c of len(x)/channels pixels.
func moments[T Float](x []T, channels, c int) (mean, variance T) {
	n := T(len(x) / channels)
	for i := c; i < len(x); i += channels {
		mean += x[i] / n
	}
	for i := c; i < len(x); i += channels {
		variance += (x[i] - mean) * (x[i] - mean) / n
	}
	return mean, variance
}

// Norm computes y, the batch normalisation of x with the statistics of x, and one scale and shift for each channel.
func Norm[T Float](y, x, scale, shift []T, epsilon float64) {
	for c := range scale {
		mean, variance := moments(x, len(scale), c)
		inv := T(1 / math.Sqrt(float64(variance)+epsilon))
		for i := c; i < len(x); i += len(scale) {
			y[i] = (x[i]-mean)*inv*scale[c] + shift[c]
		}
	}
}

// NormBackward adds the gradients by input, scale and shift, given dy by the output (Ioffe and Szegedy, ICML 2015,
// section 3).
func NormBackward[T Float](dx, dScale, dShift, dy, x, scale []T, epsilon float64) {
	channels := len(scale)
	n := T(len(x) / channels)
	for c := range channels {
		mean, variance := moments(x, channels, c)
		inv := T(1 / math.Sqrt(float64(variance)+epsilon))
		var sum, dot T // of dy, and of dy times the normalised input
		for i := c; i < len(x); i += channels {
			sum += dy[i]
			dot += dy[i] * (x[i] - mean) * inv
		}
		dScale[c] += dot
		dShift[c] += sum
		for i := c; i < len(x); i += channels {
			dx[i] += scale[c] * inv * (dy[i] - sum/n - (x[i]-mean)*inv*dot/n)
		}
	}
}
