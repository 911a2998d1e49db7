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
	n = roundUp(n, hugePage)
	data := make([]float32, n+hugePage)
	at := int(-uintptr(unsafe.Pointer(&data[0]))&(4*hugePage-1)) / 4
	s := &slab{data: data[at : at+n : at+n]}
	adviseHuge(s.data)
	return s
}

// Workspace is memory that plans are bound in. Fresh memory costs a page fault
// every few kilobytes, which for a plan that runs once is more than the run: who
// judges many networks keeps one workspace for each goroutine and binds one plan
// after the other in it with [Plan.BindIn]. The zero value is ready to use. A
// workspace serves the plan bound last; it grows to what the largest needs.
type Workspace struct {
	slab  slab
	lanes []lane
	plan  *Plan // bound last
}

// reserve makes n floats and returns them as a slab from which nothing is taken.
func (ws *Workspace) reserve(n int) *slab {
	if len(ws.slab.data) < n {
		ws.slab = slab{} // let go of the old one first
		ws.slab = *newSlab(n)
	}
	ws.slab.used = 0
	return &ws.slab
}

// crew returns the working memory of some threads.
func (ws *Workspace) crew(threads int, n need) []lane {
	for len(ws.lanes) < threads {
		ws.lanes = append(ws.lanes, lane{scratch: kernels.NewScratch(kernels.Need{})})
	}
	for i := range threads {
		l := &ws.lanes[i]
		l.scratch.Grow(n.Need)
		if len(l.buf) < n.floats {
			l.buf = kernels.Alloc(n.floats)
		}
	}
	return ws.lanes[:threads:threads]
}

// take returns the next n floats, on a cache line.
func (s *slab) take(n int) []float32 {
	from := s.used
	s.used += roundUp(n, align)
	return s.data[from : from+n : from+n]
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
