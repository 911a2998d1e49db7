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
}

// Name returns "generic", "avx2", "avxvnni", "avx512vnni", "neon" or "neondot".
func (s *Set) Name() string { return s.name }

// Peak runs n rounds of independent dot products on registers and returns the multiply-adds in them: the rate of this
// loop is what no kernel of the set can exceed.
func (s *Set) Peak(n int) (multiplyAdds int) { return s.peak(n) }

// sets lists the sets of this program from slow to fast.
var sets = sync.OnceValue(func() []*Set {
	return []*Set{{name: "generic", has: func() bool { return true }, peak: peakGeneric}}
})

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
		return nil, fault.Errorf("int8: no instruction set %q in this program (it has %s)", name, strings.Join(names, ", "))
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
	"avx512":  {"avx512vnni", "avx2"},
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
	return sets()[0], nil
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
