package integer

// Window is the geometry of a convolution or a pooling. Maps are H x W x C.
type Window struct {
	H, W, C          int // of the input
	OutH, OutW, OutC int
	KH, KW           int
	StrideH, StrideW int
	DilH, DilW       int
	Top, Left        int // rows above and columns left of the input
	Groups           int // 1, or C for a depthwise convolution
}

// Weights are the weights of a convolution, each stored with zero point Zero, and where they are: the weight of
// output channel o, tap t and channel i of its group is Q[o*Out + t*Tap + i*In].
type Weights struct {
	Q            []int32
	Zero         int32
	Out, Tap, In int
	Scale        []float32 // one, or one for each output channel
	Bias         []int32   // in units of input scale x weight scale; nil for none
}

// Conv computes a convolution: the sum over its window of (in - zero) * (weight - zero), plus bias. Padding is the
// input's zero point.
func Conv(dst, src []int32, s Window, w Weights, in, out Grid) {
	scale := make([]float32, s.OutC)
	for o := range scale {
		scale[o] = in.Scale * w.Scale[min(o, len(w.Scale)-1)] / out.Scale
	}
	sum := s.grouped
	if d := newDense(s, w, in); d != nil {
		sum = d.sum
	} else if s.Groups == s.C && s.OutC == s.C && w.Out == 1 {
		sum = s.depthwise
	}
	sums := make([]int32, s.OutC)
	for y := range s.OutH {
		for x := range s.OutW {
			clear(sums)
			copy(sums, w.Bias)
			sum(sums, src, w, in.Zero, y, x)
			for o, v := range sums {
				dst[(y*s.OutW+x)*s.OutC+o] = out.requantize(v, scale[o])
			}
		}
	}
}

// taps calls f with each tap of the window of output pixel y, x that lies inside the input, and with its pixel there.
func (s Window) taps(y, x int, f func(tap, pixel int)) {
	for i := range s.KH {
		iy := y*s.StrideH - s.Top + i*s.DilH
		if iy < 0 || iy >= s.H {
			continue
		}
		for j := range s.KW {
			if ix := x*s.StrideW - s.Left + j*s.DilW; ix >= 0 && ix < s.W {
				f(i*s.KW+j, iy*s.W+ix)
			}
		}
	}
}

// grouped adds to each sum the products of the window of output pixel y, x and the weights of its output channel.
func (s Window) grouped(sums, src []int32, w Weights, zero int32, y, x int) {
	each, part := s.C/s.Groups, s.OutC/s.Groups
	s.taps(y, x, func(tap, pixel int) {
		for o := range sums {
			at := o*w.Out + tap*w.Tap
			for c, v := range src[pixel*s.C+o/part*each:][:each] {
				sums[o] += (v - zero) * (w.Q[at+c*w.In] - w.Zero)
			}
		}
	})
}

// depthwise is grouped for one channel a group, whose weights stand side by side.
func (s Window) depthwise(sums, src []int32, w Weights, zero int32, y, x int) {
	s.taps(y, x, func(tap, pixel int) {
		in, q := src[pixel*s.C:][:len(sums)], w.Q[tap*w.Tap:][:len(sums)]
		for c := range sums {
			sums[c] += (in[c] - zero) * (q[c] - w.Zero)
		}
	})
}
