package int8

import "unsafe"

// Need is the working memory of a driver call.
type Need struct {
	Bytes int
}

// Max returns the need that covers both calls, one after the other.
func (n Need) Max(o Need) Need { return Need{max(n.Bytes, o.Bytes)} }

// Scratch is working memory for drivers: one for each goroutine.
type Scratch struct {
	buf []byte

	// EndSegment and Worked are those of [nas/blocks/kernels.Scratch].
	EndSegment func()
	Worked     int
}

// segmentWork is the work of one segment, in multiply-accumulates: about twenty microseconds.
const segmentWork = 4_800_000

// work adds to Worked, and ends the segment when it is full.
func (s *Scratch) work(macs int) {
	if s.EndSegment == nil {
		return
	}
	if s.Worked += macs; s.Worked >= segmentWork {
		s.Worked = 0
		s.EndSegment()
	}
}

// NewScratch returns scratch for any call whose need is covered by n.
func NewScratch(n Need) *Scratch {
	s := &Scratch{}
	s.Grow(n)
	return s
}

// Grow makes s large enough for n.
func (s *Scratch) Grow(n Need) {
	if len(s.buf) < n.Bytes {
		s.buf = Alloc(n.Bytes)
	}
}

// ints is n integers of the buffer.
func (s *Scratch) ints(n int) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(s.buf[:4*n]))), n)
}
