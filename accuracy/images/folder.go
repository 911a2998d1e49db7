package images

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the format
	_ "image/png"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"nas/blocks"
	"nas/internal/fault"
)

// endings are those of files that are images.
var endings = []string{".png", ".jpg", ".jpeg"}

// file is an image of a folder.
type file struct {
	path  string
	class int
	size  int64
	time  int64 // of its last change
}

// rootOf is the folder of a part, which holds those of the classes.
func rootOf(dir, part string) string {
	if part == "train" && !exists(dir, "train") {
		return dir
	}
	return filepath.Join(dir, part)
}

func isFolder(dir string) bool {
	files, err := list(rootOf(dir, "train"))
	return err == nil && len(files) > 0
}

func hasValFolder(dir string) bool { return exists(dir, "val") }

// list finds the images below a folder, class by class in the order of their names.
func list(root string) (files []file, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	class := 0
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
				return err
			}
			info, err := os.Stat(path)
			if err == nil && info.Mode().IsRegular() {
				files = append(files, file{path, class, info.Size(), info.ModTime().UnixNano()})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		class++
	}
	return files, nil
}

func readFolder(dir, part string, o Options) (*source, error) {
	root := rootOf(dir, part)
	files, err := list(root)
	if err != nil {
		return nil, fault.Errorf("images: %s cannot be read: %w", root, why(err))
	}
	if len(files) == 0 {
		return nil, fault.Errorf("images: %s has no .png, .jpg or .jpeg files in folders named as the classes", root)
	}
	out := &source{shape: o.Shape, labels: make([]uint16, len(files))}
	for i, f := range files {
		if f.class >= 1<<16 {
			return nil, fault.Errorf("images: %s has more than 65,536 classes", root)
		}
		out.labels[i] = uint16(f.class)
	}
	if out.pixels, err = decoded(root, files, o.Shape); err != nil {
		return nil, err
	}
	return out, out.check(root)
}

// decoded returns the pixels of all files: from a file of the cache, or decoded and put there.
func decoded(root string, files []file, s blocks.Shape) ([]byte, error) {
	h := sha256.New()
	for _, f := range files {
		abs, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(h, "%s %d %d\n", abs, f.size, f.time)
	}
	key := fmt.Sprintf("%s-%v", hex.EncodeToString(h.Sum(nil)[:8]), s)
	if pixels := cached(key, len(files)*s.Elems()); pixels != nil {
		return pixels, nil
	}
	pixels := make([]byte, len(files)*s.Elems())
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, len(files))
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				errs[i] = decode(pixels[i*s.Elems():][:s.Elems()], files[i].path, s)
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	keep(key, pixels)
	return pixels, nil
}

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
		return fault.Errorf("images: %s is %d x %d: want at most 2^28 pixels", path, head.Width, head.Height)
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
