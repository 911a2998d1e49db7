package images_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/internal/imagestest"
)

// write makes a file, and its folder.
func write(t testing.TB, data []byte, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func remove(t testing.TB, path ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}

// setCache gives the test a cache of its own.
func setCache(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, v := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(v, dir)
	}
	return dir
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantError fails unless an error names what it should.
func wantError(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v: want it to say %q", err, w)
		}
	}
}

var grey = images.Options{Shape: blocks.Shape{H: 6, W: 6, C: 1}}

func TestIDX(t *testing.T) {
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, 100, 6, 3)
	d, err := images.Open(dir, grey)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 80 || d.Val.Len() != 20 || !d.HeldOut || d.Train.Classes != 3 {
		t.Errorf("%d to train on, %d to validate by, %d classes", d.Train.Len(), d.Val.Len(), d.Train.Classes)
	}
	for _, s := range []*images.Set{d.Train, d.Val} {
		for i := range s.Len() {
			if x := s.Image(i); x[s.Label(i)] < 150 || len(x) != 36 {
				t.Fatalf("image %d of class %d begins with %v", i, s.Label(i), x[:3])
			}
		}
	}
	test, err := images.OpenTest(dir, grey)
	if err != nil || test.Len() != 25 {
		t.Errorf("%v, %v", test, err)
	}
	// The parts never share an image: of 100 rows each is in one of them.
	few, err := images.Open(dir, images.Options{Shape: grey.Shape, Val: 10, Subset: 40})
	if err != nil || few.Val.Len() != 10 || few.Train.Len() != 40 {
		t.Errorf("%v, %v", few, err)
	}
	if few.Train.Hash() == d.Train.Hash() {
		t.Error("two sets have one hash")
	}
	larger, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 8, W: 9, C: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if x, y := d.Train.Image(3), larger.Train.Image(3); !bytes.Equal(y[9+1:][:6], x[:6]) || y[0] != 0 {
		t.Errorf("%v with a border is %v", x, y)
	}
}

func TestDamagedIDX(t *testing.T) {
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, 100, 6, 3)
	name := filepath.Join(dir, "train-images-idx3-ubyte")
	good := read(t, name)
	open := func(data []byte) error {
		write(t, data, name)
		_, err := images.Open(dir, grey)
		return err
	}
	wantError(t, open(good[:1000]), "train-images-idx3-ubyte", "cut off", "bring it again")
	wantError(t, open([]byte("not")), "damaged", "bring it again")
	wantError(t, open(append([]byte{0, 0, 8, 3, 0xff}, good[5:]...)), "damaged")
	labels := filepath.Join(dir, "train-labels-idx1-ubyte")
	os.Remove(labels)
	wantError(t, open(good), "train-labels-idx1-ubyte", "bring it again")
	write(t, zipped(append([]byte{0, 0, 8, 1, 0, 0, 0, 99}, make([]byte, 99)...)), labels+".gz")
	wantError(t, open(good), "100 images and 99 labels")
	write(t, zipped(append([]byte{0, 0, 8, 1, 0, 0, 0, 100}, make([]byte, 100)...))[:24], labels+".gz")
	wantError(t, open(good), ".gz cannot be unpacked")
	write(t, append([]byte{0, 0, 8, 1, 0, 0, 0, 100}, make([]byte, 100)...), labels)
	wantError(t, open(good), "of one class")
	_, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 5, W: 6, C: 1}})
	wantError(t, err, "6x6x1", "5x6x1")
	_, err = images.Open(filepath.Join(dir, "none"), grey)
	wantError(t, err, "no folder", "make data")
	_, err = images.Open(t.TempDir(), grey)
	wantError(t, err, "no images that are known", "train-images-idx3-ubyte")
}

func TestCIFAR(t *testing.T) {
	dir := t.TempDir()
	o := images.Options{Shape: blocks.Shape{H: 32, W: 32, C: 3}}
	row := func(labels []byte, i int) []byte {
		b := bytes.Clone(labels)
		for plane := range 3 {
			for p := range 1024 {
				b = append(b, byte(100*plane+p%32+i))
			}
		}
		return b
	}
	for _, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
		"data_batch_5.bin", "test_batch.bin"} {
		write(t, append(row([]byte{1}, 0), row([]byte{0}, 1)...), dir, name)
	}
	d, err := images.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 8 || d.Val.Len() != 2 || d.Train.Classes != 2 {
		t.Errorf("%d and %d images of %d classes", d.Train.Len(), d.Val.Len(), d.Train.Classes)
	}
	off := byte(1 - d.Val.Label(0))
	if x := d.Val.Image(0); !bytes.Equal(x[:6], []byte{off, 100 + off, 200 + off, 1 + off, 101 + off, 201 + off}) {
		t.Errorf("the first pixels are %v", x[:6])
	}
	write(t, row([]byte{1}, 0)[:3000], dir, "data_batch_3.bin")
	_, err = images.Open(dir, o)
	wantError(t, err, "data_batch_3.bin", "cut off")
	os.Remove(filepath.Join(dir, "data_batch_3.bin"))
	_, err = images.Open(dir, o)
	wantError(t, err, "data_batch_3.bin", "bring it again")
	_, err = images.Open(dir, grey)
	wantError(t, err, "32x32x3", "6x6x1")

	hundred := t.TempDir()
	write(t, bytes.Repeat(append(row([]byte{9, 1}, 0), row([]byte{9, 0}, 1)...), 5), hundred, "train.bin")
	write(t, row([]byte{9, 1}, 0), hundred, "test.bin")
	if d, err = images.Open(hundred, o); err != nil || d.Train.Len()+d.Val.Len() != 10 || d.Train.Classes != 2 {
		t.Errorf("%v, %v", d, err)
	}
}

// picture is h x w pixels of one colour, with a white left half.
func picture(t testing.TB, h, w int, c color.Color, jpg bool) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
			if x < w/2 {
				img.Set(x, y, color.White)
			}
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	if jpg {
		b.Reset()
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFolder(t *testing.T) {
	cache := setCache(t)
	dir := t.TempDir()
	for i := range 10 {
		write(t, picture(t, 20+i, 30, color.RGBA{200, 0, 0, 255}, false), dir, "train", "a red one", strconv.Itoa(i)+".png")
		write(t, picture(t, 16, 16, color.RGBA{0, 0, 200, 255}, true), dir, "train", "blue", strconv.Itoa(i)+".JPG")
	}
	write(t, picture(t, 8, 8, color.Black, false), dir, "test", "a red one", "x.png")
	write(t, picture(t, 8, 8, color.Black, false), dir, "test", "blue", "x.png")
	o := images.Options{Shape: blocks.Shape{H: 8, W: 8, C: 3}}
	var hash string
	for range 2 { // decoded, and from the cache
		d, err := images.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if d.Train.Len() != 16 || d.Val.Len() != 4 || !d.HeldOut {
			t.Fatalf("%d and %d images", d.Train.Len(), d.Val.Len())
		}
		for i := range d.Train.Len() {
			x, red := d.Train.Image(i), d.Train.Label(i) == 0
			if left, right := x[3:6], x[3*6:][:3]; left[0] < 245 || left[2] < 245 || (right[0] > 150) != red ||
				(right[2] > 150) == red || right[1] > 50 {
				t.Errorf("image %d of class %d has the pixels %v and %v", i, d.Train.Label(i), left, right)
			}
		}
		if hash != "" && hash != d.Train.Hash() {
			t.Error("the images of the cache are others")
		}
		hash = d.Train.Hash()
	}
	files, _ := filepath.Glob(filepath.Join(cache, "*", "*", "*"))
	more, _ := filepath.Glob(filepath.Join(cache, "*", "*", "*", "*"))
	kept := 0
	for _, f := range append(files, more...) {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			data := read(t, f)
			data[5] ^= 1
			write(t, data, f)
			kept++
		}
	}
	if kept == 0 {
		t.Error("nothing was kept in the cache")
	}
	if d, err := images.Open(dir, o); err != nil || d.Train.Hash() != hash {
		t.Errorf("a damaged cache was read: %v", err)
	}
	if test, err := images.OpenTest(dir, o); err != nil || test.Len() != 2 {
		t.Errorf("%v, %v", test, err)
	}
	if _, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 4, W: 9, C: 1}}); err != nil {
		t.Error(err)
	}
	path := write(t, []byte("no picture"), dir, "train", "blue", "3.JPG")
	_, err := images.Open(dir, o)
	wantError(t, err, path, "neither a PNG nor a JPEG")
	write(t, picture(t, 30, 30, color.Black, false)[:60], dir, "train", "blue", "3.JPG")
	_, err = images.Open(dir, o)
	wantError(t, err, path, "damaged")
}
