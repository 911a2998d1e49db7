package kernelstest

import "nas/blocks/kernels"

// products calls f for every product of a convolution: the places of output, input and weight. x is [H][W][C],
// w [KH][KW][C/Groups][N], y [OH][OW][N].
func products(g *kernels.Conv, f func(y, x, w int)) {
	cpg, npg := g.C/g.Groups, g.N/g.Groups
	for oy := range g.OH {
		for ox := range g.OW {
			for ky := range g.KH {
				for kx := range g.KW {
					iy, ix := oy*g.SH-g.PadT+ky*g.DH, ox*g.SW-g.PadL+kx*g.DW
					if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
						continue
					}
					for n := range g.N {
						for c := range cpg {
							f((oy*g.OW+ox)*g.N+n, (iy*g.W+ix)*g.C+n/npg*cpg+c, ((ky*g.KW+kx)*cpg+c)*g.N+n)
						}
					}
				}
			}
		}
	}
}

// Conv computes y, the convolution of x with w; bias may be nil.
func Conv[T Float](g *kernels.Conv, y, x, w, bias []T) {
	for i := range y {
		y[i] = 0
		if bias != nil {
			y[i] = bias[i%g.N]
		}
	}
	products(g, func(iy, ix, iw int) { y[iy] += x[ix] * w[iw] })
}

// ConvBackward adds the gradients by input, weights and bias, given dy by the output.
func ConvBackward[T Float](g *kernels.Conv, dx, dw, db, dy, x, w []T) {
	products(g, func(iy, ix, iw int) {
		if dx != nil {
			dx[ix] += dy[iy] * w[iw]
		}
		if dw != nil {
			dw[iw] += dy[iy] * x[ix]
		}
	})
	if db != nil {
		for i, d := range dy {
			db[i%g.N] += d
		}
	}
}
