package int8

// The arguments of the assembly, which knows the offsets of the fields. Sums are made of lanes of 32 bits: a lane of
// the activations holds four bytes, or two 16-bit integers; one of the weights four signed bytes, or two 16-bit
// integers. dot is the sum of the products of what two lanes hold.

// gemmArgs is the argument of the GEMM kernels. A kernel of mr x nr computes nblk blocks of mr output pixels by nr
// channels:
//
//	for blk := range nblk {
//		acc[i][j] = bias[j]
//		for t := range ks {
//			for p := range k {
//				acc[i][j] += a[t][i][koff/4+p] dot b[j/16][t*k+p][j%16]
//			}
//		}
//		c[i][j] = out(acc[i][j], scale[j])
//	}
//
// Row a[t][i] of a block is at ind[blk][t][i] in the form igemm; in gemm, whose rows keep a distance, at
// ind[t] + aoff + (blk*mr+i)*lda, and koff is 0.
type gemmArgs struct {
	aoff  int     // gemm: bytes added to the pointers
	lda   uintptr // gemm: bytes from pixel to pixel
	ind   **byte  // igemm: ks*mr pointers for each block; gemm: ks, to pixel 0
	ks, k int
	koff  int // igemm: bytes to the first lane
	b     *int8
	bs    uintptr // bytes from panel to panel
	c     *byte
	ldc   uintptr
	bias  *int32
	scale *float32
	out   *rounding
	nblk  int
	mask  uint64 // what is stored of nr channels: a bit for each, or their number where there are no masks; 0: all
	plain int    // not 0: the zero point is 0 and the limits are those of a byte

	ca, cc, cblk uintptr // copies of aoff, c and nblk that the assembly changes
}

// rounding says how a sum becomes a byte: it is multiplied by a scale, rounded, moved by zero and clamped.
type rounding struct {
	zero      [32]int16
	low, high [64]byte
	perm      [16]uint32 // the lanes of four packed vectors in their order
}

// newRounding returns the rounding of out for vectors of vl lanes.
func newRounding(out *Output, vl int) (r rounding) {
	for i := range r.zero {
		r.zero[i] = int16(out.Zero)
	}
	for i := range r.low {
		r.low[i], r.high[i] = out.Low, out.High
	}
	for i := range vl {
		r.perm[i] = uint32(i%(vl/4)*4 + i/(vl/4))
	}
	return r
}

// spreadArgs is the argument of the kernels that prepare pixels for a depthwise convolution:
//
//	for b := range nb { // blocks of channels
//		for x := range n {
//			for i := range 4 { // vectors of lanes
//				to[b][x][i] = the values of channel c of each row
//			}
//		}
//	}
//
// Byte r of a lane is at tab[r*runs+run] + off + x*step + c; with lanes of two integers there are two rows. Each part
// of 128 bits of the vectors belongs to one run; vector i has channels 4i to 4i+3 of each 16.
type spreadArgs struct {
	tab    **byte
	off    int
	step   int
	n      int
	to     *byte
	nb     int
	toStep int // bytes from block to block

	coff, cto, cb uintptr // copies of off, to and nb that the assembly changes
}

// dwArgs is the argument of the depthwise kernels. A kernel computes nblk tiles of mr outputs in each run, fromStep
// bytes apart in what was spread:
//
//	for b := range nb { // blocks of channels
//		for x := range nblk * mr {
//			acc = bias[b]
//			for t := range nt {
//				acc += from[b][x*fromStep+taps[t]] dot w[b][t]
//			}
//			dst[run][off+x*ds+b*channels] = out(acc, scale[b])
//		}
//	}
type dwArgs struct {
	from      *byte
	fromStep  int
	taps      *int // bytes
	nt        int
	w         *int8
	bias      *int32
	scale     *float32
	out       *rounding
	ds        int
	mask      uint64 // as in gemmArgs, never 0
	plain     int    // as in gemmArgs
	runs      int
	groups    int // groups of neighbouring taps, which stand first
	nblk      int
	nb        int
	fromBlock int // bytes from block to block
	channels  int // of a block
	off       int

	// Copies that the assembly changes.
	cfrom, cblk, cw, cbias, cscale, coff, cb, cfirst uintptr

	dst [4]*byte // of each run
}

// rowArgs is the argument of the depthwise kernels that read bytes as they are. A kernel of rows x u computes nt tiles
// of u outputs in each of its rows, k x k taps, s apart. Its sums are exact in float32:
//
//	for t := range nt {
//		for b := range nb { // blocks of as many channels as a vector has lanes
//			acc[y][x] = bias[b][tiles[t].bias[x]]
//			for each column j of the tile from tiles[t].skip to tiles[t].end {
//				acc[y][x] += src[y*s+ky][j] * w[b][ky][j-x*s]
//			}
//			dst[y][tiles[t].to+x] = out(acc[y][x], scale[b])
//		}
//	}
type rowArgs struct {
	step     int // bytes from pixel to pixel of the input
	ds       int // of the output
	tiles    *rowTile
	nt       int
	w        *int8  // float32
	bias     *int32 // float32
	biasStep int    // bytes from block to block
	scale    *float32
	out      *rounding
	plain    int    // as in gemmArgs
	mask     uint64 // as in gemmArgs, of the last block
	nb       int

	// Copies that the assembly changes.
	ct, ctile, cw, cbias, cscale, coff, cb uintptr

	src [7]*byte // input rows
	dst [2]*byte
}

// rowTile is a tile of one to eight outputs of a row. The columns of the input that it reads are counted from its
// first one on, which may lie in the padding.
type rowTile struct {
	from      int // pixel of the first column
	to        int // first output
	skip, end int // columns in the map
	bias      [8]int
}

// vecArgs is the argument of the elementwise kernels: rows (pixels) of n channels. k points to their constants.
type vecArgs struct {
	d, a, b    *byte
	ds, as, bs int // bytes from row to row
	rows, n    int
	mask       uint64 // the lowest n%64 bits
	k          *byte

	cd, ca, cb, crow uintptr // copies of d, a, b and rows that the assembly changes
}
