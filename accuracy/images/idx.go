package images

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nas/internal/boundedfile"
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

func readIDX(dir, part string, o Options, want func(n int) []int32) (*source, error) {
	prefix := filepath.Join(dir, idxParts[part])
	images, err := openIDX(prefix+"-images-idx3-ubyte", 3)
	if err != nil {
		return nil, err
	}
	defer images.file.Close()
	labels, err := openIDX(prefix+"-labels-idx1-ubyte", 1)
	if err != nil {
		return nil, err
	}
	defer labels.file.Close()
	n, h, w := images.extents[0], images.extents[1], images.extents[2]
	if labels.extents[0] != n {
		return nil, fault.Errorf("images: %s has %d images and %d labels: one of its files is of another set", dir, n,
			labels.extents[0])
	}
	s := o.Shape
	if s.C != 1 || s.H < h || s.W < w {
		return nil, fault.Errorf("images: %s has images of %dx%dx1, and the network takes %v: want a network of that "+
			"input, or of a larger one of one channel", dir, h, w, s)
	}
	classes := make([]byte, n)
	if err := labels.values(classes); err != nil {
		return nil, err
	}
	if err := labels.end(); err != nil {
		return nil, err
	}
	out, err := newSource(dir, s, want(n))
	if err != nil {
		return nil, err
	}
	one := make([]byte, h*w)
	top, left := (s.H-h)/2, (s.W-w)/2 // a border of black
	for i, k := range places(n, out.rows) {
		out.classes = max(out.classes, int(classes[i])+1)
		if k < 0 {
			if err := images.values(one); err != nil {
				return nil, err
			}
			continue
		}
		out.labels[k] = uint16(classes[i])
		to := out.pixels[int(k)*s.Elems():][:s.Elems()]
		if h == s.H && w == s.W {
			err = images.values(to)
		} else {
			err = images.values(one)
		}
		if err != nil {
			return nil, err
		}
		for y := 0; y < h && len(to) > len(one); y++ {
			copy(to[(top+y)*s.W+left:][:w], one[y*w:])
		}
	}
	if err := images.end(); err != nil {
		return nil, err
	}
	return out, out.check(dir)
}

// idxFile is an IDX file, which may be compressed, behind its head.
type idxFile struct {
	path    string
	file    *os.File
	from    *bufio.Reader
	extents []int
}

const (
	// maxValues bounds the values that the head of a file may tell of.
	maxValues = 1 << 28
	// mostPacked is the largest factor by which gzip makes anything smaller (https://zlib.net/zlib_tech.html).
	mostPacked = 1032
)

// openIDX opens a file with so many extents, or that with .gz behind its name, and reads its head. What the head says
// must agree with the size of the file, so that nobody makes room for values that are not there.
func openIDX(path string, extents int) (f *idxFile, err error) {
	f = &idxFile{path: path}
	if f.file, err = boundedfile.Open(path); errors.Is(err, fs.ErrNotExist) {
		if f.file, err = boundedfile.Open(path + ".gz"); err == nil {
			f.path += ".gz"
		}
	}
	if err != nil {
		return nil, fault.Errorf("images: neither %s nor %s.gz can be read (%w): bring it again", path,
			filepath.Base(path), why(err))
	}
	if err := f.head(extents); err != nil {
		f.file.Close()
		return nil, err
	}
	return f, nil
}

func (f *idxFile) head(extents int) error {
	info, err := f.file.Stat()
	if err != nil {
		return f.failed(err)
	}
	packed := filepath.Ext(f.path) == ".gz"
	var from io.Reader = f.file
	if packed {
		if from, err = gzip.NewReader(f.file); err != nil {
			return f.failed(err)
		}
	}
	f.from = bufio.NewReaderSize(from, 1<<16)
	head := make([]byte, 4+4*extents)
	_, err = io.ReadFull(f.from, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return f.failed(err)
	}
	damaged := err != nil || !bytes.Equal(head[:4], []byte{0, 0, 8, byte(extents)})
	total := 1
	for i := 0; i < extents && !damaged; i++ {
		n := int(binary.BigEndian.Uint32(head[4+4*i:]))
		if damaged = n < 1 || n > maxValues/total; !damaged {
			f.extents = append(f.extents, n)
			total *= n
		}
	}
	switch has := info.Size() - int64(len(head)); {
	case damaged:
		return fault.Errorf("images: %s is damaged, or no IDX file of bytes with %d extents and at most 2^28 values: bring "+
			"it again", f.path, extents)
	case !info.Mode().IsRegular():
	case packed && int64(total) > mostPacked*info.Size():
		return fault.Errorf("images: %s has %d bytes, too few for the %d values that its head tells of: it was cut off; "+
			"bring it again", f.path, info.Size(), total)
	case !packed && has != int64(total):
		return fault.Errorf("images: %s has %d bytes of values, and its head says %d: it was cut off; bring it again",
			f.path, has, total)
	}
	return nil
}

// values reads the next values.
func (f *idxFile) values(dst []byte) error {
	if _, err := io.ReadFull(f.from, dst); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return f.failed(err)
	}
	return nil
}

// end checks that there are no further values, and the checksum of a compressed file.
func (f *idxFile) end() error {
	switch _, err := f.from.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return fault.Errorf("images: %s has more values than its head says: it is damaged; bring it again", f.path)
	default:
		return f.failed(err)
	}
}

// failed is the error of a file that cannot be read to its end.
func (f *idxFile) failed(err error) error {
	if filepath.Ext(f.path) == ".gz" {
		return fault.Errorf("images: %s cannot be unpacked (%w): it is damaged; bring it again", f.path, err)
	}
	return fault.Errorf("images: %s cannot be read (%w): bring it again", f.path, why(err))
}
