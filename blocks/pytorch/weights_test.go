package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
)

// sameWeights wants every value of every tensor to be the same.
func sameWeights(t *testing.T, n *blocks.Network, got, want *blocks.Weights) {
	t.Helper()
	if err := got.Check(n); err != nil {
		t.Error(err)
		return
	}
	for i, nd := range n.Nodes {
		for k, v := range want.Node(i) {
			if !slices.Equal(got.Node(i)[k], v) {
				t.Errorf("%s: tensor %d of node %q differs", n.Name, k, nd.Name)
			}
		}
	}
}

// layoutNetwork is small enough to write its tensors down.
func layoutNetwork(t testing.TB) (*blocks.Network, *blocks.Weights) {
	n := built(t, "layout", blocks.Shape{H: 1, W: 3, C: 2}, func(b *blocks.Builder, x blocks.Value) {
		x = b.Apply("conv", &blocks.Conv{Out: 2, Kernel: [2]int{1, 2}, Bias: true}, x)
		b.Apply("fc", &blocks.Linear{Out: 2}, x)
	})
	w := blocks.EmptyWeights(n)
	// [KH, KW, in, out]: the value is kw, in, out as digits.
	w.Set(1, [][]float32{{0, 1, 10, 11, 100, 101, 110, 111}, {7, 8}})
	// [pixel, channel, out], likewise.
	w.Set(2, [][]float32{{0, 1, 10, 11, 100, 101, 110, 111}})
	return n, w
}

func TestLayout(t *testing.T) {
	n, w := layoutNetwork(t)
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name   string
		shape  []int
		values []float32
	}{
		{"conv.weight", []int{2, 2, 1, 2}, []float32{0, 100, 10, 110, 1, 101, 11, 111}},
		{"conv.bias", []int{2}, []float32{7, 8}},
		{"fc.weight", []int{2, 4}, []float32{0, 100, 10, 110, 1, 101, 11, 111}},
	}
	if len(m.Tensors) != len(want) {
		t.Fatalf("%d tensors, want %d", len(m.Tensors), len(want))
	}
	for k, x := range want {
		tensor := &m.Tensors[k]
		if tensor.Name != x.name || !slices.Equal(tensor.Shape, x.shape) || !slices.Equal(tensor.values(w), x.values) {
			t.Errorf("tensor %s %v %v, want %s %v %v", tensor.Name, tensor.Shape, tensor.values(w), x.name, x.shape, x.values)
		}
	}
}

// TestSafetensorsBytes reads the file as its format says, without our reader.
func TestSafetensorsBytes(t *testing.T) {
	n, w := layoutNetwork(t)
	data := safetensors(t, n, w)
	size := binary.LittleEndian.Uint64(data)
	if size%8 != 0 {
		t.Errorf("the header has %d bytes, want a multiple of 8", size)
	}
	var head map[string]struct {
		Dtype   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets []int  `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+size], &head); err != nil {
		t.Fatal(err)
	}
	b := head["conv.bias"]
	if b.Dtype != "F32" || !slices.Equal(b.Shape, []int{2}) || !slices.Equal(b.Offsets, []int{32, 40}) {
		t.Errorf("conv.bias is %+v", b)
	}
	at := data[8+size:][b.Offsets[0]:]
	if v := math.Float32frombits(binary.LittleEndian.Uint32(at[4:])); v != 8 {
		t.Errorf("the second value of conv.bias is %v, want 8", v)
	}
	if len(data) != 8+int(size)+4*(8+2+8) {
		t.Errorf("the file has %d bytes", len(data))
	}
}

func safetensors(t testing.TB, n *blocks.Network, w *blocks.Weights) []byte {
	t.Helper()
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.WriteSafetensors(&b, w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for i, n := range oddNetworks(t) {
		w, _, _ := settled(t, n, uint64(i))
		data := safetensors(t, n, w)
		if !bytes.Equal(data, safetensors(t, n, w)) {
			t.Errorf("%s: two writes differ", n.Name)
		}
		m, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.ReadSafetensors(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		sameWeights(t, n, got, w)
		archive := npz(t, m, w)
		if got, err = m.ReadNPZ(bytes.NewReader(archive), int64(len(archive))); err != nil {
			t.Fatal(err)
		}
		sameWeights(t, n, got, w)
	}
}

// npz writes an archive the way np.savez_compressed does.
func npz(t testing.TB, m *Module, w *blocks.Weights) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for k := range m.Tensors {
		tensor := &m.Tensors[k]
		f, err := z.Create(tensor.Name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		dims := ""
		for _, d := range tensor.Shape {
			dims += fmt.Sprintf("%d, ", d)
		}
		head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n", strings.TrimSuffix(dims, " "))
		fmt.Fprintf(f, "\x93NUMPY\x01\x00%c%c%s", byte(len(head)), byte(len(head)>>8), head)
		if err := binary.Write(f, binary.LittleEndian, tensor.values(w)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file puts a header and values together.
func file(head string, values ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), values...)
}

// TestOtherTypes reads values that other programs store.
func TestOtherTypes(t *testing.T) {
	n := built(t, "types", blocks.Shape{H: 1, W: 1, C: 1}, func(b *blocks.Builder, x blocks.Value) {
		b.Apply("fc", &blocks.Linear{Out: 3}, x)
	})
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	wide := binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.5))
	wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(-2))
	wide = binary.LittleEndian.AppendUint64(wide, math.Float64bits(1e-3))
	for _, x := range []struct {
		dtype string
		raw   []byte
		want  []float32
	}{
		{"F16", []byte{0x00, 0x3c, 0x01, 0x80, 0x00, 0xfc}, []float32{1, -1.0 / (1 << 24), float32(math.Inf(-1))}},
		{"F16", []byte{0xff, 0x7b, 0x00, 0x04, 0x55, 0x35}, []float32{65504, 1.0 / (1 << 14), 0.333251953125}},
		{"BF16", []byte{0x80, 0x3f, 0x40, 0xc0, 0, 0}, []float32{1, -3, 0}},
		{"F64", wide, []float32{0.5, -2, 1e-3}},
	} {
		// A counter of training steps is let pass, whatever its type.
		head := fmt.Sprintf(`{"fc.weight":{"dtype":%q,"shape":[3,1],"data_offsets":[0,%d]},`+
			`"bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,0]}}`, x.dtype, len(x.raw))
		data := file(head, x.raw...)
		w, err := m.ReadSafetensors(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Error(err)
		} else if got := w.Node(1)[0]; !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.dtype, got, x.want)
		}
	}
}

func TestBadSafetensors(t *testing.T) {
	n, w := layoutNetwork(t)
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	good := string(safetensors(t, n, w))
	size := binary.LittleEndian.Uint64([]byte(good))
	head, values := good[8:8+size], []byte(good[8+size:])
	change := func(old, replacement string) []byte {
		if !strings.Contains(head, old) {
			t.Fatalf("%q is not in %s", old, head)
		}
		return file(strings.Replace(head, old, replacement, 1), values...)
	}
	for _, x := range []struct {
		name string
		data []byte
		want []string // in the error
	}{
		{"empty", nil, []string{"too short"}},
		{"length", []byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"), []string{"header claims"}},
		{"no object", file("[]"), []string{"no JSON object"}},
		{"missing", change("fc.weight", "fc.w"), []string{"missing: fc.weight", "not expected: fc.w"}},
		{"shape", change("[2,4]", "[4,2]"), []string{"fc.weight", "[4 2]", "[2 4]"}},
		{"rank", change(`"shape":[2]`, `"shape":[]`), []string{"conv.bias", "[]", "[2]"}},
		{"type", change(`"F32"`, `"I8"`), []string{"conv.weight", `"I8"`}},
		{"bytes", change("[32,40]", "[32,36]"), []string{"conv.bias", "4 bytes", "want 8"}},
		{"offsets", change("[40,72]", "[40,999]"), []string{"fc.weight", "40 to 999"}},
		{"backwards", change("[40,72]", "[72,40]"), []string{"fc.weight"}},
		{"cut", []byte(good[:len(good)-1]), []string{"fc.weight"}},
		{"entry", change(`"shape":[2]`, `"shape":"x"`), []string{"conv.bias"}},
	} {
		_, err := m.ReadSafetensors(bytes.NewReader(x.data), int64(len(x.data)))
		if err == nil {
			t.Errorf("%s: no error", x.name)
			continue
		}
		for _, want := range x.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want it to tell %q", x.name, err, want)
			}
		}
	}
}

func TestBadNPZ(t *testing.T) {
	n := built(t, "one", blocks.Shape{H: 1, W: 1, C: 1}, func(b *blocks.Builder, x blocks.Value) {
		b.Apply("fc", &blocks.Linear{Out: 2}, x)
	})
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                                  "no .npy array",
		"\x93NUMPY\x01\x00\x40":             "no .npy array",
		"\x93NUMPY\x01\x00\x40\x00{":        "cut off",
		"\x93NUMPY\x02\x00\xff\xff\xff\x7f": "claims a header",
		npy("'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)"):                    "fc.weight",   // no values
		npy("'descr': '<i4', 'fortran_order': False, 'shape': (2, 1)"):                    "<i4",         // another type
		npy("'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)"):                     "Fortran",     //
		npy("'descr': '<f4', 'fortran_order': False, 'shape': (2,)"):                      "wants [2 1]", // another shape
		npy("'descr': '<f4', 'shape': (2,)"):                                              "lacks",       //
		npy("'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)"): "too large",
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		f, err := z.Create("fc.weight.npy")
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(text))
		z.Close()
		_, err = m.ReadNPZ(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fc.weight") {
			t.Errorf("%q: error is %v, want one with %q and the array's name", text, err, want)
		}
	}
	if _, err := m.ReadNPZ(strings.NewReader("x"), 1); err == nil {
		t.Error("one byte was read as an archive")
	}
}

func npy(head string) string {
	head = "{" + head + "}"
	return fmt.Sprintf("\x93NUMPY\x01\x00%c\x00%s", byte(len(head)), head)
}

// TestReadWrapped: what training puts before all names is taken off and named; what it puts before some
// is not.
func TestReadWrapped(t *testing.T) {
	n, w := layoutNetwork(t)
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.npz")
	write := func(name func(i int, s string) string) {
		named := *m
		named.Tensors = slices.Clone(m.Tensors)
		for i := range named.Tensors {
			named.Tensors[i].Name = name(i, named.Tensors[i].Name)
		}
		if err := os.WriteFile(path, npz(t, &named, w), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, prefix := range []string{"", "module.", "_orig_mod.", "model.", "module._orig_mod.",
		"_orig_mod.module.", "model.module.",
		"model._orig_mod.module.model."} {
		write(func(_ int, s string) string { return prefix + s })
		got, wrapper, err := ReadFile(path, n)
		if err != nil || wrapper != prefix {
			t.Errorf("%q: %q, %v", prefix, wrapper, err)
			continue
		}
		sameWeights(t, n, got, w)
	}
	for _, prefix := range []string{"module.", "net."} {
		write(func(i int, s string) string { return prefix[:len(prefix)*min(i, 1)] + s })
		if _, _, err := ReadFile(path, n); err == nil || !strings.Contains(err.Error(), "not expected: "+prefix) {
			t.Errorf("%q before some names: %v", prefix, err)
		}
	}
}

func TestReadFileEndings(t *testing.T) {
	n, _ := layoutNetwork(t)
	for _, ending := range pickled {
		_, _, err := ReadFile("dir/net"+ending, n)
		for _, want := range []string{"dir/net" + ending, `torch.load("dir/net` + ending, `numpy.savez("dir/net.npz"`} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want one with %s", ending, err, want)
			}
		}
	}
	for _, path := range []string{"weights.pt", "weights", "no/such.safetensors"} {
		if _, _, err := ReadFile(path, n); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want one that names the file", path, err)
		}
	}
}

func FuzzReadSafetensors(f *testing.F) {
	n, w := layoutNetwork(f)
	m, err := New(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(safetensors(f, n, w))
	f.Add(file(`{"conv.bias":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := m.ReadSafetensors(bytes.NewReader(data), int64(len(data)))
		if (err == nil) != (w != nil) {
			t.Fatal("want either weights or an error")
		}
		if err == nil && w.Check(n) != nil {
			t.Fatal("weights do not fit")
		}
	})
}

func FuzzReadNPZ(f *testing.F) {
	n, w := layoutNetwork(f)
	m, err := New(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(npz(f, m, w))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := m.ReadNPZ(bytes.NewReader(data), int64(len(data)))
		if (err == nil) != (w != nil) {
			t.Fatal("want either weights or an error")
		}
		if err == nil && w.Check(n) != nil {
			t.Fatal("weights do not fit")
		}
	})
}

// readNPY is [OpenNPY], and reads all values.
func readNPY(r io.Reader, size int64) (values []float32, shape []int, err error) {
	a, err := OpenNPY(r, size)
	if err != nil {
		return nil, nil, err
	}
	values = make([]float32, a.left)
	return values, a.Shape, a.Read(values)
}

func TestReadNPY(t *testing.T) {
	good := npy("'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)") + "\x00\x00\x80\x3f\x00\x00\x00\xc0"
	v, shape, err := readNPY(strings.NewReader(good), int64(len(good)))
	if err != nil || !slices.Equal(v, []float32{1, -2}) || !slices.Equal(shape, []int{1, 2}) {
		t.Errorf("%v of shape %v, %v, want [1 -2] of [1 2]", v, shape, err)
	}
	for n := range len(good) {
		if _, _, err := readNPY(strings.NewReader(good[:n]), int64(n)); err == nil ||
			!strings.Contains(err.Error(), "cut off") {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	for text, want := range map[string]string{
		good + "x":                            "1 bytes behind",
		"\x93NUMPY\x02\x00\x00\x00\x00\xff{}": "a header of 4278190080 bytes",
		npy("'descr': '<i4', 'fortran_order': False, 'shape': (2,)") + "12345678":                                 "astype(np.float32)",
		npy("'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)") + "12345678":                                "Fortran",
		npy("'descr': '<f4', 'fortran_order': False, 'shape': (2000000000, 2000000000, 2000000000)") + "12345678": "impossible shape",
	} {
		if _, _, err := readNPY(strings.NewReader(text), int64(len(text))); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// One byte of a value may change in an archive without any header noticing.
func TestDamagedNPZ(t *testing.T) {
	n := built(t, "one", blocks.Shape{H: 1, W: 1, C: 1}, func(b *blocks.Builder, x blocks.Value) {
		b.Apply("fc", &blocks.Linear{Out: 2}, x)
	})
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.CreateHeader(&zip.FileHeader{Name: "fc.weight.npy", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte(npy("'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)") + "VALUE123"))
	z.Close()
	if _, err := m.ReadNPZ(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(b.Bytes(), []byte("VALUE123"), []byte("VALUE124"), 1)
	if _, err := m.ReadNPZ(bytes.NewReader(bad), int64(len(bad))); err == nil ||
		!strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a changed value gives %v", err)
	}
}
