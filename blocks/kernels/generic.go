package kernels

import "unsafe"

// The portable kernels. They take any tile, so one function stands behind
// several rows.
func genericRows() []row {
	rows := []row{
		{name: "gemm_f32_generic_4x16", fam: famGemm, mr: 4, nr: 16, gemm: gemmGeneric},
		{name: "igemm_f32_generic_4x16", fam: famIGemm, mr: 4, nr: 16, gemm: igemmGeneric},
		{name: "dw_f32_generic_1x1", fam: famDW, mr: 1, taps: dwGeneric},
		{name: "maxtap_f32_generic", fam: famTap, tap: tapMax, taps: maxTapGeneric},
		{name: "blendtap_f32_generic", fam: famTap, tap: tapBlend, taps: blendTapGeneric},
	}
	for m := 1; m <= maxOuterRows; m++ {
		rows = append(rows, row{name: "outer_f32_generic_" + string(rune('0'+m)) + "x16", fam: famOuter, mr: m, nr: 16,
			outer: outerGeneric})
	}
	for m := 1; m < 4; m++ {
		rows = append(rows,
			row{name: "gemm_f32_generic_" + string(rune('0'+m)) + "x16", fam: famGemm, mr: m, nr: 16, gemm: gemmGeneric},
			row{name: "igemm_f32_generic_" + string(rune('0'+m)) + "x16", fam: famIGemm, mr: m, nr: 16, gemm: igemmGeneric})
	}
	for op := range numVec {
		rows = append(rows, row{name: vecNames[op] + "_f32_generic", fam: famVec, vec: op, vecf: vecGeneric[op]})
	}
	return rows
}

func gemmGeneric(a *gemmArgs) {
	for m := range a.nblk * a.mr {
		acc := *(*[panel]float32)(unsafe.Pointer(a.bias))
		for t := range a.ks {
			row := unsafe.Slice(a.ind, a.ks)[t]
			row = (*float32)(unsafe.Add(unsafe.Pointer(row), a.aoff+m*int(a.lda)))
			dot16(&acc, span(row, a.k), span(at(a.b, t*a.k*panel), a.k*panel))
		}
		a.store(&acc, m)
	}
}

func igemmGeneric(a *gemmArgs) {
	taps := a.runs * a.ks
	ind := unsafe.Slice(a.ind, a.nblk*taps*a.mr)
	for m := range a.nblk * a.mr {
		acc := *(*[panel]float32)(unsafe.Pointer(a.bias))
		for t := range taps {
			row := at(ind[(m/a.mr*taps+t)*a.mr+m%a.mr], a.koff)
			b := t*a.k*panel + t/a.ks*int(a.bskip/4)
			dot16(&acc, span(row, a.k), span(at(a.b, b), a.k*panel))
		}
		a.store(&acc, m)
	}
}

// dot16 adds x times the 16 columns of b to acc; fma32 by hand, for speed.
func dot16(acc *[panel]float32, x, b []float32) {
	for _, v := range x {
		w := (*[panel]float32)(b)
		b = b[panel:]
		v := float64(v)
		for j := range acc {
			s := v*float64(w[j]) + float64(acc[j])
			if doubtful(s) {
				acc[j] = fmaOdd(v*float64(w[j]), float64(acc[j]))
				continue
			}
			acc[j] = float32(s)
		}
	}
}

func (a *gemmArgs) store(acc *[panel]float32, m int) {
	c := span((*float32)(unsafe.Add(unsafe.Pointer(a.c), uintptr(m)*a.ldc)), a.n)
	if a.res != nil {
		r := span((*float32)(unsafe.Add(unsafe.Pointer(a.res), uintptr(m)*a.ldr)), a.n)
		for j := range c {
			acc[j] += r[j]
		}
	}
	for j := range c {
		c[j] = min(max(acc[j], a.lo), a.hi)
	}
}

// each calls f for every output pixel of a tap kernel.
func (a *tapArgs) each(f func(dst []float32, off int)) {
	for t := range a.nt {
		f(span((*float32)(unsafe.Add(unsafe.Pointer(a.dst), uintptr(t)*a.dstStep)), a.n), a.off+t*a.offStep)
	}
}

func (a *tapArgs) src(i, off int) []float32 {
	p := unsafe.Slice(a.tab, i+1)[i]
	return span((*float32)(unsafe.Add(unsafe.Pointer(p), off)), a.n)
}

func dwGeneric(a *tapArgs) {
	a.each(func(dst []float32, off int) {
		copy(dst, span(a.bias, a.n))
		for i := range a.ny {
			x := a.src(i, off)
			for c := 0; c < a.n; c += panel {
				w := span((*float32)(unsafe.Add(unsafe.Pointer(a.w), uintptr(c/panel)*a.wcs+uintptr(i*panel*4))), panel)
				x, d := x[c:min(c+panel, a.n)], dst[c:]
				for j, v := range x {
					s := float64(v)*float64(w[j]) + float64(d[j])
					if doubtful(s) {
						d[j] = fma32(v, w[j], d[j])
						continue
					}
					d[j] = float32(s)
				}
			}
		}
		for j := range dst {
			dst[j] = min(max(dst[j], a.lo), a.hi)
		}
	})
}

func maxTapGeneric(a *tapArgs) {
	a.each(func(dst []float32, off int) {
		lo, _, _ := None.clamp()
		for j := range dst {
			dst[j] = lo
		}
		for i := range a.ny {
			x := a.src(i, off)
			for j := range dst {
				dst[j] = max(dst[j], x[j])
			}
		}
	})
}

func blendTapGeneric(a *tapArgs) {
	a.each(func(dst []float32, off int) {
		clear(dst)
		for i := range a.ny {
			x, w := a.src(i, off), *at(a.w, i)
			for j := range dst {
				dst[j] = fma32(x[j], w, dst[j])
			}
		}
	})
}

// rowsDo calls f for every row of an elementwise kernel.
func (v *vecArgs) rowsDo(f func(d, a, b []float32)) {
	for r := range v.rows {
		d := span((*float32)(unsafe.Add(unsafe.Pointer(v.d), uintptr(r)*v.ds)), v.n)
		a := span((*float32)(unsafe.Add(unsafe.Pointer(v.a), uintptr(r)*v.as)), v.n)
		b := a
		if v.b != nil {
			b = span((*float32)(unsafe.Add(unsafe.Pointer(v.b), uintptr(r)*v.bs)), v.n)
		}
		f(d, a, b)
	}
}

func vecMap(f func(x float32) float32) func(*vecArgs) {
	return func(v *vecArgs) {
		v.rowsDo(func(d, a, _ []float32) {
			for i, x := range a {
				d[i] = f(x)
			}
		})
	}
}

var vecGeneric = [numVec]func(*vecArgs){
	vecAdd: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = min(max(x+b[i], v.lo), v.hi)
			}
		})
	},
	vecMul: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = min(max(x*b[i], v.lo), v.hi)
			}
		})
	},
	vecScale: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = x * b[i]
			}
		})
	},
	vecAffine: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			c := span(v.c, v.n)
			for i, x := range a {
				d[i] = min(max(fma32(x, b[i], c[i]), v.lo), v.hi)
			}
		})
	},
	vecClamp: func(v *vecArgs) {
		v.rowsDo(func(d, a, _ []float32) {
			for i, x := range a {
				d[i] = min(max(x, v.lo), v.hi)
			}
		})
	},
	vecHSwish:   vecMap(HSwish.apply),
	vecHSigmoid: vecMap(HSigmoid.apply),
	vecSwish:    vecMap(Swish.apply),
	vecSigmoid:  vecMap(Sigmoid.apply),
	vecErf:      vecMap(Erf.apply),
	vecTanh:     vecMap(Tanh.apply),
	vecGELU:     vecMap(GELU.apply),
	vecGrid: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = grid32(x, b[i], v.lo, v.hi)
			}
		})
	},
	vecPReLU: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = prelu32(x, b[i])
			}
		})
	},
	vecExp: func(v *vecArgs) {
		v.rowsDo(func(d, a, _ []float32) {
			for i, x := range a {
				d[i] = exp32(x - v.lo)
			}
		})
	},
	vecSum: func(v *vecArgs) {
		v.rowsDo(func(d, a, _ []float32) {
			for i, x := range a {
				d[i] += x
			}
		})
	},
	vecGate: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				if v.lo < x && x < v.hi {
					d[i] = b[i]
				} else {
					d[i] = 0
				}
			}
		})
	},
	vecHSwishSlope:   slopeMap(HSwish),
	vecHSigmoidSlope: slopeMap(HSigmoid),
	vecSwishSlope:    slopeMap(Swish),
	vecSigmoidSlope:  slopeMap(Sigmoid),
	vecDot: func(v *vecArgs) {
		c := span(v.c, v.n)
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = fma32(x, b[i]-c[i], d[i])
			}
		})
	},
	vecSqDev: func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				t := x - b[i]
				d[i] = fma32(t, t, d[i])
			}
		})
	},
}

func slopeMap(act Act) func(*vecArgs) {
	return func(v *vecArgs) {
		v.rowsDo(func(d, a, b []float32) {
			for i, x := range a {
				d[i] = b[i] * act.slope(x)
			}
		})
	}
}

// peakGeneric runs n rounds of eight independent multiply-adds.
func peakGeneric(n int) int {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	x := float32(n) * 1e-9
	for range n {
		s0, s1, s2, s3 = s0*x+x, s1*x+x, s2*x+x, s3*x+x
		s4, s5, s6, s7 = s4*x+x, s5*x+x, s6*x+x, s7*x+x
	}
	if s0+s1+s2+s3+s4+s5+s6+s7 == 1 {
		return 0
	}
	return 16 * n
}
