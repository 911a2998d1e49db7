package images

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"nas/blocks"
	"nas/internal/fault"
)

// The binary files of CIFAR (Krizhevsky, Learning multiple layers of features from tiny images, 2009,
// https://www.cs.toronto.edu/~kriz/cifar.html) are rows of labels, one or, of CIFAR-100, two bytes of which the second
// counts, and 3,072 bytes: 32 x 32 of red, then of green, then of blue.

const cifarSide = 32

// cifarFiles are the files of a part, and the bytes of labels before each image.
func cifarFiles(dir, part string) (files []string, labels int) {
	if exists(dir, "train.bin") {
		return []string{part + ".bin"}, 2
	}
	if part == "test" {
		return []string{"test_batch.bin"}, 1
	}
	for i := 1; i <= 5; i++ {
		files = append(files, fmt.Sprintf("data_batch_%d.bin", i))
	}
	return files, 1
}

func isCIFAR(dir string) bool { return exists(dir, "data_batch_1.bin") || exists(dir, "train.bin") }

const cifarPlane = cifarSide * cifarSide

func readCIFAR(dir, part string, o Options, want func(n int) []int32) (*source, error) {
	shape := blocks.Shape{H: cifarSide, W: cifarSide, C: 3}
	if o.Shape != shape {
		return nil, fault.Errorf("images: %s has images of %v, and the network takes %v: want a network of that input", dir,
			shape, o.Shape)
	}
	files, labels := cifarFiles(dir, part)
	row := make([]byte, labels+3*cifarPlane)
	counts, all := make([]int, len(files)), 0
	for i, name := range files {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fault.Errorf("images: %s cannot be read (%w): bring it again", path, why(err))
		case !info.Mode().IsRegular() || info.Size() == 0 || info.Size()%int64(len(row)) != 0 || info.Size() > maxCIFAR:
			return nil, fault.Errorf("images: %s has %d bytes, which are no whole images of %d, or more than 2^30: it was cut "+
				"off, or is no binary file of CIFAR; bring it again", path, info.Size(), len(row))
		}
		counts[i] = int(info.Size()) / len(row)
		all += counts[i]
	}
	out, err := newSource(dir, shape, want(all))
	if err != nil {
		return nil, err
	}
	at := places(all, out.rows)
	for i, name := range files {
		path := filepath.Join(dir, name)
		if err := out.readCIFAR(path, row, labels, at[:counts[i]]); err != nil {
			return nil, fault.Errorf("images: %s cannot be read (%w): bring it again", path, why(err))
		}
		at = at[counts[i]:]
	}
	return out, out.check(dir)
}

// maxCIFAR bounds a file, in bytes.
const maxCIFAR = 1 << 30

// readCIFAR reads the images of a file row by row, with so many labels each, of which the last counts. at has their
// places, -1 for one that is not wanted.
func (s *source) readCIFAR(path string, row []byte, labels int, at []int32) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	from := bufio.NewReaderSize(file, 1<<16)
	for _, k := range at {
		if _, err := io.ReadFull(from, row); err != nil {
			return err
		}
		label := row[labels-1]
		s.classes = max(s.classes, int(label)+1)
		if k < 0 {
			continue
		}
		s.labels[k] = uint16(label)
		to, image := s.pixels[int(k)*3*cifarPlane:][:3*cifarPlane], row[labels:]
		for p := range cifarPlane {
			to[3*p], to[3*p+1], to[3*p+2] = image[p], image[cifarPlane+p], image[2*cifarPlane+p]
		}
	}
	return nil
}
