package kernels

// Need is the working memory of a driver call.
type Need struct {
	Ptrs   int // pointers
	Zeros  int // floats that stay zero
	Floats int // floats
}

// Max returns the need that covers both calls, one after the other.
func (n Need) Max(o Need) Need {
	return Need{max(n.Ptrs, o.Ptrs), max(n.Zeros, o.Zeros), max(n.Floats, o.Floats)}
}

// Scratch is working memory for drivers: one for each goroutine. It holds the
// arguments of the kernel in flight too, so that a driver call allocates nothing.
type Scratch struct {
	ptrs  []*float32
	zeros []float32
	buf   []float32
	gemm  gemmArgs
	dw    tapArgs
	pair  pairArgs
	vec   vecArgs
	outer outerArgs

	// EndSegment, if not nil, is called within a driver call after every segment of work of
	// about twenty microseconds, so that a caller can time them one by one. Where a segment
	// ends depends on the layer and on Worked alone.
	EndSegment func()
	// Worked is the work done since the last segment ended, in multiply-accumulates.
	Worked int
}

// segmentWork is the work of one segment, in multiply-accumulates.
const segmentWork = 1_200_000

// Work adds to Worked, and ends the segment when it is full: for work beside the drivers.
func (s *Scratch) Work(macs int) { s.work(macs) }

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
	return &Scratch{ptrs: make([]*float32, n.Ptrs), zeros: Alloc(n.Zeros), buf: Alloc(n.Floats)}
}

// Grow makes s large enough for n.
func (s *Scratch) Grow(n Need) {
	if len(s.ptrs) < n.Ptrs {
		s.ptrs = make([]*float32, n.Ptrs)
	}
	if len(s.zeros) < n.Zeros {
		s.zeros = Alloc(n.Zeros)
	}
	if len(s.buf) < n.Floats {
		s.buf = Alloc(n.Floats)
	}
}
