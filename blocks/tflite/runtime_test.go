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
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
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
		t.Skip("skipped: no LiteRT. npm install --ignore-scripts @litertjs/core@2.5.3 somewhere and set NAS_LITERT to that folder")
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

// TestLiteRT runs networks in LiteRT and in the engine: max|a-b| <= 1e-4 max|b|.
func TestLiteRT(t *testing.T) {
	dir, tmp := litert(t), t.TempDir()
	names := []string{
		"mobilenet_v1@res=96", "mobilenet_v2@res=96", "mobilenet_v3_small@res=96", "mobilenet_v3_large@res=96",
		"mobilenet_v4_conv_small@res=96", "mnasnet_a1@res=96", "efficientnet_b0@res=96", "shufflenet_v2@res=96", "pp_lcnet@res=96",
		"ds_cnn", "fast_scnn@res=128", "deeplabv3_mobilenet_v2@res=129", "lraspp_mobilenet_v3_large@res=128",
		"xception@res=128", "inception_v3@res=128", "alexnet", "squeezenet@res=96",
	}
	var jobs []job
	var want [][]float32
	for _, name := range names {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		w := blocks.NewWeights(n, 1)
		m, err := Lower(n, w)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		s := n.Input()
		base := filepath.Join(tmp, name)
		j := job{base + ".tflite", base + ".in", mapDims(s), base + ".out"}
		for path, data := range map[string][]byte{j.Model: file, j.Input: floatBytes(image(s))} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		jobs, want = append(jobs, j), append(want, run(t, n, w))
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
	for i, j := range jobs {
		data, err := os.ReadFile(j.Output)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != 4*len(want[i]) {
			t.Errorf("%s: %d bytes, want %d values", names[i], len(data), len(want[i]))
			continue
		}
		got := make([]float32, len(want[i]))
		for k := range got {
			got[k] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*k:]))
		}
		if d := differ(got, want[i]); !(d <= 1e-4) {
			t.Errorf("%s: differs by %.2g of the largest output", names[i], d)
		}
	}
}
