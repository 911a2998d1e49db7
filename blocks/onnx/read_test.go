package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// TestRoundTrip: what Write makes, Read reads back: the same counts and, for
// the same input, the same output.
func TestRoundTrip(t *testing.T) {
	nets := specimens(t)
	for i, spec := range zooSpecs {
		if testing.Short() && i%3 != 0 {
			continue
		}
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, n)
	}
	small := len(specimens(t))
	for i, n := range nets {
		w := zeros(n)
		var b bytes.Buffer
		if err := Write(&b, n, w, Options{Metadata: map[string]string{"arch": "x"}}); err != nil {
			t.Fatal(err)
		}
		m, err := Read(b.Bytes(), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", n.Name, err)
			continue
		}
		if m.Input.Name != "input" || m.Outputs[0].Name != "output" || m.Opset != defaultOpset || m.Producer != "nas" ||
			m.Metadata["arch"] != "x" ||
			m.Network.Name != n.Name {
			t.Errorf(
				"%s: %q %q %d %q %v %q",
				n.Name,
				m.Input.Name,
				m.Outputs[0].Name,
				m.Opset,
				m.Producer,
				m.Metadata,
				m.Network.Name,
			)
		}
		// Padding that stands for rounding up makes other pools of the same effect;
		// identities vanish.
		a, c := n.Counts(), m.Network.Counts()
		if a.MACs != c.MACs || a.Params != c.Params {
			t.Errorf("%s: %+v is read back as %+v", n.Name, a, c)
		}
		if i >= small {
			if x, y := layerTable(n), layerTable(m.Network); !reflect.DeepEqual(x, y) {
				t.Errorf("%s: layers differ:\n%.1000v\n%.1000v", n.Name, fmt.Sprint(x), fmt.Sprint(y))
			}
			continue
		}
		w, in, out := settle(t, n, uint64(i))
		b.Reset()
		if err := Write(&b, n, w, Options{}); err != nil {
			t.Fatal(err)
		}
		if m, err = Read(b.Bytes(), ReadOptions{}); err != nil {
			t.Fatal(err)
		}
		acts, err := m.Network.Eval(m.Weights, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compare(acts[len(acts)-1].Data, out.Data); err != nil {
			t.Errorf("%s read back: %v", n.Name, err)
		}
	}
}

// zeros are weights for a look at structure alone.
func zeros(n *blocks.Network) *blocks.Weights {
	w := blocks.EmptyWeights(n)
	for i := range n.Nodes {
		var ts [][]float32
		for _, p := range n.Params(i) {
			ts = append(ts, make([]float32, p.Len()))
		}
		w.Set(i, ts)
	}
	return w
}

// layerTable is the layers with weights or windows, with their marks.
func layerTable(n *blocks.Network) (rows []blocks.Layer) {
	for _, l := range n.Layers() {
		if l.Params > 0 {
			rows = append(rows, l)
		}
	}
	return rows
}

// TestModelsAgree reads the models in the folder NAS_ONNX_MODELS, for instance
// exports of torchvision or of testdata/ways.py, and compares with ONNX Runtime.
func TestModelsAgree(t *testing.T) {
	dir := os.Getenv("NAS_ONNX_MODELS")
	if dir == "" {
		t.Skip("skipped: NAS_ONNX_MODELS names no folder of models; testdata/export.py makes torchvision's, " +
			"and testdata/ways.py small ones")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no models in %s: %v", dir, err)
	}
	tmp := t.TempDir()
	var jobs []job
	var wants [][]float32
	cut := 0
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, ReadOptions{H: 32, W: 32})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(f), err)
			continue
		}
		if len(m.Notes) > 0 { // the output is another one
			cut++
			t.Logf("%s: %s", filepath.Base(f), m.Notes)
			continue
		}
		in := make([]float32, elems(m.Input.Dims))
		for k := range in {
			in[k] = float32((k*2654435761)%1000)/250 - 2
		}
		path := filepath.Join(tmp, fmt.Sprint(i))
		jobs = append(jobs, job{
			Model: f, Input: path + ".in", Output: path + ".out", Dims: m.Input.Dims, Optional: true, in: in,
		})
		wants = append(wants, evalFile(t, m, in)[0])
	}
	right, unable := 0, 0
	for i, got := range runRuntime(t, jobs) {
		name := filepath.Base(jobs[i].Model)
		if got == nil {
			unable++
			t.Logf("%s: ONNX Runtime does not run it", name)
			continue
		}
		ratio, err := close(wants[i], got, 1e-3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			right++
			t.Logf("%s: max|a-b|/max|b| = %.2g", name, ratio)
		}
	}
	t.Logf("of %d models %d are right, %d wrong, %d refused, %d read in part, %d not run by ONNX Runtime", len(files),
		right, len(jobs)-right-unable, len(files)-len(jobs)-cut, cut, unable)
}

// Padding that no window reaches, which PyTorch writes for ceil_mode in opset 9, is none, however large.
func TestReadPoolPaddedTooFar(t *testing.T) {
	var outs [][]float32
	for _, bottom := range []int{2, 3} {
		pool := op("MaxPool", []string{"x"}, attr{Name: "kernel_shape", Value: []int{3, 1}},
			attr{Name: "strides", Value: []int{2, 1}}, attr{Name: "pads", Value: []int{1, 0, bottom, 0}})
		m, err := Read(model(t, []operator{pool}), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, evalFile(t, m, randn(120))[0])
	}
	if len(outs[0]) != 4*4*5 || !slices.Equal(outs[0], outs[1]) {
		t.Errorf("%v and %v", outs[0], outs[1])
	}
}

// TestRecorded reads small models that PyTorch exported, recorded with an input
// and PyTorch's output, see testdata/README.md.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded models: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(data, ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		record, err := os.ReadFile(strings.TrimSuffix(f, ".onnx") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			In, Out []float32
			Kinds   string
		}
		if err := json.Unmarshal(record, &want); err != nil {
			t.Fatal(err)
		}
		acts, err := m.Network.Eval(m.Weights, hwc(want.In, m.Network.Input()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compare(chw(acts[len(acts)-1]), want.Out); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		var kinds []string
		for _, nd := range m.Network.Nodes[1:] {
			k := nd.Op.Kind()
			if a, ok := nd.Op.(*blocks.Activation); ok {
				k = a.Func.String()
			}
			kinds = append(kinds, k)
		}
		if got := strings.Join(kinds, " "); got != want.Kinds {
			t.Errorf("%s is read as\n%s\nwant\n%s", f, got, want.Kinds)
		}
	}
}

// seeds are files to start damage from.
func seeds(t testing.TB) (files [][]byte) {
	for _, n := range specimens(t)[:9] {
		var b bytes.Buffer
		if err := Write(&b, n, blocks.NewWeights(n, 1), Options{}); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	names, _ := filepath.Glob("testdata/*.onnx")
	cases, _ := filepath.Glob("testdata/cases/*.onnx")
	for _, name := range append(names, cases...) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	return files
}

// readSafely wants an error of the package or a network that holds together,
// within the memory that Read promises.
func readSafely(t *testing.T, data []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Read(data, ReadOptions{H: 8, W: 8})
	runtime.ReadMemStats(&after)
	if used, most := after.TotalAlloc-before.TotalAlloc, uint64(256*len(data)+16<<20); used > most {
		t.Fatalf("%d bytes of file take %d of memory, more than %d", len(data), used, most)
	}
	if err != nil {
		if !strings.HasPrefix(err.Error(), "onnx: ") {
			t.Fatalf("error %q does not name the package", err)
		}
		return
	}
	if err := m.Network.Infer(); err != nil {
		t.Fatal(err)
	}
	if err := m.Weights.Check(m.Network); err != nil {
		t.Fatal(err)
	}
	m.Network.Counts()
}

func FuzzRead(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(readSafely)
}

// TestReadSurvivesDamage reads models with bytes changed, removed, repeated and
// exchanged: the part of fuzzing that every run of the tests does.
func TestReadSurvivesDamage(t *testing.T) {
	files := seeds(t)
	rounds := 30000
	if testing.Short() {
		rounds = 3000
	}
	r := rand.New(rand.NewPCG(21, 22))
	read := 0
	for i := range rounds {
		data := slices.Clone(files[r.IntN(len(files))])
		for range 1 + r.IntN(4) {
			at := r.IntN(len(data))
			end := min(len(data), at+1+r.IntN(16))
			switch r.IntN(6) {
			case 0:
				data[at] ^= 1 << r.IntN(8)
			case 1:
				data[at] = byte(r.IntN(256))
			case 2:
				data[at] += byte(1 - 2*r.IntN(2))
			case 3:
				data = slices.Delete(data, at, end)
			case 4:
				data = slices.Insert(data, at, data[at:end]...)
			case 5:
				other := files[r.IntN(len(files))]
				copy(data[at:end], other[r.IntN(len(other)):])
			}
			if len(data) == 0 {
				data = []byte{0}
			}
		}
		readSafely(t, data)
		if i%4 == 0 {
			readPartsSafely(t, data)
		}
		if _, err := Read(data, ReadOptions{}); err == nil {
			read++
		}
	}
	t.Logf("%d of %d damaged files are still networks", read, rounds)
}
