package images

import (
	"errors"
	"image"
	_ "image/jpeg" // registers the format
	_ "image/png"
	"os"

	"nas/blocks"
	"nas/internal/fault"
)

// maxPixels bounds a picture.
const maxPixels = 1 << 28

// decode reads a picture: the square in its middle, or the part in the proportions of s, scaled to s.
func decode(dst []byte, path string, s blocks.Shape) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Errorf("images: %s cannot be read: %w", path, why(err))
	}
	defer f.Close()
	head, _, err := image.DecodeConfig(f)
	switch {
	case errors.Is(err, image.ErrFormat):
		return fault.Errorf("images: %s is neither a PNG nor a JPEG file, whatever its ending: convert it, or take it out",
			path)
	case err == nil && float64(head.Width)*float64(head.Height) > maxPixels:
		return fault.Errorf("images: %s is %d x %d: want at most 2^28 pixels; scale it down, or take it out", path,
			head.Width, head.Height)
	}
	var img image.Image
	if err == nil {
		if _, err = f.Seek(0, 0); err == nil {
			img, _, err = image.Decode(f)
		}
	}
	if err != nil || img.Bounds().Empty() {
		return fault.Errorf("images: %s is damaged, or it was cut off: save it again, or take it out", path)
	}
	fit(dst, img, s)
	return nil
}

// fit scales the largest part in the middle of a picture that has the proportions of s. Each pixel is the mean of those
// that it covers, in parts, or lies between the two next to it where the picture is smaller.
func fit(dst []byte, img image.Image, s blocks.Shape) {
	b := img.Bounds()
	scale := min(float64(b.Dy())/float64(s.H), float64(b.Dx())/float64(s.W))
	h, w := float64(s.H)*scale, float64(s.W)*scale
	rows := filter(s.H, b.Dy(), (float64(b.Dy())-h)/2, scale)
	columns := filter(s.W, b.Dx(), (float64(b.Dx())-w)/2, scale)
	line := make([]float64, s.W*s.C)
	lines := map[int][]float64{} // of the picture, scaled across
	across := func(y int) []float64 {
		if l := lines[y]; l != nil {
			return l
		}
		l := make([]float64, s.W*s.C)
		for x, taps := range columns {
			for _, t := range taps {
				r, g, bl, _ := img.At(b.Min.X+t.at, b.Min.Y+y).RGBA()
				if s.C == 1 { // ITU-R BT.601
					l[x] += t.weight * (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(bl))
					continue
				}
				l[x*3] += t.weight * float64(r)
				l[x*3+1] += t.weight * float64(g)
				l[x*3+2] += t.weight * float64(bl)
			}
		}
		lines[y] = l
		return l
	}
	for y, taps := range rows {
		clear(line)
		for _, t := range taps {
			for i, v := range across(t.at) {
				line[i] += t.weight * v
			}
		}
		for k := range lines { // those above are not needed again
			if k < taps[0].at {
				delete(lines, k)
			}
		}
		for i, v := range line {
			dst[y*len(line)+i] = byte(min(max(v/257+0.5, 0), 255))
		}
	}
}

// tap is a place of an extent, and its weight.
type tap struct {
	at     int
	weight float64
}

// filter returns, for each of n places, those of an extent of m that it is the mean of: a triangle around its centre,
// as wide as two places.
func filter(n, m int, from, scale float64) [][]tap {
	out := make([][]tap, n)
	width := max(scale, 1)
	for i := range out {
		centre := from + (float64(i)+0.5)*scale - 0.5
		sum := 0.0
		for k := int(centre - width); k <= int(centre+width)+1; k++ {
			d := (float64(k) - centre) / width
			if weight := 1 - max(d, -d); weight > 0 {
				out[i] = append(out[i], tap{min(max(k, 0), m-1), weight})
				sum += weight
			}
		}
		for k := range out[i] {
			out[i][k].weight /= sum
		}
	}
	return out
}
