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
	each, part := s.C/s.Groups, s.OutC/s.Groups
	scale := make([]float32, s.OutC)
	for o := range scale {
		scale[o] = in.Scale * w.Scale[min(o, len(w.Scale)-1)] / out.Scale
	}
	for y := range s.OutH {
		for x := range s.OutW {
			for o := range s.OutC {
				var sum int32
				if w.Bias != nil {
					sum = w.Bias[o]
				}
				first := o / part * each
				for i := range s.KH {
					iy := y*s.StrideH - s.Top + i*s.DilH
					if iy < 0 || iy >= s.H {
						continue
					}
					for j := range s.KW {
						ix := x*s.StrideW - s.Left + j*s.DilW
						if ix < 0 || ix >= s.W {
							continue
						}
						q := src[(iy*s.W+ix)*s.C+first:][:each]
						at := o*w.Out + (i*s.KW+j)*w.Tap
						for c, v := range q {
							sum += (v - in.Zero) * (w.Q[at+c*w.In] - w.Zero)
						}
					}
				}
				dst[(y*s.OutW+x)*s.OutC+o] = out.requantize(sum, scale[o])
			}
		}
	}
}
