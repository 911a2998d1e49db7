package integer

// dense is a convolution of one group whose sums are computed two at a time: a number of 64 bits holds the weights of
// two output channels, one 32 bits above the other, and so the sum of products holds both sums.
type dense struct {
	s       Window
	weights []int64 // of eight output channels after another: for each value of the window four numbers
	window  []int64 // the values of a window less their zero point, 0 for padding
}

// lanes are the output channels that are computed at once.
const lanes = 8

// newDense returns nil where the sums might not fit 32 bits, or the weights of an output channel are apart.
func newDense(s Window, w Weights, in Grid) *dense {
	const most, size = 255, 1 << 15 // size products of values up to most fit 31 bits
	k := s.KH * s.KW * s.C
	if s.Groups != 1 || w.In != 1 || w.Tap != s.C || w.Out != k || k > size || in.Zero < in.Low || in.Zero > in.High ||
		in.High-in.Low > most {
		return nil
	}
	d := &dense{s, make([]int64, (s.OutC+lanes-1)/lanes*lanes/2*k), make([]int64, k)}
	for o := range s.OutC {
		for i, q := range w.Q[o*k:][:k] {
			if q -= w.Zero; q < -most || q > most {
				return nil
			}
			d.weights[o/lanes*lanes/2*k+i*lanes/2+o%lanes/2] += int64(q) << (o % 2 * 32)
		}
	}
	return d
}

// sum is [Window.grouped].
func (d *dense) sum(sums, src []int32, _ Weights, zero int32, y, x int) {
	c := d.s.C
	clear(d.window)
	d.s.taps(y, x, func(tap, pixel int) {
		to := d.window[tap*c:][:c]
		for i, v := range src[pixel*c:][:c] {
			to[i] = int64(v - zero)
		}
	})
	weights := d.weights
	for o := 0; o < len(sums); o += lanes {
		var pairs [lanes / 2]int64
		pairs[0], pairs[1], pairs[2], pairs[3] = products(d.window, weights)
		weights = weights[lanes/2*len(d.window):]
		for i := range sums[o:min(o+lanes, len(sums))] {
			pair := pairs[i/2]
			low := int32(pair)
			if i%2 == 0 {
				sums[o+i] += low
			} else {
				sums[o+i] += int32((pair - int64(low)) >> 32)
			}
		}
	}
}

// products returns the sums of window's values times every fourth number of weights, from the first to the fourth on.
func products(window, weights []int64) (a, b, c, d int64) {
	weights = weights[:lanes/2*len(window)]
	for _, v := range window {
		q := (*[lanes / 2]int64)(weights)
		a += v * q[0]
		b += v * q[1]
		c += v * q[2]
		d += v * q[3]
		weights = weights[lanes/2:]
	}
	return a, b, c, d
}
