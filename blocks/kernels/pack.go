package kernels

// PackedLen is the length in floats of the packed weights of g.
func (g *Conv) PackedLen() int {
	if g.Depthwise() {
		return ceilDiv(g.C, panel) * g.KH * g.KW * panel
	}
	return g.Groups * ceilDiv(g.N/g.Groups, panel) * g.KH * g.KW * (g.C / g.Groups) * panel
}

// Pack lays w, [KH][KW][C/Groups][N], out in panels of 16 output channels for
// all instruction sets: [group][panel][KH][KW][C/Groups][16], zero padded;
// depthwise [panel][KH][KW][16]. dst has PackedLen floats and should come from
// Alloc.
func (g *Conv) Pack(dst, w []float32) {
	taps, cpg, npg := g.KH*g.KW, g.C/g.Groups, g.N/g.Groups
	groups := g.Groups
	if g.Depthwise() {
		groups, cpg, npg = 1, 1, g.C
	}
	_ = w[taps*cpg*g.N-1]
	dst = dst[:g.PackedLen()]
	clear(dst)
	rows := taps * cpg
	for q := range groups {
		for j := 0; j < npg; j += panel {
			n := min(panel, npg-j)
			for t := range rows {
				copy(dst[t*panel:][:n], w[t*g.N+q*npg+j:])
			}
			dst = dst[rows*panel:]
		}
	}
}

// BiasLen is the length of the packed bias: the outputs of each group padded to
// a multiple of 16.
func (g *Conv) BiasLen() int {
	if g.Depthwise() {
		return ceilDiv(g.C, panel) * panel
	}
	return g.Groups * ceilDiv(g.N/g.Groups, panel) * panel
}

// PackBias writes the bias, N values or nil for zeros, into dst of BiasLen.
func (g *Conv) PackBias(dst, bias []float32) {
	dst = dst[:g.BiasLen()]
	clear(dst)
	if bias == nil {
		return
	}
	npg := g.N / g.Groups
	if g.Depthwise() {
		npg = g.N
	}
	for j := 0; j < g.N; j += npg {
		copy(dst[j/npg*ceilDiv(npg, panel)*panel:], bias[j:j+npg])
	}
}
