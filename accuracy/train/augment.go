package train

import (
	"math/rand/v2"

	"nas/blocks"
)

// scaled are the values that a network gets for the bytes of an image: (byte/255 - 0.5) / 0.25, from -2 to 2, as of
// nas infer --mean 0.5 --std 0.25.
var scaled = func() (v [256]float32) {
	for i := range v {
		v[i] = (float32(i)/255 - 0.5) / 0.25
	}
	return v
}()

// augment writes an image as a network gets it, changed at random: moved by up to o.Shift pixels, with black pixels
// where nothing was; mirrored in half of the cases if o.Flip is set; with a grey square of o.Cutout pixels (DeVries and
// Taylor, Improved regularization of convolutional neural networks with cutout, 2017).
func augment(dst []float32, image []byte, s blocks.Shape, o *Options, r *rand.Rand) {
	dy, dx, mirror := 0, 0, false
	if o.Shift > 0 {
		dy, dx = r.IntN(2*o.Shift+1)-o.Shift, r.IntN(2*o.Shift+1)-o.Shift
	}
	if o.Flip {
		mirror = r.IntN(2) == 1
	}
	for y := range s.H {
		for x := range s.W {
			from, to := x+dx, dst[(y*s.W+x)*s.C:][:s.C]
			if mirror {
				from = s.W - 1 - from
			}
			if uint(y+dy) >= uint(s.H) || uint(from) >= uint(s.W) {
				for c := range to {
					to[c] = scaled[0]
				}
				continue
			}
			for c, b := range image[((y+dy)*s.W+from)*s.C:][:s.C] {
				to[c] = scaled[b]
			}
		}
	}
	if o.Cutout > 0 {
		cy, cx := r.IntN(s.H), r.IntN(s.W)
		for y := max(0, cy-o.Cutout/2); y < min(s.H, cy-o.Cutout/2+o.Cutout); y++ {
			for x := max(0, cx-o.Cutout/2); x < min(s.W, cx-o.Cutout/2+o.Cutout); x++ {
				clear(dst[(y*s.W+x)*s.C:][:s.C])
			}
		}
	}
}

// plain writes an image as a network gets it.
func plain(dst []float32, image []byte) {
	for i, b := range image {
		dst[i] = scaled[b]
	}
}
