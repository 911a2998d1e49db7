package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/arenaview"
)

// TestShowArena plans the memory of a network and of the file that is written of it: the same.
func TestShowArena(t *testing.T) {
	dir := t.TempDir()
	const net = "mobilenet_v1@width=0.25,res=32,classes=2"
	of := func(arg string) *arenaview.View {
		t.Helper()
		code, out, stderr := nas(t, "show", arg, "--arena", "--json")
		var v struct{ Arena *arenaview.View }
		if err := json.Unmarshal([]byte(out), &v); code != exitDone || err != nil || v.Arena == nil {
			t.Fatalf("%v: %s %s", err, out, stderr)
		}
		return v.Arena
	}
	file, floats := filepath.Join(dir, "a.tflite"), filepath.Join(dir, "f.tflite")
	wantExit(t, exitDone, "", "export", net, "--quantize", "int8", "--io", "int8", "--out", file)
	wantExit(t, exitDone, "", "export", net, "--out", floats)
	a, b, f := of(net), of(file), of(floats)
	if a.Planned == 0 || a.Planned != b.Planned || a.DType != "int8" || len(a.Buffers) != len(b.Buffers) {
		t.Errorf("the network needs %d bytes, its file %d", a.Planned, b.Planned)
	}
	if f.DType != "float32" || f.Planned < 7*a.Planned/2 || f.Planned > 4*a.Planned+64 {
		t.Errorf("in %s it needs %d bytes, in int8 %d", f.DType, f.Planned, a.Planned)
	}
	code, out, _ := nas(t, "show", net, "--arena")
	if rows := strings.Count(out, "CONV_2D"); code != exitDone || rows < 27 || !strings.Contains(out, "planned ") {
		t.Errorf("%d rows of convolutions in:\n%s", rows, out)
	}
	picture := filepath.Join(dir, "a.svg")
	wantExit(t, exitDone, "", "show", net, "--arena="+picture)
	if svg, err := os.ReadFile(picture); err != nil || !strings.Contains(string(svg), "place in the arena") {
		t.Errorf("the picture: %v", err)
	}
	wantExit(t, exitUsage, "--arena a.doc", "show", net, "--arena=a.doc")
	layered := filepath.Join(dir, "n.toml")
	wantExit(t, exitDone, "", "export", net, "--out", layered)
	if c := of(layered); c.Planned != a.Planned {
		t.Errorf("the network's text needs %d bytes, the network %d", c.Planned, a.Planned)
	}
}

// TestExportCArray compiles nothing: the bytes of the array are those of the file.
func TestExportCArray(t *testing.T) {
	dir := t.TempDir()
	const net = "mobilenet_v1@width=0.25,res=32,classes=2"
	file, array := filepath.Join(dir, "net.tflite"), filepath.Join(dir, "net.cc")
	wantExit(t, exitDone, "", "export", net, "--quantize", "int8", "--io", "int8", "--out", file)
	wantExit(t, exitDone, "", "export", net, "--out", array)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(array)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytesOfArray(t, string(text)); string(got) != string(want) {
		t.Errorf("the array has %d bytes, the file %d, or others", len(got), len(want))
	}
	header, err := os.ReadFile(filepath.Join(dir, "net.h"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"extern const unsigned char mobilenet_v1_", "bytes planned", "Operators: "} {
		if !strings.Contains(string(header), want) {
			t.Errorf("no %q in the header:\n%s", want, header)
		}
	}
	if !strings.Contains(string(text), "alignas(16) const unsigned char mobilenet_v1_") {
		t.Errorf("the array is not aligned: %.300s", text)
	}
	wantExit(t, exitUsage, "--opset goes with --format onnx", "export", net, "--out", array, "--opset", "13")
}

// bytesOfArray reads the numbers between the braces of the array.
func bytesOfArray(t *testing.T, text string) (b []byte) {
	t.Helper()
	_, list, _ := strings.Cut(text, "[] = {")
	list, _, ok := strings.Cut(list, "};")
	if !ok {
		t.Fatalf("no array in %.300s", text)
	}
	for word := range strings.FieldsSeq(list) {
		var v byte
		for _, c := range strings.TrimSuffix(strings.TrimPrefix(word, "0x"), ",") {
			v = v<<4 | byte(strings.IndexRune("0123456789abcdef", c))
		}
		b = append(b, v)
	}
	return b
}
