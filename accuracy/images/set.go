package images

import (
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
	all     *source
	rows    []int32 // of all, in order
	hash    func() string
}

// source is all images of a file or a folder.
type source struct {
	shape   blocks.Shape
	classes int
	pixels  []byte // of all images: height x width x channels each
	labels  []uint16
}

// Len is the number of images.
func (s *Set) Len() int { return len(s.rows) }

// Image returns the bytes of an image, height x width x channels. They must not be changed.
func (s *Set) Image(i int) []byte {
	n := s.Shape.Elems()
	return s.all.pixels[int(s.rows[i])*n:][:n]
}

// Label returns the class of an image, from 0.
func (s *Set) Label(i int) int { return int(s.all.labels[s.rows[i]]) }

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
	train, err := kind.read(dir, "train", o)
	if err != nil {
		return nil, err
	}
	most := o.Val
	if most == 0 {
		most = defaultVal
	}
	d := &Data{}
	order := shuffled(len(train.labels))
	if kind.hasVal(dir) {
		val, err := kind.read(dir, "val", o)
		if err != nil {
			return nil, err
		}
		if val.classes != train.classes {
			return nil, fault.Errorf("images: %s has %d classes to train on, and %d to validate by", dir, train.classes,
				val.classes)
		}
		rows := shuffled(len(val.labels))
		d.Val = newSet(val, rows[:min(most, len(rows))])
	} else {
		n := min(most, len(order)/5)
		d.Val, d.HeldOut = newSet(train, order[:n]), true
		order = order[n:]
	}
	if o.Subset > 0 {
		order = order[:min(o.Subset, len(order))]
	}
	d.Train = newSet(train, order)
	if d.Val.Len() == 0 {
		return nil, fault.Errorf("images: %s has %d images, of which none can be held out to validate by: want 5 or more",
			dir, len(train.labels))
	}
	return d, nil
}

// OpenTest reads the test images of a set.
func OpenTest(dir string, o Options) (*Set, error) {
	kind, err := kindOf(dir, o)
	if err != nil {
		return nil, err
	}
	s, err := kind.read(dir, "test", o)
	if err != nil {
		return nil, err
	}
	rows := make([]int32, len(s.labels))
	for i := range rows {
		rows[i] = int32(i)
	}
	return newSet(s, rows), nil
}

// kind is a way in which a set lies in a folder.
type kind struct {
	is     func(dir string) bool
	read   func(dir, part string, o Options) (*source, error)
	hasVal func(dir string) bool
}

func never(string) bool { return false }

var kinds = []kind{
	{isIDX, readIDX, never},
	{isCIFAR, readCIFAR, never},
	{isFolder, readFolder, hasValFolder},
}

func kindOf(dir string, o Options) (*kind, error) {
	if o.Shape.C != 1 && o.Shape.C != 3 {
		return nil, fault.Errorf("images: the network takes %d channels: images have 1 or 3", o.Shape.C)
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

func newSet(all *source, rows []int32) *Set {
	s := &Set{Shape: all.shape, Classes: all.classes, all: all, rows: rows}
	s.hash = sync.OnceValue(func() string {
		h := sha256.New()
		fmt.Fprintf(h, "%v %d\n", s.Shape, s.Classes)
		for i := range s.rows {
			h.Write(s.Image(i))
			h.Write(binary.LittleEndian.AppendUint16(nil, s.all.labels[s.rows[i]]))
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	})
	return s
}

// check completes a source: its labels must be below 65,536, and there must be two classes or more.
func (s *source) check(where string) error {
	for _, l := range s.labels {
		s.classes = max(s.classes, int(l)+1)
	}
	if len(s.labels) == 0 {
		return fault.Errorf("images: %s holds no image", where)
	}
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
