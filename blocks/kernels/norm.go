package kernels

// momentsBlock is the number of pixels summed in float32 before the sum goes to
// float64.
const momentsBlock = 256

// MomentsNeed is the scratch of Moments for c channels.
func MomentsNeed(c int) Need { return Need{Floats: 2 * c} }

// Moments computes mean and variance (divided by the number of pixels, not by
// one less) of every channel of px pixels of c channels at distance pix: the
// statistics of batch normalisation, px being batch x height x width. mean and
// variance have c values. Two passes: sums of blocks of 256 pixels in float32,
// sums of the blocks in float64.
func (s *Set) Moments(mean, variance []float64, src []float32, px, pix, c int, sc *Scratch) {
	mean, variance = mean[:c], variance[:c]
	part, m := sc.buf[:c], sc.buf[c:2*c]
	clear(mean)
	clear(variance)
	for p := 0; p < px; p += momentsBlock {
		s.block(part, src[p*pix:], min(momentsBlock, px-p), pix, c, vecSum, nil, sc)
		for i, x := range part {
			mean[i] += float64(x)
		}
	}
	for i := range mean {
		mean[i] /= float64(px)
		m[i] = float32(mean[i])
	}
	for p := 0; p < px; p += momentsBlock {
		s.block(part, src[p*pix:], min(momentsBlock, px-p), pix, c, vecSqDev, m, sc)
		for i, x := range part {
			variance[i] += float64(x)
		}
	}
	for i := range variance {
		variance[i] /= float64(px)
	}
}

func (s *Set) block(dst, src []float32, px, pix, c int, op vecOp, b []float32, sc *Scratch) {
	clear(dst)
	v := View{Data: src, Pix: pix, Row: px * pix}
	v.check(0, 1, px, c)
	s.sum(dst, &v, 1, px, c, op, b, sc)
}
