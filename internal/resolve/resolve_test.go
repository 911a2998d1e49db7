package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/netfile"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

const arch = "32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10"

func aRun(t *testing.T, trials ...search.Trial) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	r, err := runstore.Claim(dir)
	if err == nil {
		err = r.Begin(runstore.Manifest{Name: "test"}, []byte("name = \"test\"\n"), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Append(trials); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFind(t *testing.T) {
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(arch, "_c16_", "_c24_", 1)
	b, err := space.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	dir := aRun(t, search.Trial{ID: 0, ArchID: a.ID(), Arch: arch, Genes: space.Genes{0}},
		search.Trial{ID: 1, ArchID: b.ID(), Arch: other, Genes: space.Genes{1}})
	net, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	data, err := net.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "net.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	mobile := int64(3504872) // params of MobileNetV2 1.0
	for _, tc := range []struct {
		text, origin string
		params       int64
	}{
		{"mobilenet_v2", "zoo", mobile},
		{"mobilenet_v2@width=1,res=96", "zoo", mobile},
		{" " + arch + " ", "arch string", net.Counts().Params},
		{strings.ReplaceAll(arch, "| ", "|\n\t"), "arch string", net.Counts().Params},
		{strings.ReplaceAll(arch, " ", ""), "arch string", net.Counts().Params},
		{file, file, net.Counts().Params},
		{dir + ":0", "trial 0 of " + dir, net.Counts().Params},
		{dir + ":" + a.ID(), "trial 0 of " + dir, net.Counts().Params},
		{dir + ":" + b.ID(), "trial 1 of " + dir, 0},
		{dir + ":0@classes=2", "trial 0 of " + dir + " with classes=2", net.Counts().Params - 8*33},
	} {
		n, err := Find(tc.text, netfile.Options{})
		if err != nil {
			t.Errorf("Find(%q): %v", tc.text, err)
			continue
		}
		if n.Origin != tc.origin || tc.params != 0 && n.Counts().Params != tc.params {
			t.Errorf("Find(%q): origin %q, %d params, want %q, %d", tc.text, n.Origin, n.Counts().Params, tc.origin, tc.params)
		}
		if want := filepath.Base(file); tc.text == file && n.Title != want || tc.text != file && n.Title != n.Name {
			t.Errorf("Find(%q): title %q of a network %q", tc.text, n.Title, n.Name)
		}
	}
}

func TestFindSaysWhatIsWrong(t *testing.T) {
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	dir := aRun(t, search.Trial{ID: 0, ArchID: a.ID(), Arch: arch, Genes: space.Genes{0}})
	text := filepath.Join(t.TempDir(), "net.txt")
	if err := os.WriteFile(text, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ text, want string }{
		{"", "no network given"},
		{"mobilnet_v2", "mobilenet_v2"},
		{"mobilenet_v2@widht=1", "width"},
		{dir, "name one of its trials"},
		{dir + ":7", "it has 0 to 0"},
		{dir + ":abc", "12 hexadecimal digits"},
		{dir + ":0@classes=0", "want classes=N"},
		{dir + ":0@width=2", `option "width=2": want classes=N`},
		{dir + ":ffffffffffff", "holds no trial"},
		{"nowhere/at/all:3", "no directory nowhere/at/all"},
		{"nowhere/at/all", "no such file or run"},
		{t.TempDir() + ":3", "holds no run"},
		{t.TempDir(), "holds no run"},
		{text, "net.txt is a file that nas does not read: want one that ends in .json, .toml, .onnx"},
		{"my.pb", "my.pb is the name of a file that is not there, and that nas would not read"},
		{"my.h5@res=224", "tf2onnx makes ONNX of it"},
		{"missing.json", "missing.json"},
		{"8x8x3 | nonsense", "position"},
	} {
		_, err := Find(tc.text, netfile.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Find(%q): %v, want it to say %q", tc.text, err, tc.want)
		}
	}
}

func TestWeightsFor(t *testing.T) {
	n, err := Find(arch, netfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := n.WeightsFor(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Check(n.Network); err != nil {
		t.Error(err)
	}
	n.Weights = w
	if again, err := n.WeightsFor(4); err != nil || again != w {
		t.Error("the network's own weights were not used")
	}
}

// TestTrialIsDescribed wants what a run knows of a trial in the network's Meta.
func TestTrialIsDescribed(t *testing.T) {
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	trial := search.Trial{ID: 0, ArchID: a.ID(), Arch: arch, Genes: space.Genes{0}}
	trial.Objectives = map[string]float64{"latency_ms": 1.25}
	trial.Parts = map[string]float64{"latency_ms_low": 1, "latency_ms_high": 1.5}
	dir := aRun(t, trial)
	n, err := Find(dir+":0", netfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"arch": a.String(), "arch_id": a.ID(), "trial": "0", "predicted_latency_ms": "1.25 (90 %: 1 to 1.5)",
	} {
		if n.Meta[key] != want {
			t.Errorf("Meta[%q] is %q, want %q", key, n.Meta[key], want)
		}
	}
}
