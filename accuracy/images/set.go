package images

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"nas/blocks"
	"nas/internal/fault"
)

// Set is images of one size with their labels.
type Set struct {
	Shape   blocks.Shape
	Classes int
	pixels  []byte   // which other sets may share
	labels  []uint16 // of each image
	at      []int32  // where each image lies in pixels, in images
	hash    func() string
}

// source is the images that were wanted of a file or a folder.
type source struct {
	shape   blocks.Shape
	classes int      // of all images, also those that were not wanted
	rows    []int32  // the images wanted, of all
	labels  []uint16 // of those, in their order
	pixels  []byte   // height x width x channels for each, in any order
	at      []int32  // where those wanted lie in pixels, in images
}

// maxPixelBytes bounds the decoded images of a set.
const maxPixelBytes = 1 << 33

// newSource makes room for images, one after the other.
func newSource(where string, s blocks.Shape, rows []int32) (*source, error) {
	if err := checkRoom(where, s, len(rows)); err != nil {
		return nil, err
	}
	at := make([]int32, len(rows))
	for i := range at {
		at[i] = int32(i)
	}
	return &source{shape: s, rows: rows, labels: make([]uint16, len(rows)), at: at,
		pixels: make([]byte, len(rows)*s.Elems())}, nil
}

// checkRoom refuses more images than are to be held.
func checkRoom(where string, s blocks.Shape, n int) error {
	if int64(n) > maxPixelBytes/int64(s.Elems()) {
		return fault.Errorf("images: the %d images of %s take more than 2^33 bytes as %v: want fewer, or a network of a "+
			"smaller input", n, where, s)
	}
	return nil
}

// places returns, for each of n images, its place among those wanted, -1 for one that is not.
func places(n int, rows []int32) []int32 {
	at := make([]int32, n)
	for i := range at {
		at[i] = -1
	}
	for k, row := range rows {
		at[row] = int32(k)
	}
	return at
}

// part is the set of the images from one place to another.
func (s *source) part(from, to int) *Set {
	set := &Set{Shape: s.shape, Classes: s.classes, pixels: s.pixels, labels: s.labels[from:to], at: s.at[from:to]}
	set.hash = sync.OnceValue(func() string {
		h := sha256.New()
		fmt.Fprintf(h, "%v %d\n", set.Shape, set.Classes)
		for i, label := range set.labels {
			h.Write(set.Image(i))
			h.Write(binary.LittleEndian.AppendUint16(nil, label))
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	})
	return set
}

// Len is the number of images.
func (s *Set) Len() int { return len(s.labels) }

// Image returns the bytes of an image, height x width x channels. They must not be changed.
func (s *Set) Image(i int) []byte {
	n := s.Shape.Elems()
	return s.pixels[int(s.at[i])*n:][:n]
}

// Label returns the class of an image, from 0.
func (s *Set) Label(i int) int { return int(s.labels[i]) }

// Hash is 16 hex digits of the contents: of images, labels and their order.
func (s *Set) Hash() string { return s.hash() }

// Data is the images of a training.
type Data struct {
	Train, Val *Set
	HeldOut    bool // Val was taken from the images to train on
}

// Options say what the images are to be.
type Options struct {
	Shape blocks.Shape // of an image; the channels are 1 or 3
	// Val bounds the number of validation images, which are no more than a fifth of all; 0: 5,000.
	Val int
	// Subset bounds the number of images to train on; 0: all.
	Subset int
}

// defaultVal is Options.Val where it is 0.
const defaultVal = 5000

// Open reads a set of images for training from a folder.
func Open(dir string, o Options) (*Data, error) {
	kind, err := kindOf(dir, o)
	if err != nil {
		return nil, err
	}
	if o.Val < 0 || o.Subset < 0 {
		return nil, fault.Errorf("images: %d images to validate by and %d to train on: want 0 or more", o.Val, o.Subset)
	}
	most := cmp.Or(o.Val, defaultVal)
	own, held, all := kind.hasVal(dir), 0, 0
	train, err := kind.read(dir, "train", o, func(n int) []int32 {
		if all = n; !own {
			held = min(most, n/5)
		}
		return shuffled(n)[:held+min(cmp.Or(o.Subset, n), n-held)]
	})
	if err != nil {
		return nil, err
	}
	d := &Data{Train: train.part(held, len(train.rows)), HeldOut: !own}
	if !own {
		d.Val = train.part(0, held)
	} else {
		val, err := kind.read(dir, "val", o, func(n int) []int32 { return shuffled(n)[:min(most, n)] })
		if err != nil {
			return nil, err
		}
		d.Val = val.part(0, len(val.rows))
	}
	if d.Val.Len() == 0 {
		return nil, fault.Errorf("images: %s has %d images, of which none can be held out to validate by: want 5 or more",
			dir, all)
	}
	return d, nil
}

// OpenTest reads the test images of a set.
func OpenTest(dir string, o Options) (*Set, error) {
	kind, err := kindOf(dir, o)
	if err != nil {
		return nil, err
	}
	s, err := kind.read(dir, "test", o, func(n int) []int32 {
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32(i)
		}
		return rows
	})
	if err != nil {
		return nil, err
	}
	return s.part(0, len(s.rows)), nil
}

// kind is a way in which a set lies in a folder.
type kind struct {
	is func(dir string) bool
	// read reads a part. want says which of n images are wanted, and in which order; the others are not kept.
	read   func(dir, part string, o Options, want func(n int) []int32) (*source, error)
	hasVal func(dir string) bool
}

func never(string) bool { return false }

var kinds = []kind{
	{isIDX, readIDX, never},
	{isCIFAR, readCIFAR, never},
	{isFolder, readFolder, hasValFolder},
}

func kindOf(dir string, o Options) (*kind, error) {
	if s := o.Shape; s.C != 1 && s.C != 3 || s.H < 1 || s.W < 1 {
		return nil, fault.Errorf("images: the network takes %v: images have 1 or 3 channels, and a pixel or more", s)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, fault.Errorf("images: there is no folder %s: want that of a data set; make data brings Fashion-MNIST "+
			"and MNIST into data/fashion-mnist and data/mnist", dir)
	case !info.IsDir():
		return nil, fault.Errorf("images: %s is no folder: want that of a data set", dir)
	}
	for i := range kinds {
		if kinds[i].is(dir) {
			return &kinds[i], nil
		}
	}
	return nil, fault.Errorf("images: %s holds no images that are known here: want train-images-idx3-ubyte and its "+
		"companions, also with .gz (MNIST), data_batch_1.bin and its companions (CIFAR-10), train.bin and test.bin "+
		"(CIFAR-100), or folders named as the classes with .png, .jpg or .jpeg files, in %s or in its folder train", dir, dir)
}

// shuffled is a permutation that depends on nothing but n.
func shuffled(n int) []int32 {
	rows := make([]int32, n)
	for i, k := range rand.New(rand.NewPCG(1, 0)).Perm(n) {
		rows[i] = int32(k)
	}
	return rows
}

// check completes a source: there must be two classes or more.
func (s *source) check(where string) error {
	if s.classes < 2 {
		return fault.Errorf("images: all images of %s are of one class: want two or more", where)
	}
	return nil
}

// exists tells whether a file or a folder is there.
func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

// why is the cause of an error of the system, without the path.
func why(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("%w: want a file", err)
	}
	return err
}
