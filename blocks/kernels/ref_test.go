package kernels

import "math"

// The reference: each operation defined in a few lines over dense maps, generic
// over the type it computes in. Tests hold every kernel against it.

// float is the type a reference computes in: float32 to the bit what the
// kernels give, float64 to judge their rounding.
type float interface{ ~float32 | ~float64 }

func fma[T float](a, b, c T) T {
	if _, ok := any(a).(float32); ok {
		return T(fma32(float32(a), float32(b), float32(c)))
	}
	return T(math.FMA(float64(a), float64(b), float64(c)))
}

// refConv is the definition of every convolution: the whole output, dense maps.
// src is [H][W][C], w [KH][KW][C/Groups][N], dst [OH][OW][N]; residual has the
// shape of dst or is nil, bias has N values or is nil.
func refConv[T float](g *Conv, dst, src, w, bias, residual []T, act Act) {
	cpg, npg := g.C/g.Groups, g.N/g.Groups
	for y := range g.OH {
		for x := range g.OW {
			for n := range g.N {
				var acc T
				if bias != nil {
					acc = bias[n]
				}
				for ky := range g.KH {
					for kx := range g.KW {
						iy, ix := y*g.SH-g.PadT+ky*g.DH, x*g.SW-g.PadL+kx*g.DW
						if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
							continue
						}
						for c := range cpg {
							acc = fma(src[(iy*g.W+ix)*g.C+n/npg*cpg+c], w[((ky*g.KW+kx)*cpg+c)*g.N+n], acc)
						}
					}
				}
				o := (y*g.OW+x)*g.N + n
				if residual != nil {
					acc += residual[o]
				}
				dst[o] = refAct(acc, act)
			}
		}
	}
}

// refAct is the definition of the activations.
func refAct[T float](x T, act Act) T {
	if _, ok := any(x).(float32); ok {
		return T(act.apply(float32(x)))
	}
	f := float64(x)
	switch act {
	case ReLU:
		f = max(f, 0)
	case ReLU6:
		f = min(max(f, 0), 6)
	case HSwish:
		f *= min(max(f+3, 0), 6) / 6
	case HSigmoid:
		f = min(max(f+3, 0), 6) / 6
	case Swish:
		f /= 1 + math.Exp(-f)
	case Sigmoid:
		f = 1 / (1 + math.Exp(-f))
	case Erf:
		f = math.Erf(f)
	case Tanh:
		f = math.Tanh(f)
	case GELU:
		f *= (1 + math.Erf(f/math.Sqrt2)) / 2
	}
	return T(f)
}

// refPool is the definition of pooling: the maximum, or the average.
func refPool[T float](g *Pool, dst, src []T, average bool) {
	for y := range g.OH {
		for x := range g.OW {
			for c := range g.C {
				best, sum, n := T(math.Inf(-1)), T(0), 0
				for ky := range g.KH {
					for kx := range g.KW {
						iy, ix := y*g.SH-g.PadT+ky, x*g.SW-g.PadL+kx
						if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
							continue
						}
						v := src[(iy*g.W+ix)*g.C+c]
						best, sum, n = max(best, v), sum+v, n+1
					}
				}
				if g.CountPad {
					n = g.KH * g.KW
				}
				o := (y*g.OW+x)*g.C + c
				if !average {
					dst[o] = best
				} else if dst[o] = 0; n > 0 {
					dst[o] = sum / T(n)
				}
			}
		}
	}
}

// refBilinear is the definition of the bilinear resize.
func refBilinear[T float](g *Resize, dst, src []T) {
	for y := range g.OH {
		y0, y1, ty := source(y, g.H, g.OH, g.AlignCorners)
		for x := range g.OW {
			x0, x1, tx := source(x, g.W, g.OW, g.AlignCorners)
			for c := range g.C {
				in := func(y, x int) T { return src[(y*g.W+x)*g.C+c] }
				v, h := T(ty), T(tx)
				dst[(y*g.OW+x)*g.C+c] = (1-v)*((1-h)*in(y0, x0)+h*in(y0, x1)) + v*((1-h)*in(y1, x0)+h*in(y1, x1))
			}
		}
	}
}

// refSoftmax is the definition of the softmax of one row.
func refSoftmax[T float](dst, src []T) {
	m, sum := math.Inf(-1), 0.0
	for _, x := range src {
		m = max(m, float64(x))
	}
	for _, x := range src {
		sum += math.Exp(float64(x) - m)
	}
	for i, x := range src {
		dst[i] = T(math.Exp(float64(x)-m) / sum)
	}
}

// refMoments is the definition of batch statistics: mean and variance of every
// channel of px pixels.
func refMoments[T float](mean, variance []float64, src []T, px, c int) {
	for i := range c {
		var m, v float64
		for p := range px {
			m += float64(src[p*c+i])
		}
		m /= float64(px)
		for p := range px {
			d := float64(src[p*c+i]) - m
			v += d * d
		}
		mean[i], variance[i] = m, v/float64(px)
	}
}
