package pytorch

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks/onnx"
	"nas/blocks/zoo"
)

// TestTorchTakesModulesOn takes modules to TorchScript, torch.fx, torch.compile and ONNX, and reads the ONNX
// files back; and it reads a checkpoint as the error about its ending says.
func TestTorchTakesModulesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short")
	}
	worker := torch(t)
	var jobs []job
	add := func(j job) {
		dir := filepath.Dir(j.Module)
		j.NPZ, j.Output = filepath.Join(dir, "net.pth"), filepath.Join(dir, "net.onnx")
		jobs = append(jobs, j)
	}
	for i, spec := range []string{"mobilenet_v3_small@res=64"} {
		n, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		add(byEngine(t, n, uint64(i)))
	}
	var results []map[string]any
	version := worker.ask(t, "travel", jobs, &results)
	absent := map[string]bool{}
	for i, j := range jobs {
		for way, r := range results[i] {
			if d, ok := r.(float64); r != "absent" && (!ok || d > 1e-4) {
				t.Errorf("%s: %s: %v", j.net.Name, way, r)
			}
			absent[way] = r == "absent"
		}
		j.checkONNX(t)
	}
	for way, is := range absent {
		if is {
			t.Logf("skipped: torch %s has no %s", version, way)
		}
	}
	jobs[len(jobs)-1].checkCheckpoint(t, worker.python)
}

// checkONNX reads the file that PyTorch wrote.
func (j *job) checkONNX(t *testing.T) {
	data, err := os.ReadFile(j.Output)
	if err != nil {
		return // said already
	}
	m, err := onnx.Read(data, onnx.ReadOptions{})
	if err != nil {
		t.Errorf("%s: the ONNX file that PyTorch makes of it: %v", j.net.Name, err)
		return
	}
	raw, err := os.ReadFile(j.Input)
	if err != nil {
		t.Fatal(err)
	}
	file, in := make([]float32, len(raw)/4), make([]float32, len(raw)/4)
	for i := range file {
		file[i] = floatAt(raw, i)
	}
	if err := m.Input.FromFile(in, file); err != nil {
		t.Fatal(err)
	}
	acts, err := m.Network.Eval(m.Weights, in)
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	for _, o := range m.Outputs {
		y := make([]float32, len(acts[o.Node].Data))
		if err := o.ToFile(y, acts[o.Node].Data); err != nil {
			t.Fatal(err)
		}
		got = append(got, y...)
	}
	if len(got) != len(j.want) {
		t.Errorf("%s, read back from ONNX: %d values, want %d", j.net.Name, len(got), len(j.want))
		return
	}
	var diff, size float64
	for i, want := range j.want {
		diff, size = max(diff, math.Abs(float64(got[i]-want))), max(size, math.Abs(float64(want)))
	}
	if !(diff <= 1e-4*size) {
		t.Errorf("%s, read back from ONNX: largest difference %.3g, largest value %.3g", j.net.Name, diff, size)
	}
}

// checkCheckpoint follows the advice for a checkpoint of training.
func (j *job) checkCheckpoint(t *testing.T, py string) {
	_, _, err := ReadFile(j.NPZ, j.net)
	if err == nil {
		t.Fatalf("%s is read", j.NPZ)
	}
	_, lines, _ := strings.Cut(err.Error(), "\n")
	script := strings.ReplaceAll("\n"+lines, "\n    ", "\n")
	if out, err := exec.Command(py, "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	w, wrapper, err := ReadFile(strings.TrimSuffix(j.NPZ, ".pth")+".npz", j.net)
	if err != nil || wrapper != "module." {
		t.Fatal(fmt.Sprint(wrapper, err))
	}
	sameWeights(t, j.net, w, j.w)
}
