package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks/pytorch"
)

// TestWeightsTravel exports a PyTorch module, and runs the network on the
// weights beside it: what comes out is what the drawn weights give.
func TestWeightsTravel(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	f, err := os.Create(at("x.npy"))
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 32*32*3)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	if err := pytorch.WriteNPY(f, x, []int{32, 32, 3}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	do := func(args ...string) {
		t.Helper()
		if code, _, stderr := nas(t, args...); code != 0 {
			t.Fatalf("nas %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	do("export", tinyArch, "--seed", "5", "--out", at("net.py"))
	if !strings.Contains(string(read("net.py")), "class Network(nn.Module)") {
		t.Errorf("net.py is\n%s", read("net.py"))
	}
	infer := func(out string, more ...string) {
		t.Helper()
		do(append([]string{"infer", tinyArch, "--input", at("x.npy"), "--output", at(out)}, more...)...)
	}
	infer("drawn.npy", "--seed", "5")
	infer("read.npy", "--weights", at("net.safetensors"))
	infer("other.npy", "--seed", "6")
	if !bytes.Equal(read("drawn.npy"), read("read.npy")) {
		t.Error("the weights read give another output than those drawn")
	}
	if bytes.Equal(read("drawn.npy"), read("other.npy")) {
		t.Error("another seed gives the same output")
	}
	// Weights also go into the formats that hold them.
	do("export", tinyArch, "--weights", at("net.safetensors"), "--out", at("a.onnx"))
	do("export", tinyArch, "--seed", "5", "--out", at("b.onnx"))
	if !bytes.Equal(read("a.onnx"), read("b.onnx")) {
		t.Error("an export with --weights differs from one that draws the same")
	}
	do("bench", tinyArch, "--weights", at("net.safetensors"), "--runs", "2")
	wantExit(t, exitUsage, "net.safetensors", "bench", "mobilenet_v1@res=32", "--weights", at("net.safetensors"))
	wantExit(t, exitUsage, "a network with 10 classes, name that one, such as results/mobile:17@classes=10",
		"bench", strings.Replace(tinyArch, "_n10", "_n7", 1), "--weights", at("net.safetensors"))
	wantExit(t, exitUsage, "one network", "bench", tinyArch, "alexnet", "--weights", at("net.safetensors"))
	code, _, stderr := nas(t, "infer", "mobilenet_v1@res=32", "--input", at("x.npy"), "--output", at("y.npy"),
		"--weights", at("net.safetensors"))
	if code != 2 || !strings.Contains(stderr, "net.safetensors") ||
		!strings.Contains(stderr, "tensors missing: stage2.0.depthwise") {
		t.Errorf("weights of another network: exit code %d: %s", code, stderr)
	}
}
