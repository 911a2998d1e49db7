package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrainInherits: a network that begins with the weights of another one is right before it is trained, and after one
// epoch better than the other was then. Its training is the same for any number of threads, and if it is interrupted.
func TestTrainInherits(t *testing.T) {
	data, dir := trainingData(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	train := func(arch, out string, more ...string) (result trained, stderr string) {
		t.Helper()
		code, stdout, stderr := nas(t, append([]string{"train", arch, "--data", data, "--batch", "64", "--shift", "0", "--lr",
			"0.05", "--json", "--out", file(out)}, more...)...)
		if code != exitDone {
			t.Fatalf("code %d: %s", code, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), &result); err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
		return result, stderr
	}
	parent, _ := train(trainArch, "parent.safetensors", "--epochs", "6")
	wider := strings.NewReplacer("ds_k3_s1_c16", "ds_k5_s1_c24").Replace(trainArch)
	from := []string{"--inherit", trainArch, "--inherit-weights", file("parent.safetensors")}
	child, stderr := train(wider, "child.safetensors", append(from, "--epochs", "2", "--threads", "1")...)
	if !strings.Contains(stderr, "inherits") || !strings.Contains(stderr, "before the training") {
		t.Errorf("it says %q", stderr)
	}
	if child.Epochs[0].ValPct < parent.Epochs[0].ValPct+5 {
		t.Errorf("after one epoch %.1f %% are right, and %.1f %% of its parent were", child.Epochs[0].ValPct,
			parent.Epochs[0].ValPct)
	}
	for _, until := range []string{"1", "2"} {
		train(wider, "parts.safetensors", append(from, "--epochs", "2", "--until", until, "--threads", "2", "--resume")...)
	}
	if string(contents(t, file("child.safetensors"))) != string(contents(t, file("parts.safetensors"))) {
		t.Error("an interrupted training from inherited weights ends with other weights")
	}
	for name, more := range map[string][]string{"as they are": nil, "fitted to images": {"--data", data}} {
		args := append([]string{"export", wider, "--out", file(name + ".onnx")}, from...)
		code, _, stderr := nas(t, append(args, more...)...)
		if code != exitDone || !strings.Contains(stderr, "inherits") || strings.Contains(stderr, "random") {
			t.Errorf("%s: code %d: %s", name, code, stderr)
		}
	}
	if string(contents(t, file("as they are.onnx"))) == string(contents(t, file("fitted to images.onnx"))) {
		t.Error("--data changes nothing")
	}
}

// TestInheritRefuses wants a sentence for each parent that there is none of.
func TestInheritRefuses(t *testing.T) {
	data, dir := trainingData(t)
	out := filepath.Join(dir, "x.safetensors")
	for _, c := range []struct {
		want  string
		flags []string
	}{
		{"no trained weights", []string{"--inherit", trainArch}},
		{"want one of them", []string{"--inherit", trainArch, "--weights", "w.safetensors"}},
		{"go with --inherit", []string{"--inherit-weights", "w.safetensors"}},
		{"no_such_network", []string{"--inherit", "no_such_network"}},
	} {
		code, _, stderr := nas(t, append([]string{"train", trainArch, "--data", data, "--out", out}, c.flags...)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: code %d: %s", c.flags, code, stderr)
		}
	}
	code, _, stderr := nas(t, "export", trainArch, "--out", filepath.Join(dir, "x.onnx"), "--data", data)
	if code != exitUsage || !strings.Contains(stderr, "go with --inherit") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
