package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"nas/blocks/pytorch"
)

var update = flag.Bool("update", false, "write the golden files anew")

// nas runs a command line as the program would.
func nas(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// wantExit runs a command line and wants its exit code, and a text on standard error.
func wantExit(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	if got, _, stderr := nas(t, args...); got != code || !strings.Contains(stderr, want) {
		t.Errorf("nas %q: code %d, %q; want code %d and %q", args, got, stderr, code, want)
	}
}

const tinyArch = "32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10"

// estimates are figures of the fitted accuracy estimate, which are another with each fit.
var estimates = regexp.MustCompile(`(top-1 estimate  ).*`)

func TestGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"show":        {"show", "mobilenet_v2@width=0.35,res=96"},
		"show-layers": {"show", tinyArch, "--layers"},
		"show-json":   {"show", tinyArch, "--json"},
		"zoo-v2":      {"zoo", "mobilenet_v2"},
		"cost":        {"cost", "--in", "56x56x128", "--out", "256", "--kernel", "3", "--expand", "6", "--measure=false"},
		"cost-json":   {"cost", "--in", "14x14x6", "--out", "9", "--kernel", "5", "--stride", "2", "--measure=false", "--json"},
		"space":       {"space", "testdata/tiny.toml", "--sample", "2"},
		"export-toml": {"export", tinyArch, "--format", "toml", "--out", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, err := nas(t, args...)
			got := estimates.ReplaceAllString(out, "$1...")
			if err != "" {
				got += "--- stderr, exit code " + string(rune('0'+code)) + "\n" + err
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, e := os.ReadFile(path)
			if e != nil {
				t.Fatal(e)
			}
			if got != string(want) {
				t.Errorf("nas %s prints\n%s\nwant\n%s", strings.Join(args, " "), got, want)
			}
		})
	}
}

func TestWrongUseIsExitCode2(t *testing.T) {
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"do you mean", []string{"sho"}},
		{"unknown flag: --foo (nas show --help", []string{"show", "--foo", "x"}},
		{"unknown flag: --input-shapes, did you mean --input-shape?", []string{"show", "--input-shapes", "x"}},
		{"got 0 arguments", []string{"show"}},
		{"nearest", []string{"show", "mobilnet_v2"}},
		{"missing.toml", []string{"space", "missing.toml"}},
		{"want one config", []string{"space"}},
		{"--in \"56x56\"", []string{"cost", "--in", "56x56", "--out", "8"}},
		{"--out 0", []string{"cost", "--in", "56x56x3"}},
		{"--format \"gif\"", []string{"export", "mobilenet_v1", "--format", "gif", "--out", "-"}},
		{"--out is missing", []string{"export", "mobilenet_v1", "--format", "json"}},
		{"--input", []string{"infer", "mobilenet_v1"}},
		{"no.npy", []string{"infer", tinyArch, "--input", "no.npy", "--output", "y.npy"}},
		{`--sample "x": want a whole number`, []string{"space", "testdata/tiny.toml", "--sample", "x"}},
		{`--budget "1": want a time`, []string{"calibrate", "--budget", "1"}},
		{"--workers 0: want more than 0", []string{"run", "testdata/tiny.toml", "--workers", "0", "--out", "never"}},
		{"--runs 0: want more than 0", []string{"bench", tinyArch, "--runs", "0"}},
		{"--threads 0: want more than 0", []string{"predict", tinyArch, "--threads", "0"}},
		{"--workers -1", []string{"run", "testdata/tiny.toml", "--workers", "-1", "--out", "never"}},
		{"app_test.go is a file", []string{"run", "testdata/tiny.toml", "--out", "app_test.go/x"}},
		{"app_test.go is a file", []string{"report", "app_test.go"}},
		{"testdata is a directory", []string{"run", "testdata"}},
		{"nas calibrate --out no.json", []string{"predict", tinyArch, "--profile", "no.json"}},
		{`completion for "tcsh"`, []string{"completion", "tcsh"}},
		{"testdata is a directory", []string{"export", tinyArch, "--format", "json", "--out", "testdata"}},
		{"--sample -1", []string{"space", "testdata/tiny.toml", "--sample", "-1"}},
		{"--sample 1000001", []string{"space", "testdata/tiny.toml", "--sample", "1000001"}},
		{"net.onnx does not exist", []string{"show", "net.onnx"}},
		{"--diagram a.gif", []string{"show", tinyArch, "--diagram", "a.gif"}},
		{"--profile goes with --diagram", []string{"show", tinyArch, "--profile", "p.json"}},
		{"--plot a.gif", []string{"predict", tinyArch, "--plot", "a.gif"}},
		{"--out a.gif", []string{"plot", "testdata", "--out", "a.gif"}},
		{"there is no testdata/manifest.json", []string{"plot", "testdata", "--out", "a.svg"}},
		{"there is no testdata/manifest.json", []string{"report", "testdata"}},
		{"--serve \"localhost\"", []string{"run", "testdata/tiny.toml", "--serve", "localhost"}},
		{"--budget -3s", []string{"calibrate", "--budget", "-3s"}},
		{"no file has so long a name", []string{"work", strings.Repeat("x", 5000)}},
		{"no file has so long a name", []string{"pick", strings.Repeat("x", 5000)}},
		{"no file has so long a name", []string{"space", strings.Repeat("x", 5000) + ".toml"}},
		{"app_test.go/x: a part of the path is a file", []string{"work", "app_test.go/x"}},
		{"--accept-profile", []string{"ask", "testdata", "--accept-profile"}},
		{"--device tflite-adb:HOST", []string{"bench", tinyArch, "--device", "tflite-adb"}},
	} {
		code, out, err := nas(t, tc.args...)
		if code != exitUsage || !strings.HasPrefix(err, "nas: ") || !strings.Contains(err, tc.want) || out != "" {
			t.Errorf("nas %s: code %d, stderr %q, stdout %q, want 2 and %q", strings.Join(tc.args, " "), code, err, out, tc.want)
		}
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	_, help, _ := nas(t, "--help")
	var check func(cmd *cobra.Command, path string)
	check = func(cmd *cobra.Command, path string) {
		path += " " + cmd.Name()
		if cmd.Short == "" || cmd.Long == "" || !strings.Contains(cmd.Example, path) {
			t.Errorf("%s lacks a description or an example", path)
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: its short description ends in a stop", path)
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			checkFlags(t, cmd, path, line)
		}
		for _, sub := range cmd.Commands() {
			check(sub, path)
		}
	}
	at := 0
	for _, group := range commands {
		if !strings.Contains(help[at:], "\n"+group.heading+"\n") {
			t.Errorf("nas --help has no heading %s, or an earlier one", group.heading)
		}
		for _, make := range group.make {
			cmd := make(&app{})
			next := strings.Index(help[at:], "\n  "+cmd.Name()+" ")
			if next < 0 {
				t.Errorf("nas --help does not list %s in its place", cmd.Name())
			}
			at += max(next, 0)
			check(cmd, "nas")
		}
	}
}

// checkFlags holds the flags of an example against those that the command has.
func checkFlags(t *testing.T, cmd *cobra.Command, path, example string) {
	t.Helper()
	example, _, _ = strings.Cut(example, " | ")
	if cmd.HasSubCommands() || !strings.Contains(example, path+" ") {
		return // the examples are those of the subcommands, or this line is one of another command
	}
	for _, word := range strings.Fields(example) {
		name, ok := strings.CutPrefix(word, "--")
		if name, _, _ = strings.Cut(name, "="); ok && cmd.Flags().Lookup(name) == nil && name != "quiet" {
			t.Errorf("%s: the example has --%s, the command has not", path, name)
		}
	}
}

// Shells complete commands, flags, and what an argument or a flag may be.
func TestCompletion(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"pl", "plot"}, {"show mobilenet_v", "mobilenet_v2"}, {"plot --what g", "genes"}, {"export mobilenet_v2 --format py", "pytorch"},
		{"show mobilenet_v2 --la", "--layers"}, {"predict --device on", "onnxruntime"},
	} {
		words := strings.Fields(tc.args)
		code, out, err := nas(t, append([]string{"__complete"}, words...)...)
		if code != 0 || !strings.Contains(out, tc.want) {
			t.Errorf("nas %s<TAB> gives %q, want %q; %s", tc.args, out, tc.want, err)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := nas(t, "completion", shell); code != 0 || len(out) < 1000 {
			t.Errorf("nas completion %s: code %d, %d bytes", shell, code, len(out))
		}
	}
}

func TestShowLayersAddUp(t *testing.T) {
	for _, arch := range []string{"mobilenet_v1", "mobilenet_v3_large@res=160", tinyArch} {
		_, out, _ := nas(t, "show", arch, "--json")
		var v networkView
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		var params, macs int64
		for _, l := range v.Layers {
			params, macs = params+l.Params, macs+l.MACs
		}
		if params != v.Params || macs != v.MACs || params == 0 {
			t.Errorf("%s: layers have %d params and %d MACs, the network %d and %d", arch, params, macs, v.Params, v.MACs)
		}
	}
}

func TestExportedNetworksAreTheSame(t *testing.T) {
	dir := t.TempDir()
	_, want, _ := nas(t, "show", "mobilenet_v3_small", "--json")
	for _, format := range []string{"json", "toml"} {
		path := filepath.Join(dir, "sub", "net."+format)
		if code, _, err := nas(t, "export", "mobilenet_v3_small", "--out", path); code != 0 {
			t.Fatal(err)
		}
		if _, got, err := nas(t, "show", path, "--json"); got != want {
			t.Errorf("%s: exported and read back it shows\n%s%s", format, got, err)
		}
	}
}

// --input <(...) of a shell is a pipe, and a pipe has no size.
func TestReadNPYFromAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip(err)
	}
	wrote := make(chan error, 1)
	go func() {
		defer w.Close()
		wrote <- pytorch.WriteNPY(w, []float32{1, -2, 3}, []int{1, 3})
	}()
	values, shape, err := readNPY(path)
	if err != nil || !slices.Equal(values, []float32{1, -2, 3}) || !slices.Equal(shape, []int{1, 3}) {
		t.Errorf("%v of shape %v, %v; want what was written to the pipe", values, shape, err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestInfer(t *testing.T) {
	dir := t.TempDir()
	in, one, two := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y1.npy"), filepath.Join(dir, "y2.npy")
	x := make([]float32, 2*32*32*3)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	write := func(path string, values []float32, shape []int) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := pytorch.WriteNPY(f, values, shape); err != nil {
			t.Fatal(err)
		}
	}
	infer := func(out string) []float32 {
		if code, _, err := nas(t, "infer", tinyArch, "--input", in, "--output", out, "--seed", "3"); code != 0 {
			t.Fatal(err)
		}
		y, _, err := readNPY(out)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	write(in, x, []int{2, 32, 32, 3})
	both := infer(two)
	_, shape, _ := readNPY(two)
	if len(shape) != 2 || shape[0] != 2 || shape[1] != 10 {
		t.Errorf("two images give an array of shape %v, want [2 10]", shape)
	}
	write(in, x[32*32*3:], []int{32, 32, 3})
	second := infer(one)
	for i, v := range second {
		if both[10+i] != v || v == both[i] {
			t.Fatalf("the second image gives %v alone and %v behind another", second, both[10:])
		}
	}
	write(in, x, []int{2, 32, 96})
	wantExit(t, exitUsage, "[2 32 96]", "infer", tinyArch, "--input", in, "--output", one)
	if err := os.WriteFile(in, []byte("no array"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantExit(t, exitUsage, "no .npy array", "infer", tinyArch, "--input", in, "--output", one)
}

func TestNPYHeaderIsAligned(t *testing.T) {
	long := append([]int{1000}, slices.Repeat([]int{1}, 26)...)
	for _, shape := range [][]int{{}, {7}, {2, 3}, {1, 2, 3, 4}, long} {
		n := 1
		for _, d := range shape {
			n *= d
		}
		var b bytes.Buffer
		if err := pytorch.WriteNPY(&b, make([]float32, n), shape); err != nil {
			t.Fatal(err)
		}
		head := b.Len() - 4*n
		length := int(b.Bytes()[8]) | int(b.Bytes()[9])<<8
		if head%64 != 0 || head != length+10 || b.Bytes()[head-1] != '\n' {
			t.Errorf("shape %v: header of %d bytes, says %d", shape, head, length)
		}
	}
}

func TestInterruptIsExitCode130(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := &app{started: true}
	if code := a.exitCode(ctx, context.Canceled); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if code := a.exitCode(context.Background(), context.Canceled); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if code := a.exitCode(ctx, usage(fmt.Errorf("importance: %w", context.Cause(ctx)))); code != exitInterrupted {
		t.Errorf("an interrupted command that takes its errors for wrong use gives %d", code)
	}
	if code := a.exitCode(ctx, usagef("--runs 0")); code != exitUsage {
		t.Errorf("wrong use gives %d", code)
	}
}

func TestBadConfigIsReportedWhole(t *testing.T) {
	for _, command := range []string{"space", "run"} {
		code, out, err := nas(t, command, "testdata/bad.toml")
		if code != exitUsage || out != "" {
			t.Errorf("nas %s: code %d, stdout %q", command, code, out)
		}
		for _, want := range []string{
			"bad.toml:9: space.stage[1].kernel", "bad.toml:10: space.stage[1].colour", "bad.toml:13: search.population",
		} {
			if !strings.Contains(err, want) {
				t.Errorf("nas %s: %q does not report %q", command, err, want)
			}
		}
	}
}

func TestInferRefusesACutFile(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := pytorch.WriteNPY(&b, make([]float32, 2*32*32*3), []int{2, 32, 32, 3}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 5, 100, b.Len() / 2, b.Len() - 1} {
		x := filepath.Join(dir, "x.npy")
		write(t, x, b.Bytes()[:n])
		code, _, err := nas(t, "infer", tinyArch, "--input", x, "--output", filepath.Join(dir, "y.npy"))
		if code != exitUsage || !strings.Contains(err, "cut off") {
			t.Errorf("%d of %d bytes: code %d, %s", n, b.Len(), code, err)
		}
	}
}
