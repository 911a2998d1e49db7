package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks/pytorch"
	"nas/internal/imagestest"
)

// trainArch is a network for the images of imagestest.
const trainArch = "12x12x1 | conv_k3_s2_c8_relu | ds_k3_s1_c16_hswish_both | classifier_c16_relu_n4"

// trainingData writes images, and returns their folder and one for results.
func trainingData(t *testing.T) (data, out string) {
	t.Helper()
	data = t.TempDir()
	imagestest.WriteIDX(t, data, 1500, 12, 4)
	return data, t.TempDir()
}

// contents reads a file.
func contents(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestTrain: a training that is interrupted after each epoch and goes on, with any number of threads, ends with the
// bytes of one that is not. Its weights go into the other commands.
func TestTrain(t *testing.T) {
	data, dir := trainingData(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	args := func(out string, more ...string) []string {
		return append([]string{"train", trainArch, "--data", data, "--epochs", "6", "--batch", "64", "--shift", "0",
			"--lr", "0.05", "--out", file(out), "--quiet"}, more...)
	}
	code, stdout, stderr := nas(t, args("whole.safetensors", "--threads", "1", "--test", "--json")...)
	if code != exitDone {
		t.Fatalf("code %d: %s", code, stderr)
	}
	var result trained
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if n := len(result.Epochs); n != 6 || result.TestPct == nil || *result.TestPct < 90 || result.Epochs[5].ValPct < 90 ||
		result.Images != 1200 || result.Val != 300 {
		t.Errorf("%s", stdout)
	}
	for _, until := range []string{"1", "4", "6"} {
		code, stdout, stderr = nas(t, args("parts.safetensors", "--threads", "2", "--until", until, "--resume")...)
		if code != exitDone || !strings.Contains(stdout, "\n    1 ") || !strings.Contains(stdout, "\n    "+until+" ") {
			t.Fatalf("until %s: code %d: %s%s", until, code, stdout, stderr)
		}
	}
	whole := contents(t, dir, "whole.safetensors")
	if !bytes.Equal(whole, contents(t, dir, "parts.safetensors")) {
		t.Error("a training that was resumed has other weights")
	}
	if svg := contents(t, dir, "whole.svg"); !bytes.Contains(svg, []byte("validation images")) {
		t.Error("the learning curve names no images")
	}

	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, make([]float32, 144), []int{12, 12, 1}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("x.npy"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	wantExit(t, 0, "", "infer", trainArch, "--weights", file("whole.safetensors"), "--input", file("x.npy"), "--output",
		file("y.npy"))
	for _, name := range []string{"net.onnx", "net.tflite", "net.py"} {
		wantExit(t, 0, "", "export", trainArch, "--weights", file("whole.safetensors"), "--out", file(name))
	}
	wantExit(t, 0, "", "infer", file("net.onnx"), "--input", file("x.npy"), "--layout", "hwc", "--output", file("z.npy"))
	y, _, err := readNPY(file("y.npy"))
	if err != nil {
		t.Fatal(err)
	}
	z, _, err := readNPY(file("z.npy"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range y {
		if d := y[i] - z[i]; d > 1e-4 || d < -1e-4 {
			t.Errorf("the exported network returns %v, and this program %v", z, y)
			break
		}
	}
}

// TestTrainRefuses wants a sentence for each mistake, and nothing overwritten.
func TestTrainRefuses(t *testing.T) {
	data, dir := trainingData(t)
	out := filepath.Join(dir, "w.safetensors")
	train := func(more ...string) []string {
		return append([]string{"train", trainArch, "--data", data, "--epochs", "1", "--out", out}, more...)
	}
	wantExit(t, 2, "--data is missing", "train", trainArch)
	wantExit(t, 2, "no folder", "train", trainArch, "--data", filepath.Join(dir, "none"), "--out", out)
	wantExit(t, 2, ".safetensors", train("--out", filepath.Join(dir, "w.pt"))...)
	wantExit(t, 2, "multiple of 8", train("--batch", "12")...)
	wantExit(t, 2, "want sgd or adamw", train("--optimizer", "adam")...)
	wantExit(t, 2, "--until 2", train("--until", "2")...)
	wantExit(t, 2, "12x12x1", "train", tinyArch, "--data", data, "--out", out)
	wantExit(t, 2, "have 4 classes", "train", strings.Replace(trainArch, "_n4", "_n5", 1), "--data", data, "--out", out)
	wantExit(t, 0, "", train("--quiet")...)
	before := contents(t, dir, "w.safetensors")
	wantExit(t, 2, "--resume goes on", train()...)
	wantExit(t, 2, "other options", train("--resume", "--seed", "9")...)
	wantExit(t, 1, "learning rate", "train", trainArch, "--data", data, "--lr", "900", "--out",
		filepath.Join(dir, "v.safetensors"))
	if !bytes.Equal(before, contents(t, dir, "w.safetensors")) {
		t.Error("the weights were overwritten")
	}
	damaged := "nas-train-1\n" + strings.Repeat("x", 60)
	if err := os.WriteFile(filepath.Join(dir, "w.checkpoint"), []byte(damaged), 0o600); err != nil {
		t.Fatal(err)
	}
	wantExit(t, 2, "damaged", train("--resume")...)
}
