package engine

import (
	"unsafe"

	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
)

// slab is the memory of a bound plan in one allocation: activations, then packed
// weights. The weights are streamed once a run; from 4 KiB pages a processor does
// that at about three quarters of the speed that it reaches from 2 MiB pages. A slab
// that is large enough therefore starts on a boundary of 2 MiB and asks the system
// for large pages.
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
// every few kilobytes; for a plan that runs once that is more than the run itself.
// To run many networks, keep one workspace for each goroutine and bind one plan
// after the other in it with [Plan.BindIn]. Only the plan bound last can run. A
// workspace grows to what the largest plan needs. The zero value is ready to use.
type Workspace struct {
	slab    slab
	threads []thread
	plan    *Plan // bound last
}

// reserve returns a slab of at least n floats, all of them free.
func (ws *Workspace) reserve(n int) *slab {
	if len(ws.slab.data) < n {
		ws.slab = slab{} // let go of the old one first
		ws.slab = *newSlab(n)
	}
	ws.slab.used = 0
	return &ws.slab
}

// threadsFor returns the working memory of some threads.
func (ws *Workspace) threadsFor(threads int, n need) []thread {
	for len(ws.threads) < threads {
		ws.threads = append(ws.threads,
			thread{index: len(ws.threads), scratch: kernels.NewScratch(kernels.Need{}), bytes: int8.NewScratch(int8.Need{})})
	}
	for i := range threads {
		th := &ws.threads[i]
		th.scratch.Grow(n.Need)
		if n.bytes != (int8.Need{}) {
			th.bytes.Grow(n.bytes)
		}
		if len(th.buf) < n.floats {
			th.buf = kernels.Alloc(n.floats)
		}
	}
	return ws.threads[:threads:threads]
}

// take returns the next n floats, on a cache line.
func (s *slab) take(n int) []float32 {
	from := s.used
	s.used += roundUp(n, align)
	return s.data[from : from+n : from+n]
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// bytesOf returns the memory of floats as n bytes.
func bytesOf(f []float32, n int) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), n)
}
