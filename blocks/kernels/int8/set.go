package int8

import (
	"os"
	"slices"
	"strings"
	"sync"

	"nas/blocks/kernels"
	"nas/internal/fault"
)

// Set is the kernels of one instruction set. Its methods are the drivers. A Set is immutable: any number of goroutines
// may use it, each with its own Scratch.
type Set struct {
	name string
	has  func() bool // whether this machine runs it
	peak func(n int) int
	lanes

	gemm, igemm tiles
	single      tiles                  // of one pixel, with weights of bytes; rows of 0: there are none
	spread      [5]func(*spreadArgs)   // by runs
	rows        [6][3]rowKernels       // by taps of a row and stride
	dw          [8][3]dwTiles          // by taps of a group and stride; [0][0]: any
	vec         [numVec]func(*vecArgs) // nil: in Go
}

// lanes is what differs between the kernels of instruction sets.
type lanes struct {
	vl    int   // lanes of 32 bits in a vector; 0: the set has no kernels, all is done in Go
	unit  int   // activations in a lane: 4 bytes or 2 integers of 16 bits
	masks bool  // stores are masked
	split bool  // of four lanes, the first integers stand before the second ones
	steps bool  // tables are looked up by the differences between their parts
	shift int32 // what kernels subtract from activations
}

// size is the number of bytes of a weight or an activation in a lane.
func (l *lanes) size() int { return 4 / l.unit }

// tiles are the GEMM kernels by number of rows and of columns/16.
type tiles struct {
	f    [15][5]func(*gemmArgs)
	rows [5]int // most rows of each width, 0: no such width
}

// dwTiles are depthwise kernels by number of outputs.
type dwTiles struct {
	f    [7]func(*dwArgs)
	most int
}

// family says what a registry row's function is.
type family uint8

const (
	famGemm family = iota
	famIGemm
	famSingle
	famSpread
	famDW
	famRows
	famVec
)

// row is one kernel of the registry.
type row struct {
	name   string
	fam    family
	mr, nr int // output pixels and channels
	runs   int // of pixels in a vector, or output rows
	kw, sw int // taps of a group and stride (depthwise); 0: any
	vec    vecOp
	gemm   func(*gemmArgs)
	spread func(*spreadArgs)
	dw     func(*dwArgs)
	rows   func(*rowArgs)
	vecf   func(*vecArgs)
}

// newSet returns the set of the kernels in rows.
func newSet(name string, l lanes, has func() bool, peak func(n int) int, rows []row) *Set {
	s := &Set{name: name, lanes: l, has: has, peak: peak}
	for _, r := range rows {
		switch r.fam {
		case famGemm:
			s.gemm.register(r)
		case famIGemm:
			s.igemm.register(r)
		case famSingle:
			s.single.register(r)
		case famSpread:
			s.spread[r.runs] = r.spread
		case famDW:
			t := &s.dw[r.kw][r.sw]
			t.f[r.mr] = r.dw
			t.most = max(t.most, r.mr)
		case famRows:
			t := &s.rows[r.kw][r.sw]
			t.f[r.runs][r.mr] = r.rows
			t.most, t.rows = max(t.most, r.mr), max(t.rows, r.runs)
		case famVec:
			s.vec[r.vec] = r.vecf
		}
	}
	return s
}

func (t *tiles) register(r row) {
	t.f[r.mr][r.nr/16] = r.gemm
	t.rows[r.nr/16] = max(t.rows[r.nr/16], r.mr)
}

// Name returns "generic", "avx2", "avxvnni", "avx512bw", "avx512vnni", "neon" or "neondot".
func (s *Set) Name() string { return s.name }

// Peak runs n rounds of independent dot products on registers and returns the multiply-adds in them: the rate of this
// loop is what no kernel of the set can exceed.
func (s *Set) Peak(n int) (multiplyAdds int) { return s.peak(n) }

// sets lists the sets of this program from slow to fast. archSets, one for each architecture, gives those with
// assembly.
var sets = sync.OnceValue(func() []*Set {
	return append([]*Set{newSet("generic", lanes{}, func() bool { return true }, peakGeneric, nil)}, archSets()...)
})

// generic is the portable set.
func generic() *Set { return sets()[0] }

// Supported lists the sets of this program that this machine runs, slowest first.
func Supported() []string {
	var out []string
	for _, s := range sets() {
		if s.has() {
			out = append(out, s.name)
		}
	}
	return out
}

// ByName returns the set of one instruction set. It fails if this program has no such set, or this machine does not
// run it.
func ByName(name string) (*Set, error) {
	i := slices.IndexFunc(sets(), func(s *Set) bool { return s.name == name })
	if i < 0 {
		var names []string
		for _, s := range sets() {
			names = append(names, s.name)
		}
		return nil, fault.Errorf("int8: no instruction set %q in this program (it has %s)",
			name, strings.Join(names, ", "))
	}
	if !sets()[i].has() {
		return nil, fault.Errorf("int8: instruction set %q: not supported by this processor (it runs %s)",
			name, strings.Join(Supported(), ", "))
	}
	return sets()[i], nil
}

// fits lists, for each set of package kernels, those here to go with it, the fastest first.
var fits = map[string][]string{
	"generic": nil,
	"avx2":    {"avxvnni", "avx2"},
	"avx512":  {"avx512vnni", "avx512bw", "avx2"},
	"neon":    {"neondot", "neon"},
}

// For returns the set to go with the set of that name of package kernels: the fastest that this machine runs. The
// environment variable NAS_KERNELS=avx2 forbids the dot products of AVX-VNNI.
func For(isa string) (*Set, error) {
	names, ok := fits[isa]
	if !ok {
		return nil, fault.Errorf("int8: no set goes with instruction set %q", isa)
	}
	for _, name := range names {
		if name == "avxvnni" && os.Getenv(kernels.EnvName) == "avx2" {
			continue
		}
		if s, err := ByName(name); err == nil {
			return s, nil
		}
	}
	return generic(), nil
}

// peakGeneric runs n rounds of eight multiply-adds.
func peakGeneric(n int) int {
	var s [8]int32
	for i := range n {
		for j := range s {
			s[j] += int32(i&127) * int32(int8(i+j))
		}
	}
	if s[0]+s[1]+s[2]+s[3]+s[4]+s[5]+s[6]+s[7] == 1 {
		return 8*n + 1
	}
	return 8 * n
}
