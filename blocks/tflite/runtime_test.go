package tflite

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"nas/blocks"
)

// A job is one run of a file in LiteRT.
type job struct {
	Model  string `json:"model"`
	Input  string `json:"input"`
	Dims   []int  `json:"dims"`
	Output string `json:"output"`
}

// litert names the folder whose node_modules has LiteRT.
func litert(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("NAS_LITERT")
	if dir == "" {
		t.Skip(
			"skipped: no LiteRT. npm install --ignore-scripts @litertjs/core@2.5.3 somewhere and set NAS_LITERT to that folder",
		)
	}
	return dir
}

// image returns seeded values.
func image(s blocks.Shape) []float32 {
	v, r := make([]float32, s.Elems()), rand.New(rand.NewPCG(1, 2))
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// runLiteRT runs models of one input and one output, which both are floats.
func runLiteRT(t *testing.T, models []*Model, inputs [][]float32) [][]float32 {
	t.Helper()
	dir, tmp := litert(t), t.TempDir()
	var jobs []job
	for i, m := range models {
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Join(tmp, strconv.Itoa(i))
		j := job{base + ".tflite", base + ".in", m.Tensors[m.Inputs[0]].Dims, base + ".out"}
		for path, data := range map[string][]byte{j.Model: file, j.Input: floatBytes(inputs[i])} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		jobs = append(jobs, j)
	}
	list, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "run.mjs"), dir)
	cmd.Stdin = bytes.NewReader(list)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("LiteRT: %v\n%s", err, out)
	}
	outs := make([][]float32, len(jobs))
	for i, j := range jobs {
		data, err := os.ReadFile(j.Output)
		if err != nil {
			t.Fatal(err)
		}
		for k := 0; k+4 <= len(data); k += 4 {
			outs[i] = append(outs[i], math.Float32frombits(binary.LittleEndian.Uint32(data[k:])))
		}
	}
	return outs
}

var liteRTNetworks = []string{
	"mobilenet_v1@res=96", "mobilenet_v2@res=96", "mobilenet_v3_small@res=96", "mobilenet_v3_large@res=96",
	"mobilenet_v4_conv_small@res=96", "mnasnet_a1@res=96", "efficientnet_b0@res=96", "shufflenet_v2@res=96", "pp_lcnet@res=96",
	"ds_cnn", "fast_scnn@res=128", "deeplabv3_mobilenet_v2@res=129", "lraspp_mobilenet_v3_large@res=128",
	"xception@res=128", "inception_v3@res=139", "squeezenet@res=96",
}

// TestLiteRT runs networks in LiteRT and in the engine: max|a-b| <= 1e-4 max|b|.
func TestLiteRT(t *testing.T) {
	litert(t)
	var models []*Model
	var inputs, want [][]float32
	for _, name := range append(liteRTNetworks, "alexnet") {
		n, w := get(t, name)
		m, err := Lower(n, w)
		if err != nil {
			t.Fatal(err)
		}
		models, inputs, want = append(models, m), append(inputs, image(n.Input())), append(want, run(t, n, w))
	}
	for i, got := range runLiteRT(t, models, inputs) {
		if len(got) != len(want[i]) {
			t.Errorf("%s: %d values, want %d", models[i].Description, len(got), len(want[i]))
		} else if d := differ(got, want[i]); !(d <= 1e-4) {
			t.Errorf("%s: differs by %.2g of the largest output", models[i].Description, d)
		}
	}
}

// TestLiteRTIntegers runs networks of 8 bits in LiteRT and by the integer arithmetic of this module: the same integers
// but for a step.
func TestLiteRTIntegers(t *testing.T) {
	litert(t)
	var models []*Model
	var inputs [][]float32
	for _, name := range []string{"mobilenet_v1@res=96", "mobilenet_v2@res=96", "mobilenet_v3_small@res=96",
		"mobilenet_v4_conv_small@res=96", "shufflenet_v2@res=96", "ds_cnn", "squeezenet@res=96"} {
		n, _ := get(t, name)
		models = append(models, quantized(t, name, QuantizeOptions{FloatEdges: true}))
		inputs = append(inputs, image(n.Input()))
	}
	for i, got := range runLiteRT(t, models, inputs) {
		m := models[i]
		want, err := m.Run(inputs[i])
		if err != nil {
			t.Fatal(err)
		}
		step := m.Tensors[m.Operators[len(m.Operators)-1].Inputs[0]].Scale[0]
		worst, differ := 0.0, 0
		for k := range got {
			if d := math.Round(math.Abs(float64(got[k]-want[0][k]) / float64(step))); d > 0 {
				worst, differ = max(worst, d), differ+1
			}
		}
		t.Logf("%s: %d of %d values differ, by at most %v steps", m.Description, differ, len(got), worst)
		if worst > 1 {
			t.Errorf("%s: differs by %v steps", m.Description, worst)
		}
	}
}
