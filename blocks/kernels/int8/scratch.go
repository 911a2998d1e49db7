package int8

import "unsafe"

// Need is the working memory of a driver call.
type Need struct {
	Ptrs  int // pointers
	Pad   int // channels of a pixel of padding
	Bytes int
	Sums  int // bytes of a layer's output before it is added to another map
	Taps  int // of a depthwise convolution
	// Segments is the most calls that prepare pixels for an output row.
	Segments int
}

// Max returns the need that covers both calls, one after the other.
func (n Need) Max(o Need) Need {
	return Need{max(n.Ptrs, o.Ptrs), max(n.Pad, o.Pad), max(n.Bytes, o.Bytes), max(n.Sums, o.Sums),
		max(n.Taps, o.Taps), max(n.Segments, o.Segments)}
}

// Scratch is working memory for drivers: one for each goroutine. It holds the arguments of the kernel in flight too, so
// that a driver call allocates nothing.
type Scratch struct {
	ptrs []*byte
	pad  []byte // a pixel of padding: of what, padOf says
	buf  []byte
	sums []byte
	gemm gemmArgs
	dw   dwArgs
	rows rowArgs
	taps []int

	segments []dwSegment

	padOf struct {
		zero    uint8
		n, size int
	}

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
	if len(s.ptrs) < n.Ptrs {
		s.ptrs = make([]*byte, n.Ptrs)
	}
	if len(s.pad) < 2*n.Pad+Slack {
		s.pad = Alloc(2*n.Pad + Slack)
		s.padOf.n = 0
	}
	if len(s.buf) < n.Bytes {
		s.buf = Alloc(n.Bytes)
	}
	if len(s.sums) < n.Sums {
		s.sums = Alloc(n.Sums)
	}
	if len(s.taps) < n.Taps {
		s.taps = make([]int, n.Taps)
	}
	if len(s.segments) < n.Segments {
		s.segments = make([]dwSegment, n.Segments)
	}
}

// setPad makes the pixel of padding n channels of the zero point, each a byte or a 16-bit integer.
func (s *Scratch) setPad(zero uint8, n, size int) {
	n += Slack / size
	if o := &s.padOf; o.zero == zero && o.n >= n && o.size == size {
		return
	}
	s.padOf.zero, s.padOf.n, s.padOf.size = zero, n, size
	fillPadding(s.pad[:n*size], zero, size)
}

// ints is n integers of the buffer.
func (s *Scratch) ints(n int) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(s.buf[:4*n]))), n)
}
