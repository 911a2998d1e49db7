// Package imagestest writes sets of images for tests.
package imagestest

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// WriteIDX writes n images to train on, and a quarter as many to test by, of size x size grey pixels into dir, in the
// format of MNIST. The class of an image, of so many, is its brightest column.
func WriteIDX(t testing.TB, dir string, n, size, classes int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, part := range []struct {
		prefix string
		n      int
	}{{"train", n}, {"t10k", n / 4}} {
		images, labels := new(bytes.Buffer), new(bytes.Buffer)
		binary.Write(images, binary.BigEndian, []uint32{0x803, uint32(part.n), uint32(size), uint32(size)})
		binary.Write(labels, binary.BigEndian, []uint32{0x801, uint32(part.n)})
		for range part.n {
			class := r.IntN(classes)
			labels.WriteByte(byte(class))
			for i := range size * size {
				v := r.IntN(100)
				if i%size == class {
					v += 150
				}
				images.WriteByte(byte(v))
			}
		}
		for name, b := range map[string]*bytes.Buffer{"images-idx3-ubyte": images, "labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(dir, part.prefix+"-"+name), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
