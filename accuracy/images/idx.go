package images

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nas/internal/fault"
)

// The format IDX is that of MNIST (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist): two zero bytes, the
// type 8 for bytes, the number of extents, each extent as four bytes, the largest first, and the values.

// idxParts are the names of the files of each part.
var idxParts = map[string]string{"train": "train", "test": "t10k"}

func isIDX(dir string) bool {
	const name = "train-images-idx3-ubyte"
	return exists(dir, name) || exists(dir, name+".gz")
}

func readIDX(dir, part string, o Options) (*source, error) {
	prefix := filepath.Join(dir, idxParts[part])
	extents, pixels, err := idxFile(prefix+"-images-idx3-ubyte", 3)
	if err != nil {
		return nil, err
	}
	n, h, w := extents[0], extents[1], extents[2]
	count, labels, err := idxFile(prefix+"-labels-idx1-ubyte", 1)
	if err != nil {
		return nil, err
	}
	if count[0] != n {
		return nil, fault.Errorf("images: %s has %d images and %d labels: one of its files is of another set", dir, n,
			count[0])
	}
	s := o.Shape
	if s.C != 1 || s.H < h || s.W < w {
		return nil, fault.Errorf("images: %s has images of %dx%dx1, and the network takes %v: want a network of that "+
			"input, or of a larger one of one channel", dir, h, w, s)
	}
	out := &source{shape: s, pixels: make([]byte, n*s.Elems()), labels: make([]uint16, n)}
	top, left := (s.H-h)/2, (s.W-w)/2 // a border of black
	for i := range n {
		out.labels[i] = uint16(labels[i])
		for y := range h {
			copy(out.pixels[i*s.Elems()+(top+y)*s.W+left:][:w], pixels[(i*h+y)*w:])
		}
	}
	return out, out.check(dir)
}

// idxFile reads a file with so many extents, which may be compressed.
func idxFile(path string, extents int) (sizes []int, values []byte, err error) {
	data, path, err := readMaybeGzip(path)
	if err != nil {
		return nil, nil, err
	}
	damaged := func() error {
		return fault.Errorf("images: %s is damaged, or no IDX file of bytes with %d extents: bring it again", path, extents)
	}
	if len(data) < 4+4*extents || !bytes.Equal(data[:4], []byte{0, 0, 8, byte(extents)}) {
		return nil, nil, damaged()
	}
	total := 1
	for i := range extents {
		n := int(binary.BigEndian.Uint32(data[4+4*i:]))
		if n < 1 || n > 1<<28/total {
			return nil, nil, damaged()
		}
		sizes = append(sizes, n)
		total *= n
	}
	values = data[4+4*extents:]
	if len(values) != total {
		return nil, nil, fault.Errorf("images: %s has %d bytes of values, and its head says %d: it was cut off; bring it "+
			"again", path, len(values), total)
	}
	return sizes, values, nil
}

// maxFile bounds a file of images, in bytes.
const maxFile = 1 << 30

// readMaybeGzip reads a file, or that with .gz behind its name.
func readMaybeGzip(path string) (data []byte, found string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		var compressed *os.File
		if compressed, err = os.Open(path + ".gz"); err == nil {
			defer compressed.Close()
			path += ".gz"
			z, err := gzip.NewReader(compressed)
			if err == nil {
				data, err = io.ReadAll(io.LimitReader(z, maxFile))
			}
			if err != nil {
				return nil, path, fault.Errorf("images: %s cannot be unpacked (%w): it is damaged; bring it again", path, err)
			}
			return data, path, nil
		}
	}
	if err != nil {
		return nil, path, fault.Errorf("images: neither %s nor %s.gz can be read (%w): bring it again", path,
			filepath.Base(path), why(err))
	}
	defer f.Close()
	if data, err = io.ReadAll(io.LimitReader(f, maxFile)); err != nil {
		return nil, path, fault.Errorf("images: %s cannot be read: %w", path, why(err))
	}
	return data, path, nil
}
