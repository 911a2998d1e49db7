package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nas/blocks"
	"nas/internal/edits"
)

// longNumber is a number whose last digits differ between processors.
var longNumber = regexp.MustCompile(`-?\d+\.\d{5,}(e-?\d+)?`)

// TestExplainGolden compares text and JSON of a network and a profile that come with the program.
func TestExplainGolden(t *testing.T) {
	const arch = "64x64x3 | conv_k3_s2_c16_hswish | mbconv_k5_s2_x64_c24_hswish_se16:relu:hsigmoid " +
		"mbconv_k3_s1_x96_c24_relu6_res | classifier_c256_hswish_n10"
	for name, args := range map[string][]string{
		"explain":      {"explain", arch, "--profile", "pixel4", "--quiet"},
		"explain-json": {"explain", arch, "--profile", "pixel4", "--quiet", "--json"},
	} {
		code, got, stderr := nas(t, args...)
		if code != exitDone {
			t.Fatalf("nas %s: %s", strings.Join(args, " "), stderr)
		}
		got = longNumber.ReplaceAllStringFunc(got, func(s string) string {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			return strconv.FormatFloat(v, 'g', 5, 64)
		})
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("nas %s prints\n%s\nwant\n%s", strings.Join(args, " "), got, want)
		}
	}
}

// TestExplainApply writes an edited network in each format, with weights where the format has them, and reads it back.
func TestExplainApply(t *testing.T) {
	t.Chdir(t.TempDir())
	const arch = "mobilenet_v3_small@res=96,classes=10"
	base := []string{"explain", arch, "--profile", "pixel4", "--quiet"}
	for _, out := range []string{"better.onnx", "better.toml", "better.json", "better.tflite", "better.py"} {
		wantExit(t, exitDone, "", append(base, "--apply", "se@all,1", "--out", out)...)
		if out == "better.py" {
			continue
		}
		n, err := find(out)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n.Nodes {
			if _, ok := n.Nodes[i].Op.(*blocks.Mul); ok {
				t.Errorf("%s has a gate", out)
			}
		}
		if s := n.Output(); s.Elems() != 10 {
			t.Errorf("%s has an output of %v", out, s)
		}
	}
	if _, err := os.Stat("better.safetensors"); err != nil {
		t.Error(err)
	}
	// Weights of the file that both networks have stay, bit for bit.
	wantExit(t, exitDone, "", "export", arch, "--out", "net.onnx", "--quiet", "--seed", "5")
	wantExit(t, exitDone, "", "explain", "net.onnx", "--profile", "pixel4", "--apply", "se@all", "--out", "less.onnx",
		"--quiet")
	before, after := weightsByName(t, "net.onnx"), weightsByName(t, "less.onnx")
	if len(after) < 20 || len(after) >= len(before) {
		t.Errorf("%d tensors became %d", len(before), len(after))
	}
	for name, w := range after {
		if v := before[name]; len(v) != len(w) || len(w) > 0 && v[0] != w[0] {
			t.Errorf("%s has other weights than before", name)
		}
	}
}

// weightsByName are the first tensors of a file's nodes.
func weightsByName(t *testing.T, file string) map[string][]float32 {
	t.Helper()
	n, err := find(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := n.WeightsFor(0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{}
	for i := range n.Nodes {
		if ts := w.Node(i); len(ts) > 0 {
			all[n.Nodes[i].Name] = ts[0]
		}
	}
	return all
}

// TestExplainFiles writes the picture and the page, and the figures as JSON.
func TestExplainFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, stderr := nas(t, "explain", "mobilenet_v2", "--profile", "pixel4", "--svg", "roof.svg", "--html",
		"page.html", "--json")
	if code != exitDone {
		t.Fatal(stderr)
	}
	for file, want := range map[string]string{"roof.svg": "<svg", "page.html": "<!doctype html>"} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data[:min(len(data), 200)]), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	var v struct {
		Blocks, Operators, Calls []any
		Edits                    []struct{ Kind string }
	}
	err := json.Unmarshal([]byte(out), &v)
	if err != nil || len(v.Blocks) < 10 || len(v.Calls) < len(v.Blocks) || len(v.Edits) < 5 {
		t.Errorf("%v: %d blocks, %d calls, %d edits", err, len(v.Blocks), len(v.Calls), len(v.Edits))
	}
	for _, e := range v.Edits {
		if !strings.Contains(strings.Join(edits.Kinds(), " "), e.Kind) || e.Kind == "" {
			t.Errorf("there is no kind %q", e.Kind)
		}
	}
}

func TestWrongUseOfExplain(t *testing.T) {
	base := []string{"explain", "mobilenet_v2", "--profile", "pixel4"}
	for want, args := range map[string][]string{
		"go together":       {"--apply", "1"},
		"is not one of the": {"--apply", "se@4", "--out", filepath.Join(t.TempDir(), "x.onnx")},
		"nothing is left":   {"--apply", "block@3,block@3", "--out", filepath.Join(t.TempDir(), "x.onnx")},
		"--format \"bin\"":  {"--apply", "1", "--out", "x.bin"},
		"the device of the": {"--measure", "3"},
		"want 1s to":        {"--calibrate", "1ms"},
		"want 0 or more":    {"--top", "-1"},
		"--svg x.gif":       {"--svg", "x.gif"},
		"--recipe \"no\"":   {"--recipe", "no"},
	} {
		wantExit(t, exitUsage, want, append(base, args...)...)
	}
}
