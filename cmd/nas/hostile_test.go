package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// wrongUse runs a command that nobody can carry out. It must end at once, with exit code 2 and a sentence for a person
// that names the file.
func wrongUse(t *testing.T, file string, args ...string) {
	t.Helper()
	start := time.Now()
	code, _, stderr := nas(t, args...)
	message := stderr[max(0, strings.LastIndex(stderr, "nas: ")):]
	switch {
	case code != exitUsage:
		t.Errorf("%q: code %d, want %d: %s", args, code, exitUsage, message)
	case !strings.Contains(message, filepath.Base(file)) || len(strings.TrimSpace(message)) < 25:
		t.Errorf("%q: %q: want a sentence that names %s", args, message, filepath.Base(file))
	case goSpeak.MatchString(message):
		t.Errorf("%q: %q: %q is no word for a person", args, message, goSpeak.FindString(message))
	case time.Since(start) > time.Minute: // of a busy machine: it would wait without end
		t.Errorf("%q: ends after %v", args, time.Since(start))
	}
}

// damagedPictures are files that have the ending of a picture and are none.
func damagedPictures(t *testing.T) map[string][]byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range 30 {
		img.Set(i, i, color.NRGBA{uint8(8 * i), 99, 7, 255})
	}
	var p, j bytes.Buffer
	if err := png.Encode(&p, img); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&j, img, nil); err != nil {
		t.Fatal(err)
	}
	changed := func(data []byte, at int, with ...byte) []byte {
		out := bytes.Clone(data)
		copy(out[at:], with)
		return out
	}
	size := bytes.Index(j.Bytes(), []byte{0, 30, 0, 40}) // of the JPEG file
	if size < 0 {
		t.Fatal("a JPEG file without its size")
	}
	return map[string][]byte{
		"empty.png": nil, "text.png": []byte("hello"), "cut.png": p.Bytes()[:p.Len()/2], "head.png": p.Bytes()[:20],
		"checksum.png": changed(p.Bytes(), p.Len()/2, 'x', 'y'), "depth.png": changed(p.Bytes(), 24, 7),
		"cut.jpg": j.Bytes()[:j.Len()/2], "head.jpg": j.Bytes()[:4], "none.jpg": changed(j.Bytes(), size, 0, 0, 0, 0),
		"flat.jpg": changed(j.Bytes(), size, 0, 0), "huge.jpg": changed(j.Bytes(), size, 0xff, 0xff, 0xff, 0xff),
	}
}

// Damaged pictures, alone and among good ones: each is named.
func TestDamagedPictures(t *testing.T) {
	for name, data := range damagedPictures(t) {
		folder := filepath.Join(t.TempDir(), "photos")
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		savePicture(t, filepath.Join(folder, "a.png"), 40, 40, func(int, int) color.NRGBA { return color.NRGBA{A: 255} })
		file, out := filepath.Join(folder, name), filepath.Join(t.TempDir(), "out")
		write(t, file, data)
		wrongUse(t, file, "infer", tinyArch, "--input", file, "--output", out+".npy")
		wrongUse(t, file, "export", tinyArch, "--quantize", "int8", "--calibrate", folder, "--out", out+".tflite")
	}
}

// Arrays that are no images, or hold no numbers.
func TestDamagedArrays(t *testing.T) {
	const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 32, 32, 3), }"
	values := make([]byte, 4*32*32*3)
	array := func(version byte, head string, values []byte) []byte {
		b := []byte("\x93NUMPY" + string([]byte{version, 0}))
		if version == 1 {
			b = binary.LittleEndian.AppendUint16(b, uint16(len(head)))
		} else {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(head)))
		}
		return append(append(b, head...), values...)
	}
	with := func(old, new string) []byte { return array(1, strings.Replace(head, old, new, 1), values) }
	filled := func(v uint32) []byte { return bytes.Repeat(binary.LittleEndian.AppendUint32(nil, v), len(values)/4) }
	for name, data := range map[string][]byte{
		"empty": nil, "magic": []byte("NUMPY"), "version": array(9, head, values), "short": array(1, head, values[:99]),
		"objects": with("<f4", "|O"), "whole": with("<f4", "<i8"), "negative": with("(1,", "(-1,"),
		"huge": with("(1,", "(99999999999,"), "overflow": with("(1, 32, 32, 3)", "(4611686018427387904, 4, 1, 1)"),
		"nothing": with("(1,", "(0,"), "size": with("32, 32", "16, 64"), "words": array(1, "hello", values),
		"length": append([]byte("\x93NUMPY\x02\x00"), 0xf0, 0xff, 0xff, 0xff, 'x'),
	} {
		file := filepath.Join(t.TempDir(), name+".npy")
		write(t, file, data)
		wrongUse(t, file, "infer", tinyArch, "--input", file, "--output", file+".y.npy")
		wrongUse(t, file, "export", tinyArch, "--quantize", "int8", "--calibrate", file, "--out", file+".tflite")
	}
	for name, bits := range map[string]uint32{"nan": 0x7fc00000, "inf": 0x7f800000} { // which a network may be run on
		file := filepath.Join(t.TempDir(), name+".npy")
		write(t, file, array(1, head, filled(bits)))
		wrongUse(t, file, "export", tinyArch, "--quantize", "int8", "--calibrate", file, "--out", file+".tflite")
	}
}

// Every flag of every command that takes a text: without one it is refused, as if a script's variable were not set.
func TestEmptyFlags(t *testing.T) {
	run := filepath.Join("testdata", "formats", "v0.1", "run")
	for _, args := range [][]string{
		{"run", "testdata/tiny.toml", "--profile"}, {"run", "testdata/tiny.toml", "--serve"},
		{"run", "testdata/tiny.toml", "--warm-start"}, {"run", "testdata/tiny.toml", "--evaluations"},
		{"export", tinyArch, "--out"}, {"export", tinyArch, "--weights"}, {"export", tinyArch, "--quantize"},
		{"bench", tinyArch, "--device"}, {"predict", tinyArch, "--profile"}, {"pick", run, "--latency"},
		{"pick", run, "--weights"}, {"plot", run, "--what"}, {"infer", tinyArch, "--mean"}, {"show", tinyArch, "--diagram"},
	} {
		name := args[len(args)-1]
		wrongUse(t, name, append(args, "")...)
	}
}

// Numbers and options that nobody can mean, told before anything is measured.
func TestImpossibleOptions(t *testing.T) {
	macro := []string{"validate", "accuracy", "--benchmark", "macro", "--proxy", "surrogate"}
	for _, args := range [][]string{
		append(macro, "--trained=0"), append(macro, "--trained=-1"), append(macro, "--trained=1000000"),
		append(macro, "--draws=0"), append(macro, "--draws=-1"),
		{"calibrate", "--target-error=-1"}, {"calibrate", "--target-error=nan"}, {"calibrate", "--target-error=100"},
		{"calibrate", "--budget=999999h"}, {"bench", tinyArch, "--sustained=999999h"},
		{"bench", tinyArch, "--budget=999999h"},
		{"infer", tinyArch, "--input", "x.png", "--output", "y.npy", "--std=-1"},
		{"show", tinyArch, "--output-name=x"}, {"show", tinyArch, "--input-shape=1,3,8,8"},
	} {
		if args[0] == "infer" {
			args[3] = filepath.Join(t.TempDir(), "x.png")
			savePicture(t, args[3], 8, 8, func(int, int) color.NRGBA { return color.NRGBA{A: 255} })
		}
		flag, _, _ := strings.Cut(strings.TrimLeft(args[len(args)-1], "-"), "=")
		if flag == "trained" {
			flag = "trained networks"
		}
		wrongUse(t, flag, args...)
	}
}

// Tables of trained networks that are none.
func TestOddTrainedTables(t *testing.T) {
	for name, text := range map[string]string{
		"twice": "id,accuracy,accuracy\n0,70,71\n", "nameless": "name,accuracy\nx,70\n", "blank": "id,accuracy\n0,\n",
		"header": "id,accuracy\n", "empty": "", "comma": "id,accuracy\n0,\"72,5\"\n", "above": "id,accuracy\n0,101\n",
		"share": "id,accuracy\n0,0.72\n1,0.74\n", "stranger": "id,accuracy\n999999,70\n", "half": "id,accuracy\n1.5,70\n",
		"short": "id,accuracy,note\n0\n", "long": "id,accuracy\n0,70,1,2\n", "quote": "id,accuracy\n\"0,70\n",
		"escape": "id,\x1b[2Jaccuracy\n0,70\n", "lines": "id,accuracy\r0,70\r", "wide": strings.Repeat("c,", 5000) + "d\n",
		"utf16": "\xff\xfei\x00d\x00,\x00a\x00\n\x00", "cell": "id,accuracy\n0," + strings.Repeat("7", 1<<20) + "\n",
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "formats", "v0.1"))); err != nil {
			t.Fatal(err)
		}
		file, run := filepath.Join(dir, name+".csv"), filepath.Join(dir, "run")
		write(t, file, []byte(text))
		before, err := os.ReadFile(filepath.Join(run, "told.csv"))
		if err != nil {
			t.Fatal(err)
		}
		wrongUse(t, file, "tell", run, file)
		if after, err := os.ReadFile(filepath.Join(run, "told.csv")); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: a table that is refused changes told.csv (%v)", name, err)
		}
		if name == "twice" || name == "short" || name == "quote" || name == "share" {
			text = strings.Replace(strings.Replace(text, "id,", "arch,", 1), "\n0", "\nmobilenet_v2", 1)
			write(t, file, []byte(text))
			wrongUse(t, file, "validate", "accuracy", "--benchmark", file, "--proxy", "macs")
		}
	}
}

// Files of weights of another kind, or damaged.
func TestDamagedWeights(t *testing.T) {
	header := func(text string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	}
	for name, data := range map[string][]byte{
		"list.safetensors": header("[1, 2]"), "null.safetensors": header("null"), "text.safetensors": header("{{{{"),
		"deep.safetensors": header(strings.Repeat(`{"a":`, 20000)), "zero.safetensors": header(""),
		"types.safetensors": header(`{"stem.conv.weight":{"dtype":5,"shape":"x"}}`), "empty.npz": nil,
		"cut.npz": []byte("PK\x03\x04\x14\x00"), "net.pt": []byte("PK\x03\x04"), "net.h5": []byte("\x89HDF\r\n"),
	} {
		file := filepath.Join(t.TempDir(), name)
		write(t, file, data)
		wrongUse(t, file, "export", tinyArch, "--weights", file, "--out", file+".onnx")
	}
}

// The address space that a Go program reserves is more than it uses: with too little it would end in a trace.
func TestLittleMemory(t *testing.T) {
	if os.Getenv("NAS_TEST_LITTLE_MEMORY") != "" {
		os.Args = []string{"nas", "version"}
		main()
	}
	if _, err := os.Stat("/bin/bash"); err != nil || runtime.GOOS != "linux" {
		t.Skip("skipped: bash on Linux limits the memory")
	}
	for _, c := range []struct{ limit, want string }{
		{"unlimited", "go"}, {"3000000", "go"}, {"1800000", "nas: the limit of virtual memory is 1800000 kB"},
	} {
		cmd := exec.Command("/bin/bash", "-c", `ulimit -v $0 && exec "$@"`, c.limit, os.Args[0],
			"-test.run=^TestLittleMemory$")
		cmd.Env = append(os.Environ(), "NAS_TEST_LITTLE_MEMORY=1")
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), c.want) || strings.Contains(string(out), "goroutine") ||
			(err == nil) != (c.want == "go") {
			t.Errorf("with %s kB: %v: %s", c.limit, err, out)
		}
	}
}

// A file of another program whose network has the name that all of that program's networks have: messages call it after
// the file.
func TestNetworkIsCalledAfterItsFile(t *testing.T) {
	own, file := filepath.Join(t.TempDir(), "main_graph.json"), filepath.Join(t.TempDir(), "mine.onnx")
	if code, _, stderr := nas(t, "export", tinyArch, "--out", own); code != exitDone {
		t.Fatal(stderr)
	}
	data, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	const old = `"name": "fd73d4ba87d9"`
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not hold %s", own, old)
	}
	write(t, own, bytes.Replace(data, []byte(old), []byte(`"name": "main_graph"`), 1))
	if code, _, stderr := nas(t, "export", own, "--out", file); code != exitDone {
		t.Fatal(stderr)
	}
	code, stdout, stderr := nas(t, "show", file)
	if code != exitDone || strings.Contains(stdout, "main_graph") || !strings.Contains(stdout, "network mine ") {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
}
