package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("conv_transpose", true, lowerTranspose)
	routines["conv_transpose"] = &routine{make: makeTranspose, geometries: transposeGeometries, packed: transposePacked}
}

func lowerTranspose(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.ConvTranspose)
	l := c.link(i, false)
	s := c.start(i, "conv_transpose")
	s.Unit.Kernel, s.Unit.Stride, s.Unit.Dilation = o.Kernel, orOnes(o.Stride), orOnes(o.Dilation)
	s.Unit.Pad = [2]int{o.Pad.Top, o.Pad.Left}
	s.Unit.Groups, s.Unit.Act = o.G(), l.f
	s.fold[0] = l.fold()
	c.emit(s, l.end, l.layer, l.bn, l.act)
}

func orOnes(p [2]int) [2]int {
	if p == [2]int{} {
		return [2]int{1, 1}
	}
	return p
}

// transposeGeometries is the product of each input pixel with all taps.
func transposeGeometries(u *Unit) [3]kernels.Conv {
	g := pointwise(u.In.H, u.In.W, u.In.C, u.Kernel[0]*u.Kernel[1]*u.Out.C)
	g.Groups = u.Groups
	return [3]kernels.Conv{g}
}

// The transpose of a convolution with stride s is s x s ordinary convolutions without
// stride: output rows y, y+s, y+2s ... are made from the same taps, and so are columns.

// phaseAxis is one such convolution along one extent.
type phaseAxis struct {
	n        int   // outputs
	taps     []int // kernel positions, in the order of the inputs that they read
	dilation int
	pad      int // before the first input
	skip     int // inputs left out before the first
}

// phasesOf lists the convolutions along an extent of n inputs and m outputs.
func phasesOf(n, m, kernel, stride, dilation, pad int) []phaseAxis {
	ps := make([]phaseAxis, min(stride, m))
	for r := range ps {
		p := phaseAxis{n: (m - r + stride - 1) / stride, dilation: 1}
		var from []int // input of output r, for each tap
		for i := kernel - 1; i >= 0; i-- {
			if at := r + pad - i*dilation; at%stride == 0 {
				p.taps, from = append(p.taps, i), append(from, at/stride)
			}
		}
		if len(from) > 1 {
			p.dilation = from[1] - from[0]
		}
		if len(from) > 0 {
			p.pad, p.skip = max(0, -from[0]), max(0, from[0])
		}
		if last := p.n - 1 + (len(from)-1)*p.dilation; len(from) == 0 || p.skip >= n || last < p.pad {
			p = phaseAxis{n: p.n, dilation: 1} // no tap meets an input
		}
		ps[r] = p
	}
	return ps
}

// phase is one of the convolutions, and where its output begins.
type phase struct {
	g          kernels.Conv
	rows, cols phaseAxis
	y, x       int
}

// phases lists the convolutions of a unit. One without taps has a weight of 0 in their
// place: its output is the bias.
func (u *Unit) phases() []phase {
	var out []phase
	for y, r := range phasesOf(u.In.H, u.Out.H, u.Kernel[0], u.Stride[0], u.Dilation[0], u.Pad[0]) {
		for x, c := range phasesOf(u.In.W, u.Out.W, u.Kernel[1], u.Stride[1], u.Dilation[1], u.Pad[1]) {
			g := kernels.Conv{H: u.In.H - r.skip, W: u.In.W - c.skip, C: u.In.C, OH: r.n, OW: c.n, N: u.Out.C,
				KH: max(1, len(r.taps)), KW: max(1, len(c.taps)), SH: 1, SW: 1, DH: r.dilation, DW: c.dilation,
				PadT: r.pad, PadL: c.pad, Groups: u.Groups}
			out = append(out, phase{g, r, c, y, x})
		}
	}
	return out
}

func transposePacked(u *Unit) int {
	n := 0
	for _, p := range u.phases() {
		n += roundUp(p.g.PackedLen(), align) + roundUp(p.g.BiasLen(), align)
	}
	return n
}

// weights takes a phase's weights, [KH, KW, Cin/G, Out], from the transpose's,
// [KH, KW, Cin, Out/G].
func (p *phase) weights(w []float32, width int) []float32 {
	g := &p.g
	out := make([]float32, g.KH*g.KW*g.C/g.Groups*g.N)
	cpg, npg := g.C/g.Groups, g.N/g.Groups
	for i, ky := range p.rows.taps {
		for j, kx := range p.cols.taps {
			for c := range g.C {
				from := w[((ky*width+kx)*g.C+c)*npg:][:npg]
				copy(out[((i*g.KW+j)*cpg+c%cpg)*g.N+c/cpg*npg:], from)
			}
		}
	}
	return out
}

// transposeRun runs the phases. Threads divide the output rows of each.
type transposeRun struct {
	set      *kernels.Set
	phases   []phase
	layers   []packedLayer
	dst, src *tensor
	stride   [2]int
	images   int
	macs     int64
}

func makeTranspose(b *binding) (runner, need) {
	u := b.unit
	r := &transposeRun{set: b.set, phases: u.phases(), dst: b.dst, src: b.src[0], stride: u.Stride, images: u.Batch,
		macs: u.MACs()}
	var n need
	w := b.layers[0].w
	for i := range r.phases {
		p := &r.phases[i]
		b.layers[0].w = p.weights(w, u.Kernel[1])
		r.layers = append(r.layers, b.pack(0, p.g, u.Act))
		n.Need = n.Need.Max(b.set.ConvNeed(&p.g))
	}
	b.layers[0].w = w
	return r, n
}

func (r *transposeRun) maxParts() int { return min(r.images*r.phases[0].g.OH, maxParts(r.macs)) }

func (r *transposeRun) run(part, parts int, th *thread) {
	for i := range r.phases {
		p, l := &r.phases[i], &r.layers[i]
		y0, y1 := cut(r.images*l.g.OH, part, parts)
		for y0 < y1 {
			k := y0 / l.g.OH
			end := min(y1, (k+1)*l.g.OH)
			src, dst := r.src.image(k), r.dst.image(k)
			src.Data = src.Data[p.rows.skip*src.Row+p.cols.skip*src.Pix:]
			dst.Data = dst.Data[p.y*dst.Row+p.x*dst.Pix:]
			dst.Row, dst.Pix = dst.Row*r.stride[0], dst.Pix*r.stride[1]
			r.set.Conv(&l.g, l.w, l.bias, dst, src, kernels.Epilogue{Act: l.act},
				kernels.Range{Y0: y0 - k*l.g.OH, Y1: end - k*l.g.OH, N0: 0, N1: l.g.N}, th.scratch)
			y0 = end
		}
	}
}
