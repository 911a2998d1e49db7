package netfile

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

func TestRoundTrip(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	n.Meta = map[string]string{"arch": "a | b"}
	for _, f := range Readable() {
		data, err := Encode(f, n, func() (*blocks.Weights, error) { return blocks.NewWeights(n, 1), nil }, Form{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "net."+f)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if models[f] != nil { // keeps what it computes, not how it was written down
			if got.Counts().MACs != n.Counts().MACs || got.Meta["arch"] != n.Meta["arch"] {
				t.Errorf("%s: counts are %+v and metadata %v, want %+v and %v", f, got.Counts(), got.Meta, n.Counts(), n.Meta)
			}
			continue
		}
		if !reflect.DeepEqual(got.Network, n) {
			t.Errorf("%s: the network read differs from the one written", f)
		}
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.json": "{", "b.json": `{"format":"nas-network-9"}`, "c.toml": "x = ", "d.toml": `format = "nas-network-1"`, "e.txt": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path, Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v, want one that names the file", name, err)
		}
	}
	if _, err := Encode("png", nil, nil, Form{}); err == nil {
		t.Error("an unknown format was written")
	}
}

func TestPyTorchWritesTwoFiles(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@res=64")
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 3)
	out := filepath.Join(t.TempDir(), "net.v2.py")
	if f := FormatOf(out); f != "pytorch" || Ending(f) != "py" {
		t.Errorf("the format of %s is %q", out, f)
	}
	files, err := Files("pytorch", out, n, func() (*blocks.Weights, error) { return w, nil }, Form{})
	if err != nil {
		t.Fatal(err)
	}
	beside := strings.TrimSuffix(out, ".py") + ".safetensors"
	if len(files) != 2 || files[0].Path != out || files[1].Path != beside ||
		!strings.Contains(string(files[0].Data), "class MobileNetV3Small(") {
		t.Fatalf("%d files, want %s and %s", len(files), out, beside)
	}
	if err := os.WriteFile(beside, files[1].Data, 0o644); err != nil {
		t.Fatal(err)
	}
	got, _, err := ReadWeights(beside, n)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, w) {
		t.Error("the weights read differ from those written")
	}
	if IsFile(out) {
		t.Error("a Python file is taken for one that is read")
	}
}
