package main

import (
	"bytes"
	"image/color"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nas/blocks/pytorch"
)

// saveNPY writes a NumPy file.
func saveNPY(t *testing.T, path string, values []float32, dims ...int) {
	t.Helper()
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, values, dims); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTFLiteCommands gives files of floats and of integers to the commands that take a network.
func TestTFLiteCommands(t *testing.T) {
	dir := t.TempDir()
	floats, integers := filepath.Join(dir, "f.tflite"), filepath.Join(dir, "Q.TFLite")
	x := make([]float32, 2*32*32*3)
	for i := range x {
		x[i] = float32(i%11)/5 - 1
	}
	images := filepath.Join(dir, "x.npy")
	saveNPY(t, images, x, 2, 32, 32, 3)
	wantExit(t, 0, "", "export", tinyArch, "--out", floats)
	wantExit(t, 0, "", "export", tinyArch, "--format", "tflite", "--quantize", "int8", "--calibrate", images, "--equalize",
		"--out", integers)
	const inFloats = "8-bit integers: the time is that of its network in float32"
	var results [2][]float32
	for i, file := range []string{floats, integers} {
		wantExit(t, 0, "", "show", file)
		for _, args := range [][]string{
			{"bench", file, "--runs", "2"}, {"bench", file, "--runs", "2", "--json"},
			{"predict", file, "--profile", "../../results/reference/mobile/profile.json"},
			{"predict", file, "--profile", "../../results/reference/mobile/profile.json", "--json"},
		} {
			code, stdout, stderr := nas(t, args...)
			if code != 0 || strings.Contains(stdout+stderr, inFloats) != (i == 1) {
				t.Errorf("nas %q: code %d\n%s%s", args, code, stdout, stderr)
			}
		}
		code, stdout, stderr := nas(t, "improve", file, "--profile", "../../results/reference/mobile/profile.json",
			"--accept-profile",
			"--evaluations", "16", "--out", filepath.Join(dir, "improved", strconv.Itoa(i)), "--json")
		said := strings.Contains(stderr, "8-bit integers: it is compared as its network in float32")
		if code != 0 || said != (i == 1) || strings.Contains(stdout+stderr, "fake_quant") {
			t.Errorf("nas improve %s: code %d\n%s%s", file, code, stdout, stderr)
		}
		y := filepath.Join(dir, "y.npy")
		wantExit(t, 0, "", "infer", file, "--input", images, "--output", y)
		var err error
		if results[i], _, err = readNPY(y); err != nil {
			t.Fatal(err)
		}
	}
	largest, worst := float32(0), float32(0)
	for i, v := range results[0] {
		largest, worst = max(largest, v, -v), max(worst, v-results[1][i], results[1][i]-v)
	}
	if worst == 0 || worst > largest/4 {
		t.Errorf("integers differ by %v from floats of up to %v", worst, largest)
	}
	// What was read is written again, as integers, too.
	wantExit(t, 0, "", "export", floats, "--quantize", "int8", "--io", "int8", "--per-tensor", "--out",
		filepath.Join(dir, "again.tflite"))
}

// TestCalibratePictures takes ranges from pictures, with means and deviations as nas infer has them.
func TestCalibratePictures(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "photos")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	savePicture(t, filepath.Join(folder, "a.png"), 40, 50, func(y, x int) color.NRGBA {
		return color.NRGBA{uint8(5 * y), uint8(4 * x), uint8(y * x), 255}
	})
	written := map[string]string{}
	for name, more := range map[string][]string{
		"noise":  nil,
		"folder": {"--calibrate", folder},
		"file":   {"--calibrate", filepath.Join(folder, "a.png")},
		"scaled": {"--calibrate", folder, "--mean", "0.5", "--std", "0.1,0.2,0.3"},
	} {
		out := filepath.Join(dir, name+".tflite")
		wantExit(t, 0, "", append([]string{"export", tinyArch, "--quantize", "int8", "--out", out}, more...)...)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		written[name] = string(data)
	}
	if written["folder"] != written["file"] || written["folder"] == written["noise"] ||
		written["folder"] == written["scaled"] {
		t.Error("a folder of one picture, the picture, noise and another scale give the wrong files the same bytes")
	}
	for want, more := range map[string][]string{
		"which is missing":      {"--mean", "0.5"},
		"2 numbers":             {"--calibrate", folder, "--mean", "0.5,0.5"},
		"holds no file":         {"--calibrate", dir},
		"there is no ":          {"--calibrate", filepath.Join(dir, "none")},
		`--io "uint8"`:          {"--io", "uint8"},
		`--quantize "int4"`:     {"--quantize", "int4"},
		"the network takes N x": {"--calibrate", filepath.Join(dir, "x.npy")},
	} {
		saveNPY(t, filepath.Join(dir, "x.npy"), make([]float32, 12), 1, 2, 2, 3)
		wantExit(t, 2, want, append([]string{"export", tinyArch, "--quantize", "int8", "--out",
			filepath.Join(dir, "q.tflite")}, more...)...)
	}
	wantExit(t, 2, "go with --quantize int8", "export", tinyArch, "--out", filepath.Join(dir, "q.tflite"), "--equalize")
	wantExit(t, 2, "go with --quantize int8", "export", tinyArch, "--out", filepath.Join(dir, "q.onnx"), "--equalize")
}
