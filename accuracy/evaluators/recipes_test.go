package evaluators_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/accuracy/evaluators"
	"nas/accuracy/training"
	"nas/blocks"
)

// withTorch puts a python3 that has PyTorch first into PATH, and the home directory somewhere else.
func withTorch(t *testing.T, modules string) {
	t.Helper()
	if os.Getenv("NAS_TORCH") == "" {
		t.Skip("SKIPPED: trains networks for a minute; make test-torch does")
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if path, err := exec.LookPath(python); err == nil && exec.Command(path, "-c", "import "+modules).Run() == nil {
			t.Setenv("PATH", filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"))
			t.Setenv("HOME", t.TempDir())
			return
		}
	}
	t.Skipf("SKIPPED: no python3 here can import %s (Debian: apt-get install python3-torch python3-pil)", modules)
}

// classifier has a dilated depthwise convolution, which train.py computes in its own way on a CPU.
func classifier(t *testing.T, classes int) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("tiny", blocks.Shape{H: 13, W: 13, C: 1})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU}.Build(b, b.Input())
	x = blocks.InvertedResidual{Out: 8, Expanded: 16, Dilation: 2, Act: blocks.HSwish}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{}, x)
	b.Apply("classifier", &blocks.Linear{Out: classes, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// writeIDX writes a data set of images whose class is the brightest column.
func writeIDX(t *testing.T, dir string, n, size, classes int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	images, labels := new(bytes.Buffer), new(bytes.Buffer)
	binary.Write(images, binary.BigEndian, []uint32{0x803, uint32(n), uint32(size), uint32(size)})
	binary.Write(labels, binary.BigEndian, []uint32{0x801, uint32(n)})
	for range n {
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
	for name, b := range map[string]*bytes.Buffer{"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func load(t *testing.T, name string) *training.Recipe {
	t.Helper()
	r, err := training.Load(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

func TestRecipesLoad(t *testing.T) {
	for _, name := range evaluators.Names() {
		r := load(t, name)
		if s := r.Spec(); s.Name != name {
			t.Errorf("%s: name = %q", name, s.Name)
		}
	}
	if _, err := fs.ReadFile(evaluators.Folder("slurm"), "train.py"); err != nil {
		t.Error(err)
	}
	if _, err := fs.ReadFile(evaluators.Folder("slurm"), "submit.py"); err == nil {
		t.Error("a file that is not there was read")
	}
}

// A network that is trained rung by rung ends with the same numbers and weights, bit for bit, as one that is trained in
// one go, and the weights are those of net.py.
func TestRungsAreAPrefix(t *testing.T) {
	withTorch(t, "numpy, torch")
	n, data := classifier(t, 4), t.TempDir()
	writeIDX(t, data, 640, 13, 4)
	for _, name := range []string{"torch-folder", "torch-ddp"} {
		t.Run(name, func(t *testing.T) {
			spec := load(t, name).Spec()
			spec.Rungs = []int{1, 3}
			r, err := training.New(spec, evaluators.Folder(name), "")
			if err != nil {
				t.Fatal(err)
			}
			if err := r.SetUp(t.Context(), data); err != nil {
				t.Fatal(err)
			}
			last := len(r.Spec().Rungs) - 1
			j := training.Job{Network: n, ArchID: "0123456789ab", Seed: 3, Data: data, Slot: r.Spec().Slots[0]}
			var curve []training.Report
			var value [2]float64
			var weights [2][]byte
			for k, begin := range []int{0, last} {
				j.Dir = filepath.Join(t.TempDir(), "trial")
				for j.Rung = begin; j.Rung <= last; j.Rung++ {
					out, err := r.Train(t.Context(), j)
					if err != nil {
						t.Fatal(err)
					}
					value[k], curve = out.Accuracy, out.Curve
				}
				if weights[k], err = os.ReadFile(filepath.Join(j.Dir, r.Spec().Weights)); err != nil {
					t.Fatal(err)
				}
				if _, err := r.Weights(j.Dir, n); err != nil {
					t.Error(err)
				}
			}
			if value[0] != value[1] || !bytes.Equal(weights[0], weights[1]) {
				t.Errorf("rung by rung %v, in one go %v; the same weights: %v", value[0], value[1],
					bytes.Equal(weights[0], weights[1]))
			}
			if epochs := r.Spec().Rungs[last]; len(curve) != epochs || curve[0].Loss <= curve[epochs-1].Loss {
				t.Errorf("%d reports of %d epochs: %v", len(curve), epochs, curve)
			}
		})
	}
}

func writePNG(t *testing.T, path string, size int, at func(x, y int) uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			m.SetGray(x, y, color.Gray{Y: at(x, y)})
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err == nil {
		err = png.Encode(f, m)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Images in folders of classes are learnt, by a network of their size, and are decoded once.
func TestFolderOfClasses(t *testing.T) {
	withTorch(t, "numpy, torch, PIL")
	data := t.TempDir()
	for i := range 900 {
		class := i % 2
		writePNG(t, filepath.Join(data, fmt.Sprint("class", class), fmt.Sprint(i, ".png")), 20, func(x, y int) uint8 {
			return uint8(i%7*10) + uint8(150*((x/5*class+y/5*(1-class))%2)) // stripes upright or level
		})
	}
	r := load(t, "torch-cpu")
	j := training.Job{Network: classifier(t, 2), ArchID: "0123456789ab", Data: data, Rung: len(r.Spec().Rungs) - 1}
	for range 2 {
		j.Dir = filepath.Join(t.TempDir(), "trial")
		out, err := r.Train(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		if out.Accuracy < 90 {
			t.Errorf("accuracy %g on stripes upright or level", out.Accuracy)
		}
	}
	cached, err := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".cache/nas/images/*"))
	if err != nil || len(cached) != 1 || !strings.HasSuffix(cached[0], "-13x13x1.npy") {
		t.Errorf("cached: %v, %v", cached, err)
	}
	j.Network, j.Dir = classifier(t, 3), filepath.Join(t.TempDir(), "trial")
	if _, err := r.Train(t.Context(), j); err == nil || !strings.Contains(err.Error(), "set classes = 2") {
		t.Errorf("a network of another number of classes: %v", err)
	}
}

// A segmentation of bright squares on dark ground is learnt.
func TestSegmentation(t *testing.T) {
	withTorch(t, "numpy, torch, PIL")
	data := t.TempDir()
	for i := range 320 {
		inside := func(x, y int) bool { return x/4 == i%5 && y/4 == i/5%5 }
		writePNG(t, filepath.Join(data, "images", fmt.Sprint(i, ".png")), 20, func(x, y int) uint8 {
			if inside(x, y) {
				return 230
			}
			return uint8(40 + i%50)
		})
		writePNG(t, filepath.Join(data, "masks", fmt.Sprint(i, ".png")), 20, func(x, y int) uint8 {
			switch {
			case x == 0:
				return 255 // does not count
			case inside(x, y):
				return 1
			}
			return 0
		})
	}
	b := blocks.NewBuilder("pixels", blocks.Shape{H: 20, W: 20, C: 1})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 1, Act: blocks.ReLU}.Build(b, b.Input())
	b.Apply("classes", &blocks.Conv{Out: 2, Kernel: [2]int{1, 1}, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	r := load(t, "torch-segmentation")
	out, err := r.Train(t.Context(), training.Job{Network: n, ArchID: "0123456789ab", Data: data, Rung: 1,
		Dir: filepath.Join(t.TempDir(), "trial")})
	if err != nil {
		t.Fatal(err)
	}
	if out.Accuracy < 90 {
		t.Errorf("mIoU %g of bright squares on dark ground", out.Accuracy)
	}
}
