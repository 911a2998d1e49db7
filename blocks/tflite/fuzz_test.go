package tflite

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
)

// fuzzSeeds are small files with most operators that are written: of floats, of integers, of integers with edges of
// floats, and of unsigned integers.
func fuzzSeeds(t testing.TB) [][]byte {
	t.Helper()
	b := blocks.NewBuilder("seed", blocks.Shape{H: 9, W: 8, C: 3})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.HSwish}.Build(b, b.Input())
	skip := x
	x = b.Apply(
		"depthwise",
		&blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(2), Dilation: [2]int{2, 2}, Groups: 8},
		x,
	)
	x = b.Apply("grouped", &blocks.Conv{Out: 8, Kernel: [2]int{1, 1}, Groups: 2}, x)
	x = b.Apply("shuffle", &blocks.ChannelShuffle{Groups: 2}, x)
	x = b.Apply("sum", &blocks.Add{}, x, skip)
	gate := b.Apply("mean", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	gate = b.Apply("gate", &blocks.Activation{Func: blocks.HSigmoid}, gate)
	x = b.Apply("excite", &blocks.Mul{}, x, gate)
	max := b.Apply(
		"max",
		&blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: blocks.PadAll(1)},
		x,
	)
	max = b.Apply("bilinear", &blocks.Resize{H: 5, W: 4, Mode: blocks.Bilinear}, max)
	nearest := b.Apply("nearest", &blocks.Resize{H: 5, W: 4, Mode: blocks.Nearest}, gate)
	x = b.Apply("concat", &blocks.Concat{}, x, max, nearest)
	x = b.Apply("linear", &blocks.Linear{Out: 4, Bias: true}, x)
	b.Apply("softmax", &blocks.Softmax{}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	floats, err := Lower(n, w)
	if err != nil {
		t.Fatal(err)
	}
	models := []*Model{floats}
	for _, o := range []QuantizeOptions{{}, {FloatEdges: true, PerTensor: true}, {PerTensor: true}} {
		m, err := Quantize(n, w, o)
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	models[3].unsigned()
	var files [][]byte
	for _, m := range models {
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// unsigned moves the grids of a model from -128 ... 127 to 0 ... 255.
func (m *Model) unsigned() {
	for i := range m.Tensors {
		t := &m.Tensors[i]
		if t.Type != Int8 {
			continue
		}
		t.Type, t.Zero, t.Data = UInt8, slices.Clone(t.Zero), slices.Clone(t.Data)
		for k := range t.Zero {
			t.Zero[k] += 128
		}
		for k := range t.Data {
			t.Data[k] ^= 0x80
		}
	}
}

// readSafely decodes and reads a file within the memory that it may take, and runs what is small.
func readSafely(t *testing.T, file []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	net, err := Read(file, onnx.ReadOptions{})
	runtime.ReadMemStats(&after)
	if used, most := after.TotalAlloc-before.TotalAlloc, uint64(256*len(file)+16<<20); used > most {
		t.Fatalf("%d bytes of file take %d of memory, more than %d", len(file), used, most)
	}
	if err == nil {
		if err := net.Weights.Check(net.Network); err != nil {
			t.Fatal(err)
		}
		net.Network.Counts()
	} else if !strings.HasPrefix(err.Error(), "tflite: ") {
		t.Fatalf("error %q does not name the package", err)
	}
	m, err := Decode(file)
	if err != nil {
		return
	}
	if _, err := Encode(m); err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	values, weights := 0, 1
	for i := range m.Tensors {
		if x := &m.Tensors[i]; x.Data == nil {
			values += min(x.elems(), 1<<30)
		} else {
			weights = max(weights, x.elems())
		}
	}
	if len(m.Inputs) == 1 && values < 1<<14 && weights < 1<<10 {
		m.Run(make([]float32, m.Tensors[m.Inputs[0]].elems())) // must not panic
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range fuzzSeeds(f) {
		f.Add(file)
	}
	f.Fuzz(readSafely)
}

// TestReadSurvivesDamage reads files with bytes changed, removed, repeated and exchanged: the part of fuzzing that
// every run of the tests does.
func TestReadSurvivesDamage(t *testing.T) {
	files := fuzzSeeds(t)
	for i, file := range files {
		net, err := Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if m.Quantised() != (i > 0) || m.Quantised() != net.Integers {
			t.Errorf("file %d is of integers: %v and %v", i, m.Quantised(), net.Integers)
		}
		if _, err := m.Run(image(net.Network.Input())); i > 0 && err != nil {
			t.Errorf("file %d does not run: %v", i, err)
		}
	}
	rounds := 3000
	if testing.Short() {
		rounds = 500
	}
	r := rand.New(rand.NewPCG(31, 32))
	for range rounds {
		file := slices.Clone(files[r.IntN(len(files))])
		for range 1 + r.IntN(4) {
			at := r.IntN(len(file))
			end := min(len(file), at+1+r.IntN(16))
			switch r.IntN(6) {
			case 0:
				file[at] ^= 1 << r.IntN(8)
			case 1:
				file[at] = byte(r.IntN(256))
			case 2:
				file[at] += byte(1 - 2*r.IntN(2))
			case 3:
				file = slices.Delete(file, at, end)
			case 4:
				file = slices.Insert(file, at, file[at:end]...)
			case 5:
				other := files[r.IntN(len(files))]
				copy(file[at:end], other[r.IntN(len(other)):])
			}
			if len(file) == 0 {
				file = []byte{0}
			}
		}
		readSafely(t, file)
	}
}
