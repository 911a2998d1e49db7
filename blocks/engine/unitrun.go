package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"nas/blocks"
	"nas/blocks/kernels"
)

// UnitRunner runs one unit alone, with data of its own.
type UnitRunner struct {
	run  runner
	team *team
	data int64
}

// NewUnit prepares a unit for timing: weights and maps are allocated and filled
// with noise from a fixed seed. The machine must run the target's instruction
// set. Units called "eval." have no kernel of their own and cannot be run alone.
func NewUnit(t Target, u Unit) (*UnitRunner, error) {
	t.fill()
	if err := t.check(); err != nil {
		return nil, err
	}
	set, err := kernels.ByName(t.ISA)
	if err != nil {
		return nil, fmt.Errorf("engine: cannot run a unit for %s here: %w", t.ISA, err)
	}
	rt := routines[u.Name]
	if rt == nil {
		return nil, fmt.Errorf("engine: unit %q: no kernel is called %q", u.Key(), u.Name)
	}
	if err := u.check(rt); err != nil {
		return nil, fmt.Errorf("engine: unit %q: %w", u.Key(), err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []float32 {
		x := kernels.Alloc(n)
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		return x
	}
	floats := 0
	maps := func(s blocks.Shape) *tensor {
		floats += u.Batch * s.Elems()
		return &tensor{noise(u.Batch * s.Elems()), s, s.C}
	}
	b := &binding{set: set, unit: &u, target: t, slab: newSlab(u.packedLen()), dst: maps(u.Out), src: []*tensor{maps(u.In)}}
	if s := u.second(); s.C > 0 {
		b.src = append(b.src, maps(s))
	}
	if u.Residual {
		b.res = maps(u.Out)
	}
	for i, g := range u.layers() {
		if g.C == 0 {
			continue
		}
		one := make([]float32, g.N)
		for k := range one {
			one[k] = 1
		}
		b.layers[i] = raw{w: noise(weightsOf(&g) * u.experts()), bias: noise(g.N), bn: [][]float32{one, noise(g.N), noise(g.N), one}, eps: 1e-5}
	}
	run, n := rt.make(b)
	return &UnitRunner{run, newTeam(new(Workspace).crew(t.Threads, n)), 4*int64(floats) + u.BytesWeights()}, nil
}

// Run computes the unit once. It allocates nothing.
func (r *UnitRunner) Run() {
	r.team.begin()
	r.team.do(r.run)
	r.team.end()
}

// Bytes returns the memory that the unit's maps and weights take: whether they
// stay in a cache between two runs.
func (r *UnitRunner) Bytes() int64 { return r.data }

// maxUnitElems bounds what NewUnit allocates for one map.
const maxUnitElems = min(1<<31, math.MaxInt)

// check judges a unit that need not come from Compile.
func (u *Unit) check(rt *routine) error {
	if u.Batch < 1 {
		return fmt.Errorf("batch %d is below 1", u.Batch)
	}
	for _, s := range []blocks.Shape{u.In, u.Out} {
		if err := s.Check(); err != nil {
			return err
		}
		if s.Elems() > maxUnitElems/u.Batch {
			return fmt.Errorf("%d maps of %v are too much", u.Batch, s)
		}
	}
	if rt.check != nil {
		if err := rt.check(u); err != nil {
			return err
		}
	}
	for _, g := range u.layers() {
		if float64(g.KH*g.KW)*float64(g.C)*float64(g.N)*float64(u.experts()) > maxUnitElems {
			return fmt.Errorf("a layer of %d to %d channels is too large", g.C, g.N)
		}
	}
	return nil
}
