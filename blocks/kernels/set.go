package kernels

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"nas/internal/fault"
)

// Set is the kernels of one instruction set. Its methods are the drivers. A Set
// is immutable: any number of goroutines may use it, each with its own Scratch.
type Set struct {
	name        string
	gemm, igemm tiles
	outerTiles  outerTiles
	// dw[taps a row][stride][output pixels]; dw[0][0] are for any kernel.
	dw    [8][3][9]func(*tapArgs)
	dwMax [8][3]int // widest tile of each, 0: none
	// pair[taps][stride][output pixels of each of two rows]
	pair    [6][3][5]func(*pairArgs)
	pairMax [6][3]int
	tap     [numTap]func(*tapArgs)
	vec     [numVec]func(*vecArgs)
	peak    func(n int) (flops int)
}

// tiles are the GEMM kernels by number of rows and of columns/8.
type tiles struct {
	f    [maxRows + 1][maxCols/8 + 1]func(*gemmArgs)
	rows [maxCols/8 + 1]int // most rows of each width, 0: no such width
	// Sums of fewer products than this are too short for tiles wider than a panel.
	narrowK int
}

const (
	panel   = 16 // output channels in a panel of packed weights
	maxRows = 14
	maxCols = 64
)

// Name returns "generic", "avx2", "avx512" or "neon".
func (s *Set) Name() string { return s.name }

// family says what a registry row's function is.
type family uint8

const (
	famGemm family = iota
	famIGemm
	famDW
	famPair
	famOuter
	famTap
	famVec
)

// row is one kernel of the registry. It is the only place that connects a name
// with a function: sets, tests and benchmarks are made from the rows.
type row struct {
	name string
	fam  family
	// Tile: output pixels and output channels (GEMM); columns of a and of b (outer); output pixels (depthwise).
	mr, nr int
	kw, sw int // taps a row and stride (depthwise), 0: any
	tap    tapOp
	vec    vecOp
	gemm   func(*gemmArgs)
	taps   func(*tapArgs)
	pair   func(*pairArgs)
	outer  func(*outerArgs)
	vecf   func(*vecArgs)
}

// isa is one instruction set of this program.
type isa struct {
	name string
	has  func() bool // whether this machine runs it
	rows []row       // its kernels
	peak func(n int) (flops int)
	// best are the rows to use on this machine if they are not simply rows: some may be another set's.
	best    []row
	narrowK int // see tiles.narrowK
}

// isas lists the instruction sets from slow to fast. archISAs, one for each
// architecture, gives those with assembly.
var isas = sync.OnceValue(func() []isa {
	generic := isa{name: "generic", has: func() bool { return true }, rows: genericRows(), peak: peakGeneric}
	return append([]isa{generic}, archISAs()...)
})

// sets holds a Set for each entry of isas. An instruction set takes the kernels for which it has no row from the one
// before it: a machine that has AVX-512 has AVX2.
var sets = sync.OnceValue(func() []*Set {
	var out []*Set
	for _, a := range isas() {
		out = append(out, newSet(a, out...))
	}
	return out
})

// newSet makes a set; what a lacks comes from others, the last of them first.
func newSet(a isa, others ...*Set) *Set {
	s := &Set{name: a.name, peak: a.peak}
	rows := a.rows
	if a.best != nil {
		rows = a.best
	}
	for _, r := range rows {
		s.register(r)
	}
	s.gemm.narrowK, s.igemm.narrowK = a.narrowK, a.narrowK
	for _, o := range slices.Backward(others) {
		s.fill(o)
	}
	return s
}

func (s *Set) register(r row) {
	switch r.fam {
	case famGemm:
		s.gemm.register(r)
	case famIGemm:
		s.igemm.register(r)
	case famDW:
		s.dw[r.kw][r.sw][r.mr] = r.taps
		s.dwMax[r.kw][r.sw] = max(s.dwMax[r.kw][r.sw], r.mr)
	case famPair:
		s.pair[r.kw][r.sw][r.mr] = r.pair
		s.pairMax[r.kw][r.sw] = max(s.pairMax[r.kw][r.sw], r.mr)
	case famOuter:
		s.outerTiles.register(r)
	case famTap:
		s.tap[r.tap] = r.taps
	case famVec:
		s.vec[r.vec] = r.vecf
	}
}

func (t *tiles) register(r row) {
	t.f[r.mr][r.nr/8] = r.gemm
	t.rows[r.nr/8] = max(t.rows[r.nr/8], r.mr)
}

// fill takes what s lacks from a slower set.
func (s *Set) fill(g *Set) {
	if s.gemm.widest() == 0 {
		s.gemm = g.gemm
	}
	if s.igemm.widest() == 0 {
		s.igemm = g.igemm
	}
	if s.outerTiles.rows == [maxOuterCols/8 + 1]int{} {
		s.outerTiles = g.outerTiles
	}
	if s.dwMax[0][0] == 0 {
		s.dw[0][0], s.dwMax[0][0] = g.dw[0][0], g.dwMax[0][0]
	}
	for i := range s.tap {
		if s.tap[i] == nil {
			s.tap[i] = g.tap[i]
		}
	}
	for i := range s.vec {
		if s.vec[i] == nil {
			s.vec[i] = g.vec[i]
		}
	}
}

func (t *tiles) widest() int {
	for j := len(t.rows) - 1; j > 0; j-- {
		if t.rows[j] > 0 {
			return 8 * j
		}
	}
	return 0
}

// cols returns the width of the tile for m pixels, k products and n remaining
// columns: the widest that leaves less than eight columns unused. Widths that exist
// for a single pixel only are used for a single pixel, and only in full.
func (t *tiles) cols(m, k, n int) int {
	if k < t.narrowK {
		n = min(n, panel)
	}
	w := 0
	for j := 1; j < len(t.rows); j++ {
		if t.rows[j] == 0 || t.rows[j] == 1 && (m > 1 || n < 8*j) {
			continue
		}
		if w > 0 && 8*j-n >= 8 {
			break // eight columns for nothing
		}
		w = 8 * j
	}
	return w
}

// Supported lists the instruction sets of this program that this machine runs,
// slowest first.
func Supported() []string {
	var out []string
	for _, a := range isas() {
		if a.has() {
			out = append(out, a.name)
		}
	}
	return out
}

// ByName returns the set of one instruction set. It fails if this program has no
// such set, or this machine does not run it.
func ByName(name string) (*Set, error) {
	i := slices.IndexFunc(isas(), func(a isa) bool { return a.name == name })
	if i < 0 {
		var names []string
		for _, a := range isas() {
			names = append(names, a.name)
		}
		return nil, fault.Errorf("kernels: no instruction set %q in this program (it has %s)",
			name, strings.Join(names, ", "))
	}
	if !isas()[i].has() {
		return nil, fault.Errorf("kernels: instruction set %q: not supported by this processor (it runs %s)",
			name, strings.Join(Supported(), ", "))
	}
	return sets()[i], nil
}

// Best returns the fastest set that this machine runs.
func Best() *Set {
	s, err := ByName(Supported()[len(Supported())-1])
	if err != nil {
		panic(err) // generic always runs
	}
	return s
}

// EnvName is the environment variable that forces an instruction set.
const EnvName = "NAS_KERNELS"

// Default returns the set that NAS_KERNELS names, or Best if it is unset or
// empty. The error says which names would do.
func Default() (*Set, error) {
	name := os.Getenv(EnvName)
	if name == "" {
		return Best(), nil
	}
	s, err := ByName(name)
	if err != nil {
		return nil, fmt.Errorf("environment variable %s=%q: %w", EnvName, name, err)
	}
	return s, nil
}
