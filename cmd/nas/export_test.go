package main

import (
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/netfile"
)

// A network of an ONNX file is written with the names and the batch of that file, unless
// the flags say otherwise; flags of ONNX files are refused for others.
func TestExportONNX(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.onnx"), filepath.Join(dir, "second.onnx")
	const net = "mobilenet_v3_small@width=0.25,res=32,classes=10"
	wantExit(t, 0, "", "export", net, "--batch", "dynamic", "--opset", "13", "--fold-bn", "--out", first)
	wantExit(t, 0, "", "export", first, "--out", second, "--native-hardswish")
	a, err := netfile.Read(first, netfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := netfile.Read(second, netfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Input.Batch != 0 || b.Input.Batch != 0 {
		t.Errorf("batches of %d and %d, want open ones", a.Input.Batch, b.Input.Batch)
	}
	if a.Counts() != b.Counts() || len(a.Nodes) != len(b.Nodes) {
		t.Errorf("%+v is written again as %+v", a.Counts(), b.Counts())
	}
	for i, nd := range a.Nodes {
		if b.Nodes[i].Name != nd.Name {
			t.Errorf("node %q becomes %q", nd.Name, b.Nodes[i].Name)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"--opset 11 --format json --out x.json", "--opset goes with --format onnx"},
		{"--opset 10 --out x.onnx", "want 11 to 21"},
		{"--batch many --out x.onnx", `--batch "many"`},
		{"--batch 0 --out x.onnx", `--batch "0"`},
	} {
		args := append([]string{"export", net}, strings.Fields(c.args)...)
		if code, _, errs := nas(t, args...); code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s, want an error with %q", c.args, code, errs, c.want)
		}
	}
}
