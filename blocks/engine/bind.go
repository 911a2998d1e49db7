package engine

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
	"nas/internal/fault"
)

// tensor is a value in memory: batch images of h x w pixels, pix floats apart,
// one after the other.
type tensor struct {
	data  []float32
	bytes []byte // in place of data: the integers of a plan of integers
	blocks.Shape
	pix int
}

// image returns the k-th map.
func (t *tensor) image(k int) kernels.View {
	return kernels.View{Data: t.data[k*t.H*t.W*t.pix:], Row: t.W * t.pix, Pix: t.pix}
}

// all returns all images as one map of batch*H rows.
func (t *tensor) all() kernels.View {
	return kernels.View{Data: t.data, Row: t.W * t.pix, Pix: t.pix}
}

// runner is a unit bound to its data. Its work can be split into parts, of which a
// thread may compute several; the bytes written do not depend on the split.
type runner interface {
	// maxParts returns the number of parts beyond which more do not pay.
	maxParts() int
	// run computes one of parts parts, counted from 0.
	run(part, parts int, th *thread)
}

// need is the working memory of a runner, for each thread.
type need struct {
	kernels.Need
	floats int // of thread.buf
	bytes  int8.Need
}

// max combines the working memory of two runners.
func (n need) max(o need) need {
	n.Need, n.floats = n.Need.Max(o.Need), max(n.floats, o.floats)
	n.bytes = n.bytes.Max(o.bytes)
	return n
}

// thread is the working memory of one of the threads that run a plan.
type thread struct {
	index   int
	scratch *kernels.Scratch
	bytes   *int8.Scratch
	buf     []float32
	watch   *stopwatch // nil: the run is not traced
}

// binding is what a runner is made from.
type binding struct {
	set      *kernels.Set
	unit     *Unit
	target   Target
	slab     *slab // for packed weights
	dst      *tensor
	src      []*tensor
	res      *tensor // nil: none
	layers   [3]raw
	at, from int       // of a copy unit: first channel written and read
	op       blocks.Op // of the step's first node
	params   [][]float32
}

// raw are the weights of a layer before folding and packing.
type raw struct {
	w, bias []float32
	bn      [][]float32 // scale, shift, mean, variance; nil: none
	eps     float64
}

// routine is the implementation behind a unit's name.
type routine struct {
	// make binds a unit to its data.
	make func(b *binding) (runner, need)
	// geometries lists the layers with weights, for one image; nil: there are none.
	geometries func(u *Unit) [3]kernels.Conv
	// mixed tells that there are Mid sets of weights, which are mixed for each image.
	mixed bool
	// second returns the shape of a second input map; nil: there is none.
	second func(u *Unit) blocks.Shape
	// packed returns the floats of the slab that the weights of a unit take; nil: those of
	// the geometries.
	packed func(u *Unit) int
	// macs returns the multiply-accumulates of one image beyond those of the geometries; nil:
	// there are none.
	macs func(u *Unit) int64
}

// routines by unit name. Each kernel's file adds its own.
var routines = map[string]*routine{}

// scaleShift returns what batch normalisation does to channel n of a layer's
// output before the bias: y*scale + shift.
func (r *raw) scaleShift(n int) (scale, shift float64) {
	scale = 1
	if r.bn != nil {
		scale = float64(r.bn[0][n]) / math.Sqrt(float64(r.bn[3][n])+r.eps)
		shift = float64(r.bn[1][n]) - float64(r.bn[2][n])*scale
	}
	if r.bias != nil {
		shift += float64(r.bias[n]) * scale
	}
	return scale, shift
}

// pack packs the weights of the k-th layer for the geometry g, batch
// normalisation folded.
func (b *binding) pack(k int, g kernels.Conv, act blocks.ActFunc) packedLayer {
	r := &b.layers[k]
	l := packedLayer{g: g, w: b.slab.take(g.PackedLen()), bias: b.slab.take(g.BiasLen()), act: actOf[act]}
	g.Pack(l.w, r.w)
	shift := make([]float32, g.N)
	groups, npg := g.Groups, g.N/g.Groups
	rows := g.KH * g.KW * (g.C / g.Groups)
	if g.Depthwise() {
		groups, npg = 1, g.N
	}
	var scale [16]float64
	w := l.w
	for q := range groups {
		for j := 0; j < npg; j += 16 {
			n := min(16, npg-j)
			for i := range n {
				var s float64
				scale[i], s = r.scaleShift(q*npg + j + i)
				shift[q*npg+j+i] = float32(s)
			}
			if r.bn != nil {
				for t := range rows {
					for i := range n {
						w[t*16+i] = float32(float64(w[t*16+i]) * scale[i])
					}
				}
			}
			w = w[rows*16:]
		}
	}
	g.PackBias(l.bias, shift)
	return l
}

// packedLen is the slab space of a unit's weights.
func (u *Unit) packedLen() int {
	r := routineOf(u.Name)
	if r != nil && r.packed != nil {
		return r.packed(u)
	}
	n := 0
	for _, g := range u.geometries() {
		if g.C > 0 {
			n += roundUp(g.PackedLen(), align) + roundUp(g.BiasLen(), align)
		}
	}
	if r != nil && r.mixed {
		n *= u.Mid + 1 // each expert, and their mixture
	}
	return n
}

// raws collects the weights of a step.
func (p *Plan) raws(s *step, w *blocks.Weights) (rs [3]raw) {
	for k, f := range s.fold {
		if f.layer >= 0 {
			ts := w.Node(int(f.layer))
			rs[k].w = ts[0]
			if len(ts) > 1 {
				rs[k].bias = ts[1]
			}
		}
		if f.bn >= 0 {
			rs[k].bn = w.Node(int(f.bn))
			switch nd := &p.net.Nodes[f.bn]; o := nd.Op.(type) {
			case *blocks.BatchNorm:
				rs[k].eps = o.Eps()
			case *blocks.Affine: // mean 0, variance 1
				scale, shift := o.Factors(nd.Shape.C, rs[k].bn)
				same := blocks.Affine{Scale: 1}
				variance, mean := same.Factors(nd.Shape.C, nil)
				rs[k].bn = [][]float32{scale, shift, mean, variance}
			}
		}
	}
	return rs
}

// Bind folds and packs the weights into the plan and reserves its memory. It fails
// if w does not fit the network, or if this machine lacks the target's instruction
// set. Later changes to w have no effect, except on units that have no layer with
// weights to pack (normalisation, slopes, constants, those called "eval."), which read w
// itself. A plan may be bound again.
func (p *Plan) Bind(w *blocks.Weights) error {
	ws := p.ws
	if ws == nil || ws.plan != p {
		ws = new(Workspace)
	}
	return p.BindIn(ws, w)
}

// BindIn is Bind with memory from ws. The plan that was bound there before must be
// bound again before it can run again.
func (p *Plan) BindIn(ws *Workspace, w *blocks.Weights) error {
	if p.target.DType != Float32 {
		return fault.Errorf("engine: weights of float32 for a plan of %s", p.target.DType)
	}
	set, err := kernels.ByName(p.target.ISA)
	if err != nil {
		return fault.Errorf("engine: cannot run a plan for %s here: %w", p.target.ISA, err)
	}
	if err := w.Check(p.net); err != nil {
		return err
	}
	p.layout(ws)
	runs := make([]runner, len(p.steps))
	var most need
	end := make([]int, len(p.steps)) // of the weights of each step in the slab
	for i := range p.steps {
		s := &p.steps[i]
		b := &binding{set: set, unit: &s.Unit, target: p.target, slab: &ws.slab, dst: &p.tensors[s.dst],
			layers: p.raws(s, w), at: s.at, from: s.from, op: p.net.Nodes[s.Nodes[0]].Op, params: w.Node(s.Nodes[0])}
		for _, v := range s.src {
			b.src = append(b.src, &p.tensors[v])
		}
		if s.res >= 0 {
			b.res = &p.tensors[s.res]
		}
		mk := makeEval
		if r := routineOf(s.Unit.Name); r != nil {
			mk = r.make
		}
		var n need
		runs[i], n = mk(b)
		end[i] = ws.slab.used
		most = most.max(n)
	}
	p.lookAhead(set, runs, end, ws.slab.data)
	p.runs, p.team = runs, newTeam(ws.threadsFor(p.target.Threads, most))
	p.ws, ws.plan = ws, p
	return nil
}
