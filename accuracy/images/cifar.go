package images

import (
	"fmt"
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

func readCIFAR(dir, part string, o Options) (*source, error) {
	shape := blocks.Shape{H: cifarSide, W: cifarSide, C: 3}
	if o.Shape != shape {
		return nil, fault.Errorf("images: %s has images of %v, and the network takes %v: want a network of that input", dir,
			shape, o.Shape)
	}
	out := &source{shape: shape}
	files, labels := cifarFiles(dir, part)
	const plane = cifarSide * cifarSide
	row := labels + 3*plane
	for _, name := range files {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err == nil && info.Size() > maxFile {
			err = fmt.Errorf("it has %d bytes", info.Size())
		}
		var data []byte
		if err == nil {
			data, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, fault.Errorf("images: %s cannot be read (%w): bring it again", path, why(err))
		}
		if len(data) == 0 || len(data)%row != 0 {
			return nil, fault.Errorf("images: %s has %d bytes, which are no whole images of %d: it was cut off, or is no "+
				"binary file of CIFAR; bring it again", path, len(data), row)
		}
		for ; len(data) > 0; data = data[row:] {
			out.labels = append(out.labels, uint16(data[labels-1]))
			image := data[labels:row]
			for p := range plane {
				out.pixels = append(out.pixels, image[p], image[plane+p], image[2*plane+p])
			}
		}
	}
	return out, out.check(dir)
}
