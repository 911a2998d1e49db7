package kernels

import "unsafe"

// gemmArgs is the argument of the GEMM kernels; the assembly knows the offsets.
//
// A kernel of mr x nr computes nblk blocks of mr output pixels by nr channels:
//
//	for blk := range nblk {
//		acc[i][j] = bias[j]
//		for t := range runs * ks {
//			for p := koff; p < koff+k; p++ {
//				acc[i][j] = fma(a[t][i][p], b[j/16][t*k+p-koff][j%16], acc[i][j])
//			}
//			// after every ks taps: b += bskip
//		}
//		c[i][j] = min(max(acc[i][j]+res[i][j], lo), hi)      // j < n
//	}
//
// Row a[t][i] of a block is at ind[blk][t][i] in the form igemm; in gemm, whose
// rows keep a distance, at ind[t] + aoff + (blk*mr+i)*lda, koff is 0 and runs 1.
type gemmArgs struct {
	aoff int       // gemm: bytes added to the pointers
	lda  uintptr   // gemm: bytes from pixel to pixel
	ind  **float32 // igemm: runs*ks*mr pointers for each block; gemm: ks, to pixel 0
	ks   int
	k    int
	koff int // first channel read through ind
	b    *float32
	bs   uintptr // bytes from panel to panel
	c    *float32
	ldc  uintptr
	bias *float32
	res  *float32 // nil: nothing is added
	ldr  uintptr
	nblk int
	mask uint64    // avx512: lanes of the last vector that are stored
	tail *[8]int32 // avx2: the same as a vector mask, nil: all
	runs int       // igemm: kernel rows, of ks taps each
	// igemm: bytes of b between the taps of two runs, where some are left out.
	bskip uintptr
	lo    float32
	hi    float32

	// Copies of aoff, c, res, nblk and runs that the assembly changes. To Go they are
	// no pointers: at the end they may point past an object.
	ca, cc, cres, cblk, crun uintptr

	// gemm, tiles of two rows or more: the address that is prefetched first, the bytes to the next one, which is that of
	// the next row of products, and a copy of the address that the assembly changes.
	ahead, aheadStep, cahead uintptr

	n, mr, nr int // columns stored; the tile: for the portable kernels
}

// setup sets what is the same in all calls for a layer.
func (a *gemmArgs) setup(ep *Epilogue) {
	a.lo, a.hi, _ = ep.Act.clamp()
	a.aoff, a.lda, a.ind, a.res, a.koff, a.runs, a.bskip = 0, 0, nil, nil, 0, 1, 0
	a.ahead, a.aheadStep = 0, 0
}

// tails[n] is the vector mask of the first n of eight lanes.
var tails = func() (t [9][8]int32) {
	for n := range t {
		for i := 0; i < n; i++ {
			t[n][i] = -1
		}
	}
	return
}()

// rowSplit divides m pixels evenly into blocks of at most some number: the
// first nbig blocks have base+1 pixels, the others base.
type rowSplit struct {
	base, nbig, blocks int
	down               bool // the pixels are below each other
}

func splitRows(m, most int) rowSplit {
	n := ceilDiv(m, most)
	return rowSplit{base: m / n, nbig: m % n, blocks: n}
}

// at is the size of the block that starts at pixel x.
func (s rowSplit) at(x int) int {
	if x < s.nbig*(s.base+1) {
		return s.base + 1
	}
	return s.base
}

// most is the largest number of rows that every width has, apart from the widths for
// a single pixel.
func (t *tiles) most() int {
	m := maxRows
	for _, r := range t.rows {
		if r > 1 {
			m = min(m, r)
		}
	}
	return m
}

// run computes the pixels of split from pixel x of output row y on, to the right or
// down, and the n channels from j on, with tiles of cols columns. a.ind, a.b and
// a.bias have been set.
func (t *tiles) run(a *gemmArgs, dst *View, ep *Epilogue, y, x, j, cols, n int, split rowSplit) {
	a.n, a.nr = n, cols
	step, resStep := dst.Pix, ep.Residual.Pix
	if split.down {
		step, resStep = dst.Row, ep.Residual.Row
	}
	a.ldc, a.ldr = uintptr(step)*4, uintptr(resStep)*4
	a.c = at(dst.base(y), x*dst.Pix+j)
	if ep.Residual.Data != nil {
		a.res = at(ep.Residual.base(y), x*ep.Residual.Pix+j)
	}
	a.tail = nil
	if last := n - (cols - 8); last < 8 {
		a.tail = &tails[max(last, 0)]
	}
	v := (cols - 1) / 16 * 16
	a.mask = 1<<uint(max(n-v, 0)) - 1
	if a.ahead == 0 { // there is nothing to fetch, but an address without memory would take time
		a.ahead, a.aheadStep = uintptr(unsafe.Pointer(a.b)), 0
	}
	f := &t.f
	if split.nbig == 0 {
		a.nblk, a.mr = split.blocks, split.base
		f[a.mr][cols/8](a)
		return
	}
	a.nblk, a.mr = split.nbig, split.base+1
	f[a.mr][cols/8](a)
	d := split.nbig * a.mr
	if a.lda > 0 {
		a.aoff += d * int(a.lda)
	} else if a.ind != nil {
		a.ind = (**float32)(unsafe.Add(unsafe.Pointer(a.ind), d*a.runs*a.ks*8))
	}
	if a.res != nil {
		a.res = at(a.res, d*resStep)
	}
	a.c = at(a.c, d*step)
	a.ahead += uintptr(a.nblk*a.ks*a.k) * a.aheadStep
	a.nblk, a.mr = split.blocks-split.nbig, split.base
	f[a.mr][cols/8](a)
}

// fetch is memory that a pointwise convolution prefetches into the second-level cache. The
// prefetches are spread evenly over its rows of products: its own loads do not wait for them.
type fetch struct {
	at, end uintptr // addresses
	step    uintptr // bytes from one row of products to the next, at most a cache line
}

// maxFetch is the largest step: a cache line for each row of products.
const maxFetch = 64

// fetch spreads next over a convolution of m pixels, taken in strips. Without next it
// spreads the weights behind those of the first tile column over the first strip.
func (s *Set) fetch(g *Conv, w, next []float32, m int, r Range, strip int) fetch {
	rows, n := s.productRows(g, min(strip, m), r.N1-r.N0), r.N1-r.N0
	if len(next) == 0 {
		first := s.gemm.cols(m, g.C, n)
		from, to := (r.N0+first)/panel*panel*g.C, ceilDiv(r.N1, panel)*panel*g.C
		if from >= to {
			return fetch{}
		}
		next = w[from:to]
	} else {
		for x0 := strip; x0 < m; x0 += strip {
			rows += s.productRows(g, min(strip, m-x0), n)
		}
	}
	at, bytes := uintptr(unsafe.Pointer(unsafe.SliceData(next))), 4*len(next)
	return fetch{at, at + uintptr(bytes), uintptr(min(ceilDiv(bytes, rows), maxFetch))}
}

// productRows is the number of rows of products of m pixels and n channels.
func (s *Set) productRows(g *Conv, m, n int) int {
	cols := s.gemm.cols(m, g.C, n)
	return ceilDiv(n, cols) * ceilDiv(m, s.gemm.rows[cols/8]) * g.C
}

// Fetches is the number of floats of Epilogue.Next that the convolution can fetch: 0 if
// it is not pointwise, and for a single pixel.
func (s *Set) Fetches(g *Conv) int {
	if !g.pointwise() || g.SH != 1 || g.SW != 1 || g.OH*g.OW == 1 {
		return 0
	}
	return s.productRows(g, g.OH*g.OW, g.N) * maxFetch / 4
}

// take sets what the next rows of products fetch.
func (f *fetch) take(a *gemmArgs, rows int) {
	a.ahead, a.aheadStep = f.at, f.step
	f.at += uintptr(rows) * f.step
	if f.at >= f.end {
		f.step = 0
	}
}
