package kernels

import "unsafe"

// outerArgs is the argument of the kernels that sum products of columns; the assembly knows the offsets.
//
// A kernel of mr x nr computes nblk blocks:
//
//	for range nblk {
//		for p := range k {
//			c[i][j] = fma(a[p][i], b[p][j], c[i][j])      // i < mr, j < n
//		}
//		a and c move on by mr
//	}
type outerArgs struct {
	a    *float32
	lda  uintptr // bytes from a[p] to a[p+1]
	b    *float32
	ldb  uintptr // bytes from b[p] to b[p+1]
	c    *float32
	ldc  uintptr // bytes from c[i] to c[i+1]
	k    int
	nblk int
	tail *[8]int32 // lanes of the last vector, nil: all

	// Copies of a, c and nblk that the assembly changes.
	ca, cc, cblk uintptr

	n, mr int // columns, for NEON and the portable kernel; rows of a block, for the latter
}

const (
	maxOuterRows = 6
	maxOuterCols = 16
)

// outerTiles are the kernels by number of rows and of columns/8.
type outerTiles struct {
	f    [maxOuterRows + 1][maxOuterCols/8 + 1]func(*outerArgs)
	rows [maxOuterCols/8 + 1]int // most rows of each width, 0: no such width
}

func (t *outerTiles) register(r row) {
	t.f[r.mr][r.nr/8] = r.outer
	t.rows[r.nr/8] = max(t.rows[r.nr/8], r.mr)
}

// outerBlock is the number of rows of a and b that are taken at once: those of b then stay in the first-level cache.
const outerBlock = 256

// outer adds to c, m x n, the sum over k rows of the products of each pair of columns of a and b:
// c[i*ldc+j] += a[p*lda+i] * b[p*ldb+j]. The distances are in floats.
func (s *Set) outer(sc *Scratch, c []float32, ldc int, a *float32, lda int, b *float32, ldb, m, n, k int) {
	if m <= 0 || n <= 0 || k <= 0 {
		return
	}
	_ = c[(m-1)*ldc+n-1]
	o := &sc.outer
	o.lda, o.ldb, o.ldc = uintptr(lda)*4, uintptr(ldb)*4, uintptr(ldc)*4
	for p := 0; p < k; p += outerBlock {
		o.k = min(outerBlock, k-p)
		for j := 0; j < n; {
			w := 1
			if s.outerTiles.rows[1] == 0 || n-j > 8 {
				w = 2
			}
			o.n = min(8*w, n-j)
			o.tail = nil
			if last := o.n - 8*(w-1); last < 8 {
				o.tail = &tails[max(last, 0)]
			}
			split := splitRows(m, s.outerTiles.rows[w])
			o.b = at(b, p*ldb+j)
			row := 0
			for _, part := range [2]struct{ blocks, mr int }{
				{split.nbig, split.base + 1}, {split.blocks - split.nbig, split.base},
			} {
				if part.blocks == 0 {
					continue
				}
				o.nblk, o.mr = part.blocks, part.mr
				o.a = at(a, p*lda+row)
				o.c = &c[row*ldc+j]
				s.outerTiles.f[part.mr][w](o)
				row += part.blocks * part.mr
			}
			j += o.n
		}
	}
}

func outerGeneric(o *outerArgs) {
	for i := range o.nblk * o.mr {
		c := span((*float32)(unsafe.Add(unsafe.Pointer(o.c), uintptr(i)*o.ldc)), o.n)
		for p := range o.k {
			x := *(*float32)(unsafe.Add(unsafe.Pointer(o.a), uintptr(p)*o.lda+uintptr(i)*4))
			b := span((*float32)(unsafe.Add(unsafe.Pointer(o.b), uintptr(p)*o.ldb)), o.n)
			for j, y := range b {
				v := float64(x)*float64(y) + float64(c[j])
				if doubtful(v) {
					c[j] = fma32(x, y, c[j])
					continue
				}
				c[j] = float32(v)
			}
		}
	}
}
