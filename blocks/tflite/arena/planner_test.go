package arena

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/tflite"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/space"
)

// TestPlanner compares plans with those of TensorFlow Lite Micro itself, to the byte: of the files of 38 networks of
// configs/mcu.toml and of 12 of the zoo, three of them of floats and one with a branch.
//
// The program that NAS_TFLM names is testdata/plan.cc, linked with TensorFlow Lite Micro. It takes its source (this
// test was written against commit 90b983c2b of github.com/tensorflow/tflite-micro), those of
// github.com/google/gemmlowp and github.com/google/ruy, and the headers of flatbuffers 25.9.23 (include in
// github.com/google/flatbuffers). In the folder of TensorFlow Lite Micro:
//
//	mkdir obj
//	for f in tensorflow/lite/micro/*.cc tensorflow/lite/micro/*/*.cc tensorflow/lite/core/c/common.cc \
//	    tensorflow/lite/kernels/kernel_util.cc tensorflow/lite/kernels/internal/*.cc \
//	    tensorflow/lite/kernels/internal/reference/*.cc tensorflow/lite/core/api/*.cc \
//	    tensorflow/compiler/mlir/lite/core/api/*.cc tensorflow/compiler/mlir/lite/schema/*.cc .../testdata/plan.cc; do
//	  g++ -std=c++17 -O0 -w -fno-rtti -fno-exceptions -DTF_LITE_STATIC_MEMORY \
//	    -I. -I.../flatbuffers/include -I.../gemmlowp -I.../ruy -c $f -o obj/$(echo $f | tr / _).o
//	done
//	g++ obj/*.o -o plan
//
// Leave out tests, mocks, fakes, and the kernels of operators that plan.cc does not add: some want more libraries.
func TestPlanner(t *testing.T) {
	program := os.Getenv("NAS_TFLM")
	if program == "" {
		t.Skip(
			"skipped: no TensorFlow Lite Micro. Build testdata/plan.cc with it as planner_test.go says, and set NAS_TFLM to " +
				"the program",
		)
	}
	dir, models := t.TempDir(), plannedModels(t)
	var files []string
	for i, m := range models {
		file, err := tflite.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.tflite", i)))
		if err := os.WriteFile(files[i], file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(program, files...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(models) {
		t.Fatalf("%d lines for %d models:\n%s", len(lines), len(models), out)
	}
	equal, worst := 0, 0.0
	for i, m := range models {
		var planned, kept int
		if _, err := fmt.Sscan(lines[i], &planned, &kept); err != nil {
			t.Fatalf("%s: %s", m.Description, lines[i])
		}
		p, err := Of(m)
		if err != nil {
			t.Fatal(err)
		}
		if p.Bytes == planned {
			equal++
		} else {
			t.Errorf("%s: %d bytes, TensorFlow Lite Micro plans %d", m.Description, p.Bytes, planned)
		}
		off := 100 * (float64(persistent(m, 8))/float64(kept) - 1) // this machine's pointers
		if worst = max(worst, math.Abs(off)); math.Abs(off) > 10 {
			t.Errorf("%s: %d bytes for good, TensorFlow Lite Micro keeps %d", m.Description, persistent(m, 8), kept)
		}
	}
	t.Logf("%d of %d plans are equal to the byte; the estimate of what is kept for good is off by at most %.1f %%",
		equal, len(models), worst)
}

// plannedModels are fifty models.
func plannedModels(t *testing.T) (models []*tflite.Model) {
	t.Helper()
	c, err := config.Load("../../../configs/mcu.toml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(18, 4))
	for range 38 {
		n, err := s.Arch(s.Sample(r)).Network()
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, integers(t, n, false))
	}
	for i, name := range []string{
		"mobilenet_v1@width=0.25,res=96", "mobilenet_v2@width=0.35,res=96", "mobilenet_v3_small@res=64", "mnasnet_a1@res=64",
		"efficientnet_b0@res=64", "ds_cnn", "squeezenet@res=64", "mobilenet_v4_conv_small@res=64", "pp_lcnet@res=64",
		"mobilenet_v2@width=0.5,res=64", "mobilenet_v3_small@width=0.5,res=96", "inception_v3@res=75",
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if i > 2 {
			models = append(models, integers(t, n, i%2 == 0))
			continue
		}
		m, err := tflite.Lower(n, blocks.NewWeights(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	return models
}

func integers(t *testing.T, n *blocks.Network, floatEdges bool) *tflite.Model {
	t.Helper()
	m, err := tflite.Quantize(n, blocks.NewWeights(n, 1), tflite.QuantizeOptions{
		FloatEdges: floatEdges, Images: [][]float32{make([]float32, n.Input().Elems())}, Run: engine.Activations,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
