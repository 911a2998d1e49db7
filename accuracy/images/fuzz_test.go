package images_test

import (
	"bytes"
	"compress/gzip"
	"image"
	"image/color"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/internal/imagestest"
)

// cures are what an error about a file may tell to do.
var cures = regexp.MustCompile(`bring it again|of another set|want |save it again|convert it|take it out`)

// told wants an error, if there is one, to be a sentence that names what it is about and a cure, and images that can be
// read where there is none.
func told(t *testing.T, d *images.Data, err error, about string) {
	t.Helper()
	if err != nil {
		if text := err.Error(); !strings.Contains(text, about) || !cures.MatchString(text) || strings.Contains(text, "\n") {
			t.Errorf("%q: want a sentence that names %s and a cure", text, about)
		}
		return
	}
	for _, s := range []*images.Set{d.Train, d.Val} {
		for i := range s.Len() {
			if len(s.Image(i)) != s.Shape.Elems() || s.Label(i) >= s.Classes {
				t.Errorf("image %d has %d bytes and label %d", i, len(s.Image(i)), s.Label(i))
			}
		}
	}
}

// zipped is what gzip makes of data.
func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// FuzzIDX reads a set one file of which may be anything.
func FuzzIDX(f *testing.F) {
	dir := f.TempDir()
	imagestest.WriteIDX(f, dir, 20, 3, 3)
	names := []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}
	for which, name := range names {
		good := read(f, filepath.Join(dir, name))
		f.Add(good, which == 0, false, false)
		f.Add(zipped(good), which == 0, true, false)
		f.Add(zipped(good)[:20], which == 0, true, false)
		f.Add(append(zipped(good), 7), which == 0, true, false)
		f.Add(good, which == 0, true, true)
		f.Add(good[:len(good)-1], which == 0, false, false)
		f.Add(good[:len(good)-1], which == 0, true, true)
		f.Add(append(bytes.Clone(good), 1), which == 0, true, true)
		f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 255, 255, 0, 0, 16, 0}, which == 0, true, true)
		f.Add([]byte{0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 9}, which == 0, false, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, isImages, gz, zip bool) {
		dir := t.TempDir()
		imagestest.WriteIDX(t, dir, 20, 3, 3)
		name := names[1]
		if isImages {
			name = names[0]
		}
		if zip {
			data = zipped(data)
		}
		if gz {
			remove(t, dir, name)
			name += ".gz"
		}
		write(t, data, dir, name)
		d, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 4, W: 3, C: 1}, Val: 2, Subset: 9})
		told(t, d, err, dir)
	})
}

// FuzzCIFAR reads a set one file of which may be anything.
func FuzzCIFAR(f *testing.F) {
	row := func(label byte) []byte { return append([]byte{label}, bytes.Repeat([]byte{3, 200}, 1536)...) }
	f.Add(row(1), false)
	f.Add(bytes.Repeat(append([]byte{5}, row(1)...), 5), true)
	f.Add(row(1)[:3072], false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, data []byte, hundred bool) {
		dir := t.TempDir()
		if hundred {
			write(t, data, dir, "train.bin")
		} else {
			for i := range 5 {
				write(t, append(row(0), row(1)...), dir, "data_batch_"+strconv.Itoa(i+1)+".bin")
			}
			write(t, data, dir, "data_batch_3.bin")
		}
		d, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 32, W: 32, C: 3}})
		told(t, d, err, dir)
	})
}

// FuzzPicture reads a folder one picture of which may be anything.
func FuzzPicture(f *testing.F) {
	for _, jpg := range []bool{false, true} {
		good := picture(f, 5, 7, color.RGBA{9, 90, 200, 255}, jpg)
		f.Add(good, jpg)
		f.Add(good, !jpg)
		f.Add(good[:len(good)/2], jpg)
		f.Add(good[:10], jpg)
	}
	f.Add([]byte("GIF89a"), false)
	f.Fuzz(func(t *testing.T, data []byte, jpg bool) {
		// A picture of the largest size that is read takes seconds and a gigabyte.
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<20 &&
			c.Width*c.Height <= 1<<28 {
			t.Skip("a large picture")
		}
		setCache(t)
		dir := t.TempDir()
		for i := range 5 {
			write(t, picture(t, 3, 3, color.Black, false), dir, "train", "a", strconv.Itoa(i)+".png")
		}
		name := "x.png"
		if jpg {
			name = "x.jpeg"
		}
		path := write(t, data, dir, "train", "b", name)
		d, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 4, W: 6, C: 3}})
		told(t, d, err, path)
	})
}
