package onnx

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// Weights beside the model are read from its folder, and from nowhere else.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := os.MkdirAll(filepath.Join(model, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secret": "s", "model/data": "d", "model/sub/more": "m"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"model/link": "../secret", "model/inside": "data", "model/folder": "sub"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("skipped: no symbolic links here:", err)
		}
	}
	open, closeAll := Beside(model)
	defer closeAll()
	read := func(name string) ([]byte, error) {
		f, err := open(name)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(f)
	}
	for name, want := range map[string]string{"data": "d", "sub/more": "m", "./data": "d", "sub/../data": "d"} {
		if b, err := read(name); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for name, want := range map[string]string{
		"../secret": "inside the model's folder", "/etc/passwd": "inside the model's folder", "": "inside the model's folder",
		"sub/../../secret": "inside the model's folder", "link": "symbolic link", "inside": "symbolic link", "folder/more": "symbolic link",
		"missing": "not there", "sub": "",
	} {
		if b, err := read(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want an error with %q", name, b, err, want)
		}
	}
}

// A file is read as its bytes are, and what its network is does not depend on whether weights
// are read.
func TestReadFile(t *testing.T) {
	for _, n := range append(specimens(t), outsiders(t)...) {
		sameInFile(t, n)
	}
	for _, spec := range []string{"mobilenet_v3_small@res=64", "squeezenet@res=64", "alexnet@res=67,classes=10"} {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		sameInFile(t, n)
	}
}

func sameInFile(t *testing.T, n *blocks.Network) {
	t.Helper()
	if n.Name == "a constant alone" {
		return
	}
	w, _, _ := settle(t, n, 1)
	path := filepath.Join(t.TempDir(), "model.onnx")
	writeModel(t, path, n, w, Options{})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Read(data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bare := range []bool{false, true} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(f, ReadOptions{NoWeights: bare})
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", n.Name, err)
		}
		if !reflect.DeepEqual(got.Network, want.Network) {
			t.Errorf("%s, without weights %v: another network", n.Name, bare)
		}
		if bare != (got.Weights == nil) || !bare && !reflect.DeepEqual(got.Weights, want.Weights) {
			t.Errorf("%s, without weights %v: other weights", n.Name, bare)
		}
	}
}

// A damaged file is read as its bytes are, too: refused, or the same network.
func TestReadFileSurvivesDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of files")
	}
	n, err := zoo.Get("mobilenet_v3_small@res=32,classes=10,width=0.5")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	writeModel(t, path, n, blocks.NewWeights(n, 1), Options{})
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 300 {
		data := slices.Clone(good)
		if i%3 == 0 {
			data = data[:r.IntN(len(data))]
		} else {
			at := r.IntN(len(data))
			if i%3 == 1 {
				at = r.IntN(20000) // among the operators
			}
			data[at] ^= byte(1 << r.IntN(8))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err1 := ReadFile(f, ReadOptions{NoWeights: true})
		f.Close()
		want, err2 := Read(data, ReadOptions{})
		if (err1 == nil) != (err2 == nil) {
			t.Errorf("damage %d: %v as a file, %v as bytes", i, err1, err2)
		} else if err1 == nil && !reflect.DeepEqual(got.Network, want.Network) {
			t.Errorf("damage %d: another network", i)
		}
	}
}

// readPartsSafely reads a model by parts, its weights inside or in a file beside it, and compares
// with reading it whole.
func readPartsSafely(t *testing.T, data []byte) {
	s := func() *io.SectionReader { return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))) }
	o := ReadOptions{External: func(string) (*io.SectionReader, error) { return s(), nil }}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err1 := readParts(s(), o, 8)
	runtime.ReadMemStats(&after)
	if used, most := after.TotalAlloc-before.TotalAlloc, uint64(512*len(data)+16<<20); used > most {
		t.Fatalf("%d bytes of file take %d of memory, more than %d", len(data), used, most)
	}
	want, err2 := Read(data, o)
	if err1 == nil && err2 == nil && !reflect.DeepEqual(got.Network, want.Network) {
		t.Fatal("another network")
	}
	o.NoWeights = true
	bare, err3 := readParts(s(), o, 8)
	if (err1 == nil) != (err3 == nil) || err1 == nil && !reflect.DeepEqual(got.Network, bare.Network) {
		t.Fatalf("without weights: %v, else %v", err3, err1)
	}
}

// Lengths that begin inside a message and end behind it: refused, whatever they come to.
func TestReadPartsLengthPastEnd(t *testing.T) {
	for k := range 20 {
		tag, inside := []byte{graphNode<<3 | 2, graphName<<3 | 2}[k%2], k/2
		graph := append([]byte{tag}, bytes.Repeat([]byte{0xff}, inside)...)
		for rest := range 10 - inside {
			data := append([]byte{modelGraph<<3 | 2, byte(len(graph))}, graph...)
			data = append(append(data, bytes.Repeat([]byte{0xff}, rest)...), 1, 0, 0)
			readPartsSafely(t, data)
			s := io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
			if _, err := readParts(s, ReadOptions{}, 8); err == nil {
				t.Errorf("%x is read", data)
			}
		}
	}
}

func FuzzReadParts(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(readPartsSafely)
}
