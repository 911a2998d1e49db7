package engine

import (
	"unsafe"

	"nas/blocks/kernels"
)

// slab is the memory of a bound plan: activations, then packed weights, in one
// piece. Weights are streamed once a run, and from 4 KiB pages the processor does
// so at about three quarters of the speed that it reaches from 2 MiB pages; hence
// the piece starts on such a boundary and the system is asked for large pages,
// where it is large enough to have any.
type slab struct {
	data []float32
	used int
}

const hugePage = 2 << 20 / 4 // floats

func newSlab(n int) *slab {
	if n < 2*hugePage {
		return &slab{data: kernels.Alloc(n)}
	}
	data := make([]float32, n+hugePage)
	at := int(-uintptr(unsafe.Pointer(&data[0]))&(4*hugePage-1)) / 4
	s := &slab{data: data[at : at+n : at+n]}
	adviseHuge(s.data[:n/hugePage*hugePage])
	return s
}

// take returns the next n floats, on a cache line.
func (s *slab) take(n int) []float32 {
	from := s.used
	s.used += roundUp(n, align)
	return s.data[from : from+n : from+n]
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
