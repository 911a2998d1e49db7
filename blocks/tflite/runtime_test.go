package tflite

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A job is one run of a file whose input and output are floats.
type job struct {
	Model  string `json:"model"`
	Input  string `json:"input"`
	Dims   []int  `json:"dims"`
	Output string `json:"output"`
}

// A peer is a runtime that computes the output of each image for each job.
type peer struct {
	name string
	run  func(t *testing.T, jobs []job)
}

// peers returns the runtimes that are installed here; a test without any is skipped.
func peers(t *testing.T) (list []peer) {
	t.Helper()
	if dir := os.Getenv("NAS_TFLITE"); dir != "" {
		list = append(list, peer{"TensorFlow Lite", tensorFlowLite(t, dir)})
	}
	if dir := os.Getenv("NAS_LITERT"); dir != "" {
		list = append(list, peer{"LiteRT.js", liteRT(dir)})
	}
	if len(list) == 0 {
		t.Skip(
			"skipped: no runtime. npm install --ignore-scripts tfjs-tflite-node@0.0.2 @litertjs/core@2.5.3 somewhere, " +
				"and set NAS_TFLITE (which needs gcc) and NAS_LITERT (which needs node) to that folder",
		)
	}
	return list
}

// liteRT runs jobs in one process of Node.
func liteRT(dir string) func(t *testing.T, jobs []job) {
	return func(t *testing.T, jobs []job) {
		t.Helper()
		list, err := json.Marshal(jobs)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", filepath.Join("testdata", "run.mjs"), dir)
		cmd.Stdin = bytes.NewReader(list)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("LiteRT.js: %v\n%s", err, out)
		}
	}
}

var driver struct {
	sync.Once
	path string
	err  error
	out  []byte
}

// tensorFlowLite compiles testdata/run.c and runs each job in a process.
func tensorFlowLite(t *testing.T, dir string) func(t *testing.T, jobs []job) {
	t.Helper()
	driver.Do(func() {
		deps, err := filepath.Abs(filepath.Join(dir, "node_modules", "tfjs-tflite-node", "cc_deps"))
		if err != nil {
			driver.err = err
			return
		}
		lib := filepath.Join(deps, "linux_"+runtime.GOARCH)
		tmp, err := os.MkdirTemp("", "nas-tflite")
		if err != nil {
			driver.err = err
			return
		}
		driver.path = filepath.Join(tmp, "run")
		driver.out, driver.err = exec.Command("gcc", "-O1", "-I"+filepath.Join(deps, "include"),
			filepath.Join("testdata", "run.c"),
			filepath.Join(lib, "libtensorflowlite_c.so"), "-Wl,-rpath,"+lib, "-o", driver.path).
			CombinedOutput()
	})
	if driver.err != nil {
		t.Fatalf("NAS_TFLITE is %s, but its library is not bound: %v\n%s", dir, driver.err, driver.out)
	}
	return func(t *testing.T, jobs []job) {
		t.Helper()
		for _, j := range jobs {
			if out, err := exec.Command(driver.path, j.Model, j.Input, j.Output).CombinedOutput(); err != nil {
				t.Errorf("TensorFlow Lite: %v\n%s", err, out)
			}
		}
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	if driver.path != "" {
		os.RemoveAll(filepath.Dir(driver.path))
	}
	os.Exit(code)
}

// A request is a model of float edges, to be run on images.
type request struct {
	m      *Model
	images [][]float32
}

// outputs returns the first output of each image.
func (p peer) outputs(t *testing.T, m *Model, images [][]float32) [][]float32 {
	t.Helper()
	return p.runs(t, []request{{m, images}})[0]
}

// runs returns the outputs of several models.
func (p peer) runs(t *testing.T, list []request) [][][]float32 {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir) // not at the test's end: a hundred networks take a gigabyte
	var jobs []job
	for i, q := range list {
		file, err := Encode(q.m)
		if err != nil {
			t.Fatal(err)
		}
		var input []byte
		for _, x := range q.images {
			input = append(input, floatBytes(x)...)
		}
		base := filepath.Join(dir, strconv.Itoa(i))
		j := job{base + ".tflite", base + ".in", q.m.Tensors[q.m.Inputs[0]].Dims, base + ".out"}
		for path, data := range map[string][]byte{j.Model: file, j.Input: input} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		jobs = append(jobs, j)
	}
	p.run(t, jobs)
	var all [][][]float32
	for i, q := range list {
		data, err := os.ReadFile(jobs[i].Output)
		if err != nil {
			t.Fatalf("%s: %s has not run: %v", q.m.Description, p.name, err)
		}
		n := q.m.Tensors[q.m.Outputs[0]].elems()
		if len(data) != 4*n*len(q.images) {
			t.Fatalf("%s: %s returns %d bytes, want %d", q.m.Description, p.name, len(data), 4*n*len(q.images))
		}
		outs := make([][]float32, len(q.images))
		for k := range outs {
			outs[k] = make([]float32, n)
			for v := range n {
				outs[k][v] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*(k*n+v):]))
			}
		}
		all = append(all, outs)
	}
	return all
}

// setting reads a number from the environment, or returns the number without.
func setting(t *testing.T, name string, without int) int {
	t.Helper()
	text := strings.TrimSpace(os.Getenv(name))
	if text == "" {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number", name, text)
	}
	return n
}
