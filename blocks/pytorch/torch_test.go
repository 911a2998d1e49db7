package pytorch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// job is one module to run in PyTorch; see testdata/check.py.
type job struct {
	Module  string `json:"module"`
	Class   string `json:"class"`
	Weights string `json:"weights"`
	Input   string `json:"input"`
	Dims    []int  `json:"dims"`
	Output  string `json:"output"`
	NPZ     string `json:"npz"`
	Train   bool   `json:"train"`

	net  *blocks.Network
	w    *blocks.Weights
	want []float32 // CHW
}

type outcome struct {
	Error   string    `json:"error"`
	Params  int64     `json:"params"`
	Shape   []int     `json:"shape"`
	Batch   float64   `json:"batch"`
	Float32 float64   `json:"float32"` // torch's float32 against its float64
	Classes *int      `json:"classes"` // of a module made for three, if it can be
	Names   []string  `json:"names"`
	Losses  []float64 `json:"losses"`
	Still   []string  `json:"still"`
	Moved   int       `json:"moved"`
	Tensors int       `json:"tensors"`
}

// prepare writes the module and the weights of a network.
func prepare(t *testing.T, n *blocks.Network, w *blocks.Weights, in, want []float32) job {
	t.Helper()
	dir := t.TempDir()
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	var weights bytes.Buffer
	if err := m.WriteSafetensors(&weights, w); err != nil {
		t.Fatal(err)
	}
	s := n.Input()
	j := job{
		Module: filepath.Join(dir, "net.py"), Class: m.Class, Weights: filepath.Join(dir, "net.safetensors"),
		Input: filepath.Join(dir, "in"), Dims: []int{1, s.C, s.H, s.W}, Output: filepath.Join(dir, "out"),
		net: n, w: w, want: want,
	}
	var raw bytes.Buffer
	err = errors.Join(
		binary.Write(&raw, binary.LittleEndian, chw(s, in)),
		os.WriteFile(j.Module, []byte(m.Source()), 0o600),
		os.WriteFile(j.Weights, weights.Bytes(), 0o600),
		os.WriteFile(j.Input, raw.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// byEngine prepares a network with calibrated weights and the engine's output.
func byEngine(t *testing.T, n *blocks.Network, seed uint64) job {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	if err := engine.CalibrateBN(n, w, seed); err != nil {
		t.Fatal(err)
	}
	in := normal(rand.New(rand.NewPCG(seed, 33)), n.Input().Elems())
	p, err := engine.Compile(n, engine.Host(1), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, p.OutLen())
	if err := errors.Join(p.Bind(w), p.Run(out, in)); err != nil {
		t.Fatal(err)
	}
	var want []float32
	for _, i := range n.Returned() {
		s := n.Nodes[i].Shape
		want = append(want, chw(s, out[:s.Elems()])...)
		out = out[s.Elems():]
	}
	return prepare(t, n, w, in, want)
}

// runTorch runs the jobs and checks what came out.
func runTorch(t *testing.T, jobs []job) {
	t.Helper()
	var results []outcome
	version := torch(t).ask(t, "check", jobs, &results)
	worst := 0.0
	for k, j := range jobs {
		worst = max(worst, j.check(t, results[k]))
	}
	t.Logf("torch %s, %d networks: largest max|a-b|/max|b| against float64 is %.2g", version, len(jobs), worst)
}

func (j *job) check(t *testing.T, r outcome) (ratio float64) {
	t.Helper()
	name := j.net.Name
	if r.Error != "" {
		source, _ := os.ReadFile(j.Module)
		t.Errorf("%s: %s\n%s", name, r.Error, source)
		return 0
	}
	if want := j.net.Counts().Params; r.Params != want {
		t.Errorf("%s: PyTorch counts %d params, want %d", name, r.Params, want)
	}
	o := j.net.Output()
	shape := []int{1, o.C, o.H, o.W}
	if o.IsVector() {
		shape = shape[:2]
	}
	if len(j.net.Returned()) > 1 {
		shape = []int{1, len(j.want)}
	}
	if !slices.Equal(r.Shape, shape) {
		t.Errorf("%s: output has shape %v, want %v", name, r.Shape, shape)
	}
	if r.Classes != nil && *r.Classes != 3 {
		t.Errorf("%s: made for 3 classes it returns %d", name, *r.Classes)
	}
	if r.Batch > 1e-4 {
		t.Errorf("%s: the output of an image changes by %.2g in a batch", name, r.Batch)
	}
	if r.Float32 > 1e-3 {
		t.Errorf("%s: float32 in PyTorch is off by %.2g of the largest value", name, r.Float32)
	}
	raw, err := os.ReadFile(j.Output)
	if err != nil || len(raw) != 4*len(j.want) {
		t.Errorf("%s: output has %d bytes, want %d: %v", name, len(raw), 4*len(j.want), err)
		return 0
	}
	var diff, size float64
	for i, want := range j.want {
		got := floatAt(raw, i)
		d := math.Abs(float64(got) - float64(want))
		if math.IsNaN(d) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got, want)
			return 0
		}
		diff, size = max(diff, d), max(size, math.Abs(float64(want)))
	}
	if diff > 1e-4*size || size == 0 {
		t.Errorf("%s: largest difference %.3g, largest value %.3g", name, diff, size)
	}
	if j.NPZ != "" {
		j.checkNPZ(t, r)
	}
	if j.Train {
		steps := len(r.Losses)
		good := steps >= 2 && !math.IsNaN(r.Losses[steps-1]) && !math.IsInf(r.Losses[steps-1], 0)
		if len(j.net.Outputs) > 1 { // a detector
			good = good && r.Losses[steps-1] < r.Losses[0]
			t.Logf("%s: in %d steps the loss goes from %.4f to %.4f", name, steps, r.Losses[0], r.Losses[steps-1])
		}
		if !good || len(r.Still) > 0 || r.Moved*10 < r.Tensors*9 {
			t.Errorf("%s: steps of SGD: losses %v, no gradient for %v, %d of %d tensors move", name, r.Losses, r.Still,
				r.Moved, r.Tensors)
		}
	}
	if diff > 1e-5*size {
		t.Logf("%s: max|a-b|/max|b| is %.2g, of PyTorch's float32 %.2g", name, diff/size, r.Float32)
	}
	return diff / size
}

func floatAt(raw []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
}

// checkNPZ reads the archive that NumPy wrote, and wants our weights back.
func (j *job) checkNPZ(t *testing.T, r outcome) {
	t.Helper()
	for _, name := range r.Names {
		if filepath.Ext(name) != ".num_batches_tracked" {
			t.Errorf("%s: %s is in only one of the state dict and the weight file", j.net.Name, name)
		}
	}
	w, _, err := ReadFile(j.NPZ, j.net)
	if err != nil {
		t.Error(err)
		return
	}
	sameWeights(t, j.net, w, j.w)
}

// TestTorchRunsOddNetworks compares with the ops' reference evaluations.
func TestTorchRunsOddNetworks(t *testing.T) {
	torch(t)
	var jobs []job
	for i, n := range oddNetworks(t) {
		w, in, out := settled(t, n, uint64(i))
		j := prepare(t, n, w, in, out)
		j.NPZ = filepath.Join(filepath.Dir(j.Module), "net.npz")
		j.Train = n.Counts().Params > 0
		jobs = append(jobs, j)
	}
	runTorch(t, jobs)
}

// TestTorchRunsOutputs has several outputs, some of them read by other nodes, in another order than
// the nodes', and two layers of one weight.
func TestTorchRunsOutputs(t *testing.T) {
	torch(t)
	n := built(t, "several", blocks.Shape{H: 6, W: 5, C: 3}, func(b *blocks.Builder, x blocks.Value) {
		conv := &blocks.Conv{Out: 3, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true}
		b.Mark(1, 1)
		x = b.Apply("stage1.block1.conv", conv, x)
		x = b.Act(blocks.ReLU, x)
		b.Mark(1, 2)
		x = b.Apply("stage1.block2.conv", conv, x)
		x = b.Apply("stage1.block2.bn", &blocks.BatchNorm{}, x)
		b.Mark(2, 0)
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		b.Apply("fc", &blocks.Linear{Out: 2}, x)
	})
	n.Nodes[3].Shared = []int{1, 0}
	var jobs []job
	for i, outputs := range [][]int{{6, 1, 3}, {5, 6}, {2, 4, 5}, {1, 6}} {
		m := *n
		m.Outputs = outputs
		if err := m.Infer(); err != nil {
			t.Fatal(err)
		}
		w, in, _ := settled(t, n, uint64(i))
		w.Node(3)[0] = w.Node(1)[0]
		acts, err := m.Eval(w, in)
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		for _, o := range outputs {
			want = append(want, chw(acts[o].Shape, acts[o].Data)...)
		}
		jobs = append(jobs, prepare(t, &m, w, in, want))
	}
	runTorch(t, jobs)
}

// zooSmall are the zoo's families in sizes that run in no time.
var zooSmall = []string{
	"alexnet@res=99,classes=7", "alexnet_owt@res=95,classes=7", "squeezenet@res=65,classes=7", "squeezenet_1_1@res=66,classes=7",
	"inception_v3@res=171,classes=7", "xception@res=97,classes=7", "resnet50@res=64,classes=7", "mobilenet_v1@width=0.25,res=64",
	"mobilenet_v2@width=0.35,res=64", "mobilenet_v3_small@res=64", "mobilenet_v3_large@width=0.5,res=64", "mobilenet_v3_large_minimalistic@res=64",
	"mnasnet_a1@width=0.5,res=64", "mnasnet_b1@width=0.5,res=64", "efficientnet_b0@res=64", "efficientnet_lite0@res=64", "shufflenet_v2@res=64",
	"fast_scnn@res=128", "deeplabv3_mobilenet_v2@width=0.5,res=65,aspp=true", "deeplabv3_mobilenet_v3_large@width=0.5,res=64",
	"lraspp_mobilenet_v3_large@width=0.5,res=64", "ssdlite_mobilenet_v3_large@width=0.5,res=96,classes=5",
}

// TestTorchRunsZoo compares with the engine. NAS_PYTORCH_FULL=1 takes every
// network in its full size instead, which takes minutes.
func TestTorchRunsZoo(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short")
	}
	torch(t)
	specs := zooSmall
	if os.Getenv("NAS_PYTORCH_FULL") != "" {
		specs = nil
		for _, e := range zoo.Entries() {
			specs = append(specs, e.Name)
		}
	}
	var jobs []job
	for i, spec := range specs {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		j := byEngine(t, n, uint64(i))
		j.Train = slices.Contains([]string{"mobilenet_v3_small@res=64", "lraspp_mobilenet_v3_large@width=0.5,res=64",
			"ssdlite_mobilenet_v3_large@width=0.5,res=96,classes=5"}, spec)
		jobs = append(jobs, j)
	}
	runTorch(t, jobs)
}

// TestTorchRunsSpaces compares random networks of every shipped config's space.
// NAS_PYTORCH_SAMPLES says how many of each, 1 without it.
func TestTorchRunsSpaces(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short")
	}
	torch(t)
	samples := 1
	if s, err := strconv.Atoi(os.Getenv("NAS_PYTORCH_SAMPLES")); err == nil {
		samples = s
	}
	files, err := filepath.Glob("../../configs/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no configs: %v", err)
	}
	var jobs []job
	r := rand.New(rand.NewPCG(41, 42))
	for _, file := range files {
		c, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := space.New(c.Space)
		if err != nil {
			t.Fatal(err)
		}
		for i := range samples {
			a := s.Arch(s.Sample(r))
			n, err := a.Network()
			if err != nil {
				t.Fatal(err)
			}
			n.Name = filepath.Base(file) + " " + a.String()
			jobs = append(jobs, byEngine(t, n, uint64(i)))
		}
	}
	runTorch(t, jobs)
}
