package onnx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
)

// A job is one run of a model in ONNX Runtime.
type job struct {
	Model  string `json:"model"`
	Input  string `json:"input"`
	Dims   []int  `json:"dims"`
	Output string `json:"output"`
	// Optional jobs may fail in the runtime, and then have no output.
	Optional bool `json:"optional"`
	// All wants all outputs, one behind the other.
	All bool `json:"all"`
	// Level is how far the runtime optimises the graph, "" means all.
	Level string `json:"level"`

	in    []float32
	opset int // 0 means defaultOpset
}

// runtimeDir tells where onnxruntime-node is: NAS_ONNXRUNTIME names a folder
// whose node_modules has it; without, node's own search must find it.
func runtimeDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("NAS_ONNXRUNTIME")
	cmd := exec.Command("node", "-e",
		"require.resolve('onnxruntime-node', process.argv[1] ? {paths: [process.argv[1]]} : undefined)", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		if dir != "" {
			t.Fatalf("NAS_ONNXRUNTIME is %s, but node finds no onnxruntime-node there: %v\n%s", dir, err, out)
		}
		t.Skip("skipped: no ONNX Runtime. npm install onnxruntime-node@1.30.0 somewhere " +
			"and set NAS_ONNXRUNTIME to that folder")
	}
	return dir
}

// runRuntime runs all jobs in one process and returns their outputs.
func runRuntime(t *testing.T, jobs []job) [][]float32 {
	t.Helper()
	runJobs(t, jobs)
	outs := make([][]float32, len(jobs))
	for i, j := range jobs {
		data, err := os.ReadFile(j.Output)
		if j.Optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		outs[i] = floats(data)
	}
	return outs
}

// runJobs runs all jobs in one process and leaves their outputs in files.
func runJobs(t *testing.T, jobs []job) {
	t.Helper()
	dir, written := runtimeDir(t), map[string]bool{}
	for _, j := range jobs {
		if written[j.Input] {
			continue
		}
		if err := os.WriteFile(j.Input, floatBytes(j.in), 0o600); err != nil {
			t.Fatal(err)
		}
		written[j.Input] = true
	}
	list, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "run.cjs"), dir)
	cmd.Stdin = bytes.NewReader(list)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ONNX Runtime: %v\n%s", err, out)
	} else {
		t.Logf("ONNX Runtime %s, %d models", strings.TrimSpace(string(out)), len(jobs))
	}
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func floats(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// chw turns one image from HWC to CHW order.
func chw(t blocks.Tensor) []float32 {
	out := make([]float32, len(t.Data))
	for p := range t.Shape.Pixels() {
		for c := range t.Shape.C {
			out[c*t.Shape.Pixels()+p] = t.Data[p*t.Shape.C+c]
		}
	}
	return out
}

// hwc is the inverse of chw.
func hwc(v []float32, s blocks.Shape) []float32 {
	out := make([]float32, len(v))
	for p := range s.Pixels() {
		for c := range s.C {
			out[p*s.C+c] = v[c*s.Pixels()+p]
		}
	}
	return out
}

// gap is how far values are from those that are wanted.
type gap struct{ diff, size float64 }

// add compares some of the values.
func (g *gap) add(got, want []float32) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return fmt.Errorf("value %d is %v, want %v", i, got[i], want[i])
		}
		g.diff, g.size = max(g.diff, d), max(g.size, math.Abs(float64(want[i])))
	}
	return nil
}

// ratio wants max|a-b| <= 1e-4 max|b| and returns it.
func (g *gap) ratio() (float64, error) {
	if g.diff > 1e-4*g.size || g.size == 0 {
		return 0, fmt.Errorf("largest difference %.3g, largest value %.3g", g.diff, g.size)
	}
	return g.diff / g.size, nil
}

// compare wants max|a-b| <= 1e-4 max|b| and returns the ratio.
func compare(got, want []float32) (ratio float64, err error) {
	var g gap
	if err := g.add(got, want); err != nil {
		return 0, err
	}
	return g.ratio()
}

// compareFile is compare of values in a file, of which a part at a time is in memory.
func compareFile(path string, want []float32) (ratio float64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() != int64(4*len(want)) {
		return 0, fmt.Errorf("a file of %d bytes, want %d", info.Size(), 4*len(want))
	}
	var g gap
	for part := make([]byte, 1<<18); len(want) > 0; {
		n := min(len(part)/4, len(want))
		if _, err := io.ReadFull(f, part[:4*n]); err != nil {
			return 0, err
		}
		if err := g.add(floats(part[:4*n]), want[:n]); err != nil {
			return 0, err
		}
		want = want[n:]
	}
	return g.ratio()
}

// settle draws weights and gives every batch normalisation statistics of the
// size of what reaches it, with random scale and shift: activations keep unit
// scale through any depth, and no term of the formula is trivial.
func settle(t *testing.T, n *blocks.Network, seed uint64) (w *blocks.Weights, in []float32, out blocks.Tensor) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 99))
	w = blocks.NewWeights(n, seed)
	in = make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = float32(r.NormFloat64())
	}
	acts := make([]blocks.Tensor, len(n.Nodes))
	acts[0] = blocks.Tensor{Shape: n.Input(), Data: in}
	left := make([]int, len(n.Nodes))
	for _, nd := range n.Nodes {
		for _, j := range nd.Inputs {
			left[j]++
		}
	}
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		src := make([]blocks.Tensor, len(nd.Inputs))
		for k, j := range nd.Inputs {
			src[k] = acts[j]
		}
		ps := w.Node(i)
		if _, ok := nd.Op.(*blocks.BatchNorm); ok {
			c := nd.Shape.C
			var all float64
			for _, v := range src[0].Data {
				all += float64(v) * float64(v) / float64(len(src[0].Data))
			}
			// One variance for the layer: that of each channel would amplify
			// rounding errors from layer to layer where maps have few pixels.
			for k := range c {
				ps[0][k], ps[1][k] = 0.5+r.Float32(), float32(r.NormFloat64())/4
				ps[2][k], ps[3][k] = float32(r.NormFloat64()*math.Sqrt(all))/4, float32(all)*(0.5+r.Float32())
			}
		} else if k := nd.Op.Kind(); k == "constant" || k == "prelu" {
			for k := range ps[0] {
				ps[0][k] = float32(r.NormFloat64())
			}
		} else if len(ps) == 2 { // a bias
			for k := range ps[1] {
				ps[1][k] = float32(r.NormFloat64()) / 4
			}
		}
		acts[i] = blocks.Tensor{Shape: nd.Shape, Data: make([]float32, nd.Shape.Elems())}
		nd.Op.Eval(acts[i], src, ps)
		for _, j := range nd.Inputs {
			if left[j]--; left[j] == 0 && j > 0 {
				acts[j].Data = nil
			}
		}
	}
	return w, in, acts[len(acts)-1]
}
