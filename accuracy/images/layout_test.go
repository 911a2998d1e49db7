package images_test

import (
	"compress/gzip"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/internal/imagestest"
)

// TestKeepsNoMore wants a set to hold the images that it has and no others: of a file of 400 images that take 400 kB a
// few.
func TestKeepsNoMore(t *testing.T) {
	const side = 32
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, 400, side, 3)
	o := images.Options{Shape: blocks.Shape{H: side, W: side, C: 1}, Val: 10, Subset: 20}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	few, err := images.Open(dir, o)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if n, most := after.TotalAlloc-before.TotalAlloc, uint64(30*side*side+2<<16+30<<10); n > most {
		t.Errorf("%d bytes are allocated, want at most %d", n, most)
	}
	whole, err := images.Open(dir, images.Options{Shape: o.Shape, Val: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range few.Train.Len() {
		if string(few.Train.Image(i)) != string(whole.Train.Image(i)) || few.Train.Label(i) != whole.Train.Label(i) {
			t.Fatalf("image %d of a part is another than that of the whole", i)
		}
	}
	if few.Val.Hash() != whole.Val.Hash() {
		t.Error("the images held out are others if fewer are trained on")
	}
}

// TestHeadBeyondFile wants a head that tells of more than the file can hold to be refused, whatever it is packed in.
func TestHeadBeyondFile(t *testing.T) {
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, 20, 6, 3)
	name := filepath.Join(dir, "train-images-idx3-ubyte")
	head := []byte{0, 0, 8, 3, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 1, 0} // 2^34 values, and 2^28
	write(t, head, name)
	_, err := images.Open(dir, grey)
	wantError(t, err, name, "at most 2^28 values", "bring it again")
	head[6] = 0
	head[7] = 0x80
	write(t, head, name)
	_, err = images.Open(dir, grey)
	wantError(t, err, name, "has 0 bytes of values", "bring it again")
	remove(t, name)
	write(t, zipped(head), name+".gz")
	_, err = images.Open(dir, grey)
	wantError(t, err, name+".gz", "too few for the 268435456 values", "bring it again")
}

// TestFolders wants the classes of a folder to be those whose images are trained on, in all parts, and nothing to be
// trained on that is there to judge by.
func TestFolders(t *testing.T) {
	setCache(t)
	o := images.Options{Shape: blocks.Shape{H: 2, W: 2, C: 1}}
	dir := t.TempDir()
	dot := picture(t, 2, 2, color.Black, false)
	fill := func(n int, path ...string) {
		for i := range n {
			write(t, dot, filepath.Join(append([]string{dir}, path...)...), strconv.Itoa(i)+".png")
		}
	}
	// Without a folder train, those of the other parts are no classes, nor is one without an image.
	fill(10, "b")
	fill(10, "d", "within")
	fill(3, "val", "d")
	fill(4, "test", "d")
	fill(1, "test", "b")
	write(t, []byte("words"), dir, "c", "notes.txt")
	elsewhere := t.TempDir()
	write(t, dot, elsewhere, "0.png")
	if err := os.Symlink(elsewhere, filepath.Join(dir, "a")); err != nil {
		t.Skip(err)
	}
	d, err := images.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 21 || d.Train.Classes != 3 || d.Val.Len() != 3 || d.Val.Label(0) != 2 || d.HeldOut {
		t.Errorf("%d images of %d classes to train on, %d to validate by, of class %d", d.Train.Len(), d.Train.Classes,
			d.Val.Len(), d.Val.Label(0))
	}
	test, err := images.OpenTest(dir, o)
	if err != nil || test.Len() != 5 || test.Label(0) != 1 || test.Label(1) != 2 {
		t.Errorf("%v, %v", test, err)
	}
	fill(1, "val", "e")
	_, err = images.Open(dir, o)
	wantError(t, err, filepath.Join(dir, "val", "e", "0.png"), `class "e"`, "want the same names")

	deep := t.TempDir()
	write(t, dot, deep, "a", strings.Repeat("x"+string(filepath.Separator), 17), "0.png")
	_, err = images.Open(deep, o)
	wantError(t, err, "more than 16 folders below", "take it out")
}

// TestChecksum wants what gzip says of its contents to be believed only if it is true.
func TestChecksum(t *testing.T) {
	dir := t.TempDir()
	imagestest.WriteIDX(t, dir, 20, 6, 3)
	name := filepath.Join(dir, "train-images-idx3-ubyte")
	packed := zipped(read(t, name))
	packed[len(packed)-6] ^= 1 // of the checksum
	remove(t, name)
	write(t, packed, name+".gz")
	_, err := images.Open(dir, grey)
	wantError(t, err, name+".gz", gzip.ErrChecksum.Error(), "bring it again")
}
