package int8

import "nas/blocks/kernels"

// direct computes the range r of a layer in Go.
func (l *Layer) direct(dst, src *View, r kernels.Range) {
	g := &l.g
	each, part := g.C/g.Groups, g.N/g.Groups
	zero := int32(l.in.Zero)
	for y := r.Y0; y < r.Y1; y++ {
		out := dst.row(y, g.OW, g.N)
		ka, kb := taps(y*g.SH-g.PadT, g.DH, g.KH, g.H)
		for x := range g.OW {
			left := x*g.SW - g.PadL
			xa, xb := taps(left, g.DW, g.KW, g.W)
			for o := r.N0; o < r.N1; o++ {
				sum, first := l.bias[o], o/part*each
				for ky := ka; ky < kb; ky++ {
					in := src.Data[src.index(y*g.SH-g.PadT+ky*g.DH):]
					for kx := xa; kx < xb; kx++ {
						a := in[(left+kx*g.DW)*src.Pix+first:][:each]
						w := l.w[((o*g.KH+ky)*g.KW+kx)*each:][:each]
						for c, q := range a {
							sum += (int32(q) - zero) * int32(w[c])
						}
					}
				}
				out[x*dst.Pix+o] = l.out.clamped(sum, l.scale[o])
			}
		}
	}
}

// taps returns the taps [ka, kb) of k, d apart from position i0 on, that lie in 0..n-1.
func taps(i0, d, k, n int) (ka, kb int) {
	if i0 < 0 {
		ka = (-i0 + d - 1) / d
	}
	if i0 < n {
		kb = min(k, (n-1-i0)/d+1)
	}
	return min(ka, kb), kb
}
