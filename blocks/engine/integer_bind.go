package engine

import (
	"fmt"
	"strings"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// integerBinder makes the runners of a plan of integers.
type integerBinder struct {
	p     *Plan
	q     *quant.Network
	set   *int8.Set
	grids []integer.Grid // of each value
}

func newIntegerBinder(p *Plan, q *quant.Network, grids []integer.Grid) (*integerBinder, error) {
	set, err := int8.For(p.target.ISA)
	if err != nil {
		return nil, fault.Errorf("engine: cannot run a plan for %s here: %w", p.target.ISA, err)
	}
	return &integerBinder{p, q, set, grids}, nil
}

// integerBinding is what the runner of one unit is made from.
type integerBinding struct {
	*integerBinder
	s        *step
	unit     *Unit
	dst, res *tensor
	src      []*tensor
	in       []integer.Grid // of src
	out, add integer.Grid   // of dst, and of the residual
	alloc    func(n int) []byte
}

func (m *integerBinder) binding(s *step, slab *slab) (*integerBinding, error) {
	b := &integerBinding{integerBinder: m, s: s, unit: &s.Unit, dst: &m.p.tensors[s.dst], out: m.grids[s.dst]}
	b.alloc = func(n int) []byte { return bytesOf(slab.take((n+3)/4), n) }
	for _, v := range s.src {
		b.src, b.in = append(b.src, &m.p.tensors[v]), append(b.in, m.grids[v])
	}
	if s.res >= 0 {
		b.res, b.add = &m.p.tensors[s.res], m.grids[s.res]
	}
	return b, nil
}

// integerRoutines make the runners, by the unit's name; what stands behind a dot is not part of it here.
var integerRoutines = map[string]func(b *integerBinding) (runner, need, error){}

func (b *integerBinding) make() (runner, need, error) {
	name, _, _ := strings.Cut(b.unit.Name, ".")
	f := integerRoutines[name]
	if f == nil {
		return nil, need{}, fmt.Errorf("unit %q has no form of integers", b.unit.Name)
	}
	return f(b)
}

// The bytes of a map are the stored integers of 8 bits, signed ones plus 128.
const signed = 128

// gridOf is a grid in bytes.
func gridOf(g integer.Grid) int8.Grid { return int8.Grid{Scale: g.Scale, Zero: uint8(g.Zero + signed)} }

// outputOf is a grid as the limits of an output.
func outputOf(g integer.Grid) int8.Output {
	return int8.Output{Grid: gridOf(g), Low: uint8(g.Low + signed), High: uint8(g.High + signed)}
}

// tableOf is a table of stored integers as one of bytes.
func tableOf(t []int32, in integer.Grid) *[256]uint8 {
	v := new([256]uint8)
	for i := range v {
		q := in.Clamp(int32(i) - signed)
		v[i] = uint8(t[q-in.Low] + signed)
	}
	return v
}

// bytesImage returns the k-th map of a tensor of bytes.
func (t *tensor) bytesImage(k int) int8.View {
	return int8.View{Data: t.bytes[k*t.H*t.W*t.pix:], Row: t.W * t.pix, Pix: t.pix}
}

// bytesAll returns all images as one map of batch*H rows.
func (t *tensor) bytesAll() int8.View {
	return int8.View{Data: t.bytes, Row: t.W * t.pix, Pix: t.pix}
}

// after says what follows a unit's own result, whose node is first: the grid that the result is rounded to, with the
// limits or the table of the activation behind it, if there is one.
func (b *integerBinding) after(first, act int) (int8.Output, error) {
	g := b.q.Nodes[first].Grid
	if act < 0 {
		return outputOf(g), nil
	}
	a := &b.q.Nodes[act]
	if !(g.Scale > 0) { // the activation is nothing but limits
		return outputOf(a.Grid), nil
	}
	if a.Table == nil {
		return int8.Output{}, fmt.Errorf("its activation %q has no table", b.q.Net.Nodes[act].Name)
	}
	o := outputOf(g)
	o.Table = tableOf(a.Table, g)
	return o, nil
}

// sameGrid tells whether the integers of the first input stand for the same reals as those of the output.
func (b *integerBinding) sameGrid() bool {
	return b.in[0].Scale == b.out.Scale && b.in[0].Zero == b.out.Zero
}

// parts of a unit: the nodes of a layer, of an addition and of an activation; -1: there is none.
func (b *integerBinding) parts() (layer, add, act int) {
	layer, add, act = -1, -1, -1
	for _, i := range b.s.Nodes {
		switch b.p.net.Nodes[i].Op.(type) {
		case *blocks.Conv, *blocks.Linear:
			layer = i
		case *blocks.Add:
			add = i
		case *blocks.Activation:
			act = i
		}
	}
	return layer, add, act
}

// byteRows makes the runner of an elementwise unit on bytes.
func byteRows(t *tensor, batch int, f func(m kernels.Map)) *rowsRun {
	return &rowsRun{batch * t.H, t.W, t.C, int64(batch*t.Elems()) * 4, func(m kernels.Map, _ *kernels.Scratch) { f(m) }}
}

// grids returns the grid of each value.
func (p *Plan) grids(q *quant.Network) ([]integer.Grid, error) {
	g := make([]integer.Grid, len(p.vals))
	for v := range p.vals {
		g[v] = q.Nodes[p.vals[v].node].Grid
		if !p.vals[v].real && !(g[v].Scale > 0) {
			return nil, fault.Errorf("engine: node %q has no grid", p.net.Nodes[p.vals[v].node].Name)
		}
	}
	return g, nil
}

// BindInteger is [Plan.BindIn] of a plan for [Int8]. q must be the quantised form of the plan's network, node by node.
func (p *Plan) BindInteger(ws *Workspace, q *quant.Network) error {
	if p.target.DType != Int8 {
		return fault.New("engine: integers for a plan of float32")
	}
	if len(q.Nodes) != len(p.net.Nodes) {
		return fault.Errorf("engine: %d quantised nodes for a network of %d", len(q.Nodes), len(p.net.Nodes))
	}
	grids, err := p.grids(q)
	if err != nil {
		return err
	}
	m, err := newIntegerBinder(p, q, grids)
	if err != nil {
		return err
	}
	p.layout(ws)
	runs := make([]runner, len(p.steps))
	var most need
	for i := range p.steps {
		b, err := m.binding(&p.steps[i], &ws.slab)
		if err != nil {
			return err
		}
		var n need
		if runs[i], n, err = b.make(); err != nil {
			return fault.Errorf("engine: node %q: %w", p.net.Nodes[p.steps[i].Nodes[0]].Name, err)
		}
		most = most.max(n)
	}
	p.runs, p.team = runs, newTeam(ws.threadsFor(p.target.Threads, most))
	p.ws, ws.plan = ws, p
	return nil
}
