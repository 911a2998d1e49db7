package main

import (
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the format
	_ "image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
)

// pictures are PNG and JPEG files as images of a network.
type pictures struct {
	files     []string
	mean, std []float32 // of one channel or of each
}

// pictureEndings are the endings of files that are pictures.
var pictureEndings = []string{".png", ".jpg", ".jpeg"}

func isPicture(path string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(path)))
}

// openPictures lists the pictures that path is: one, or those of a folder in the order of their
// names. It returns nil for another file.
func openPictures(path, mean, std string) (*pictures, error) {
	p := &pictures{}
	var err error
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no %s: want a NumPy file, a picture, or a folder of pictures", path)
	case err != nil:
		return nil, usage(err)
	case !info.IsDir() && !isPicture(path):
		if mean != "" || std != "" {
			return nil, usagef("--mean and --std are for PNG and JPEG files, %s is none", path)
		}
		return nil, nil
	case !info.IsDir():
		p.files = []string{path}
	default:
		all, err := os.ReadDir(path)
		if err != nil {
			return nil, usage(err)
		}
		for _, e := range all {
			if !e.IsDir() && isPicture(e.Name()) {
				p.files = append(p.files, filepath.Join(path, e.Name()))
			}
		}
		if len(p.files) == 0 {
			return nil, usagef("%s holds no file that ends in %s", path, strings.Join(pictureEndings, ", "))
		}
	}
	if p.mean, err = channelNumbers("--mean", mean, 0); err != nil {
		return nil, err
	}
	if p.std, err = channelNumbers("--std", std, 1); err != nil {
		return nil, err
	}
	if slices.Min(p.std) <= 0 {
		return nil, usagef("--std %s: want numbers above 0", std)
	}
	return p, nil
}

// channelNumbers reads numbers with commas between them.
func channelNumbers(flag, text string, missing float32) ([]float32, error) {
	if text == "" {
		return []float32{missing}, nil
	}
	var out []float32
	for _, s := range strings.Split(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 32)
		if err != nil || v != v || v-v != 0 {
			return nil, usagef("%s %s: want a number, or one for each channel with commas between them", flag, text)
		}
		out = append(out, float32(v))
	}
	return out, nil
}

// check tells whether a network with an input of shape s takes pictures.
func (p *pictures) check(s blocks.Shape, name string) error {
	if s.C != 1 && s.C != 3 {
		return usagef("%s has an input of %d channels: pictures have 1 or 3", name, s.C)
	}
	for flag, v := range map[string][]float32{"--mean": p.mean, "--std": p.std} {
		if len(v) != 1 && len(v) != s.C {
			return usagef("%s: %d numbers, %s has %d channels", flag, len(v), name, s.C)
		}
	}
	return nil
}

// read fills dst, H x W x C, with picture i: scaled without distortion until it covers the input, cut
// round its centre, as (value/255 - mean) / std.
func (p *pictures) read(i int, dst []float32, s blocks.Shape) error {
	img, err := decodePicture(p.files[i])
	if err != nil {
		return usagef("%s %w", p.files[i], err)
	}
	t := covering(pixels(img, s.C), s)
	top, left := (t.Shape.H-s.H)/2, (t.Shape.W-s.W)/2
	for y := range s.H {
		for x := range s.W {
			for c := range s.C {
				v := t.Data[((top+y)*t.Shape.W+left+x)*s.C+c]
				dst[(y*s.W+x)*s.C+c] = (v/255 - p.mean[min(c, len(p.mean)-1)]) / p.std[min(c, len(p.std)-1)]
			}
		}
	}
	return nil
}

// decodePicture reads a picture. The error is the end of a sentence that begins with the file's name.
func decodePicture(path string) (image.Image, error) {
	// A pipe that stands among the pictures would be waited for without end.
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	case !info.Mode().IsRegular():
		return nil, errors.New("is no ordinary file: want a PNG or JPEG file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	}
	defer f.Close()
	head, _, err := image.DecodeConfig(f)
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, errors.New("is neither a PNG nor a JPEG file, whatever its ending: convert it, or leave it out")
	case err != nil || head.Width < 1 || head.Height < 1:
		return nil, errDamaged
	case float64(head.Width)*float64(head.Height) > 1<<28:
		return nil, fmt.Errorf("is %d x %d: want at most 2^28 pixels", head.Width, head.Height)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", reason(err))
	}
	img, _, err := image.Decode(f)
	if err != nil || img.Bounds().Empty() {
		return nil, errDamaged
	}
	return img, nil
}

var errDamaged = errors.New("is a damaged picture, or it was cut off: save it again, or leave it out")

// reason is why a file cannot be read, without the name of the file and of what was tried.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// pixels are the values of a picture, 0 to 255, in red, green and blue, or in grey.
func pixels(img image.Image, channels int) blocks.Tensor {
	b := img.Bounds()
	t := blocks.Tensor{Shape: blocks.Shape{H: b.Dy(), W: b.Dx(), C: channels}}
	t.Data = make([]float32, 0, t.Shape.Elems())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA() // 16 bits each
			if channels == 1 {
				// ITU-R BT.601, as PNG readers turn colours to grey.
				t.Data = append(t.Data, (0.299*float32(r)+0.587*float32(g)+0.114*float32(bl))/257)
				continue
			}
			t.Data = append(t.Data, float32(r)/257, float32(g)/257, float32(bl)/257)
		}
	}
	return t
}

// covering scales a picture, each axis by the same factor, to the least size that covers s.
func covering(t blocks.Tensor, s blocks.Shape) blocks.Tensor {
	scale := max(float64(s.H)/float64(t.Shape.H), float64(s.W)/float64(t.Shape.W))
	to := blocks.Shape{
		H: max(s.H, int(float64(t.Shape.H)*scale+0.5)), W: max(s.W, int(float64(t.Shape.W)*scale+0.5)), C: s.C,
	}
	if to == t.Shape {
		return t
	}
	op := &blocks.Interpolate{H: to.H, W: to.W, Mode: "linear", Coordinates: "half_pixel", Antialias: true}
	out := blocks.Tensor{Shape: to, Data: make([]float32, to.Elems())}
	op.Eval(out, []blocks.Tensor{t}, nil)
	return out
}
