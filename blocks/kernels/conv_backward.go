package kernels

// Transpose returns the geometry of the convolution that computes the gradient of g by its input from the gradient by
// its output: dilation and groups are those of g, channels are exchanged, and the stride is 1. Its input is the
// gradient by the output with SH-1 rows and SW-1 columns of zeros between its own; see [Conv.Spread]. Its weights are
// those of [Conv.TransposeWeights]. The padding of g must not exceed DH*(KH-1) and DW*(KW-1).
// (Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, chapter 4.)
func (g *Conv) Transpose() Conv {
	return Conv{
		H: (g.OH-1)*g.SH + 1, W: (g.OW-1)*g.SW + 1, C: g.N, OH: g.H, OW: g.W, N: g.C, KH: g.KH, KW: g.KW, SH: 1, SW: 1,
		DH: g.DH, DW: g.DW, PadT: g.DH*(g.KH-1) - g.PadT, PadL: g.DW*(g.KW-1) - g.PadL, Groups: g.Groups,
	}
}

// TransposeWeights writes the weights of g.Transpose(), [KH][KW][N/Groups][C], from those of g,
// [KH][KW][C/Groups][N]: in each group rows and columns are exchanged, and the taps are in reverse order.
func (g *Conv) TransposeWeights(dst, w []float32) {
	taps, cpg, npg := g.KH*g.KW, g.C/g.Groups, g.N/g.Groups
	for t := range taps {
		from := w[t*cpg*g.N:][:cpg*g.N]
		to := dst[(taps-1-t)*npg*g.C:][:npg*g.C]
		for c := range cpg {
			for q := range g.Groups {
				row := from[c*g.N+q*npg:][:npg]
				for n, v := range row {
					to[n*g.C+q*cpg+c] = v
				}
			}
		}
	}
}

// Spread writes the input map of g.Transpose() into dst: dy, OH x OW x N, with zeros between its rows and columns.
func (g *Conv) Spread(dst, dy []float32) {
	w := (g.OW-1)*g.SW + 1
	clear(dst[:((g.OH-1)*g.SH+1)*w*g.N])
	for y := range g.OH {
		for x := range g.OW {
			copy(dst[(y*g.SH*w+x*g.SW)*g.N:][:g.N], dy[(y*g.OW+x)*g.N:])
		}
	}
}

// WeightGradNeed is the scratch of ConvWeightGrad for g.
func (g *Conv) WeightGradNeed() Need {
	if g.Depthwise() || g.pointwise() {
		return Need{Zeros: g.C}
	}
	return Need{Floats: g.paddedWidth()}
}

// paddedWidth is the length in floats of an input row with all columns that the outputs read.
func (g *Conv) paddedWidth() int { return ((g.OW-1)*g.SW + (g.KW-1)*g.DW + 1) * g.C }

// ConvWeightGrad adds to dw, [KH][KW][C/Groups][N], the gradient by the weights of a convolution of the map src, given
// the gradient dy by its output: the sum over output pixels of input times dy. Both maps are dense. A sum has one
// accumulator and takes the pixels in order, rows of the input outermost where the kernel has a window.
func (s *Set) ConvWeightGrad(g *Conv, dw, src, dy []float32, sc *Scratch) {
	_, _ = src[g.H*g.W*g.C-1], dy[g.OH*g.OW*g.N-1]
	_ = dw[g.KH*g.KW*(g.C/g.Groups)*g.N-1]
	switch {
	case g.Depthwise():
		s.depthwiseWeightGrad(g, dw, src, dy, sc)
	case g.pointwise() && g.SH == 1 && g.SW == 1 && g.OW == g.W:
		s.outer(sc, dw, g.N, &src[0], g.C, &dy[0], g.N, g.C, g.N, g.OH*g.OW)
	case g.pointwise():
		for y := range g.OH {
			s.outer(sc, dw, g.N, &src[y*g.SH*g.W*g.C], g.SW*g.C, &dy[y*g.OW*g.N], g.N, g.C, g.N, g.OW)
		}
	default:
		s.windowWeightGrad(g, dw, src, dy, sc)
	}
}

// windowWeightGrad takes each row of the input with its padding. The columns that the taps of a kernel row read are
// then columns of one matrix; without dilation and groups these of all taps adjoin.
func (s *Set) windowWeightGrad(g *Conv, dw, src, dy []float32, sc *Scratch) {
	cpg, npg := g.C/g.Groups, g.N/g.Groups
	row := sc.buf[:g.paddedWidth()]
	view := Dense(src, g.H, g.W, g.C)
	for iy := range g.H {
		g.padRow(row, &view, iy)
		for ky := range g.KH {
			y := iy + g.PadT - ky*g.DH
			if y < 0 || y%g.SH != 0 || y/g.SH >= g.OH {
				continue
			}
			out := &dy[y/g.SH*g.OW*g.N]
			if g.Groups == 1 && g.DW == 1 {
				s.outer(sc, dw[ky*g.KW*g.C*g.N:], g.N, &row[0], g.SW*g.C, out, g.N, g.KW*g.C, g.N, g.OW)
				continue
			}
			for kx := range g.KW {
				for q := range g.Groups {
					s.outer(sc, dw[(ky*g.KW+kx)*cpg*g.N+q*npg:], g.N, &row[kx*g.DW*g.C+q*cpg], g.SW*g.C,
						at(out, q*npg), g.N, cpg, npg, g.OW)
				}
			}
		}
	}
}

// depthwiseWeightGrad sums channel by channel, over the outputs of a row whose tap lies in the map.
func (s *Set) depthwiseWeightGrad(g *Conv, dw, src, dy []float32, sc *Scratch) {
	zero := sc.zeros[:g.C]
	v := &sc.vec
	for y := range g.OH {
		ka, kb := g.taps(y)
		for ky := ka; ky < kb; ky++ {
			iy := y*g.SH - g.PadT + ky*g.DH
			for kx := range g.KW {
				first := kx*g.DW - g.PadL // column that output 0 reads
				x0 := max(0, ceilDiv(-first, g.SW))
				x1 := min(g.OW, (g.W-1-first)/g.SW+1)
				if g.W-1 < first || x0 >= x1 {
					continue
				}
				v.assignRows(&dw[(ky*g.KW+kx)*g.C], 0, &dy[(y*g.OW+x0)*g.C], g.C,
					&src[(iy*g.W+first+x0*g.SW)*g.C], g.SW*g.C, x1-x0, g.C)
				v.c = &zero[0]
				s.vec[vecDot](v)
			}
		}
	}
}
