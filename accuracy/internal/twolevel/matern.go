package twolevel

import (
	"math"

	"nas/internal/stat"
)

// maternCubic interpolates [stat.Matern52] by cubic Hermite splines. There are 64
// pieces from one power of 2 to the next, so that the bits of the argument say which
// piece it falls into. The error is below 3e-9. An estimate evaluates it once for each
// inducing point.
var maternCubic = newMaternTable()

const (
	maternBits = 6  // of the mantissa: 64 pieces from one power of 2 to the next
	maternLow  = -7 // powers of 2 between which there are pieces
	maternHigh = 8
	maternSkip = 52 - maternBits
	maternBase = (1023 + maternLow) << maternBits // bits of 2^maternLow
)

type maternTable [(maternHigh - maternLow) << maternBits]struct{ c0, c1, c2, c3 float64 }

func newMaternTable() *maternTable {
	t := new(maternTable)
	// d(matern52)/d(r^2) = -5/6 (1 + sqrt5 r) exp(-sqrt5 r)
	slope := func(r2 float64) float64 {
		r := math.Sqrt(5 * r2)
		return -5.0 / 6 * (1 + r) * math.Exp(-r)
	}
	for i := range t {
		a := math.Float64frombits(uint64(i+maternBase) << maternSkip)
		b := math.Float64frombits(uint64(i+maternBase+1) << maternSkip)
		h := b - a
		fa, fb, da, db := stat.Matern52(a), stat.Matern52(b), slope(a), slope(b)
		mean := (fb - fa) / h
		c := &t[i]
		c.c0, c.c1 = fa, da
		c.c2 = (3*mean - 2*da - db) / h
		c.c3 = (da + db - 2*mean) / (h * h)
	}
	return t
}

// at returns the function of a squared distance; ok is false where there is no piece.
// It does not call stat.Matern52 then: without that call the compiler inlines it.
func (t *maternTable) at(r2 float64) (k float64, ok bool) {
	bits := math.Float64bits(r2)
	i := int(bits>>maternSkip) - maternBase
	if uint(i) >= uint(len(t)) {
		return 0, false
	}
	c := &t[i]
	x := r2 - math.Float64frombits(bits&^(1<<maternSkip-1))
	return c.c0 + x*(c.c1+x*(c.c2+x*c.c3)), true
}
