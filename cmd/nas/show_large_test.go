//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestShowLargeFile shows models of 500 MB, with their weights inside or beside them, within 60 MB.
func TestShowLargeFile(t *testing.T) {
	if path := os.Getenv("NAS_TEST_SHOW"); path != "" {
		if code, out, errs := nas(t, "show", path); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, out, errs)
		} else {
			fmt.Println(out)
		}
		// The peak of this process alone: what the parent's accounting says begins with the parent's own memory.
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s\n", status)
		return
	}
	if testing.Short() {
		t.Skip("skipped: -short, for it writes files of 500 MB (with holes)")
	}
	for _, beside := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "large.onnx")
		writeLarge(t, path, beside)
		cmd := exec.Command(os.Args[0], "-test.run=^TestShowLargeFile$")
		cmd.Env = append(os.Environ(), "NAS_TEST_SHOW="+path)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "125829120 (126 M)") {
			t.Fatalf("%v\n%s", err, out)
		}
		peak := peakMB(t, string(out))
		t.Logf("weights beside the model: %v: peak %d MB", beside, peak)
		if peak > 60 {
			t.Errorf("weights beside the model: %v: show took %d MB", beside, peak)
		}
	}
}

// peakMB reads the peak of the resident memory from /proc/self/status.
func peakMB(t *testing.T, status string) int {
	t.Helper()
	_, after, _ := strings.Cut(status, "VmHWM:")
	var kB int
	if _, err := fmt.Sscan(after, &kB); err != nil || kB < 1000 {
		t.Fatalf("no peak in %q", status)
	}
	return kB >> 10
}

// writeLarge writes a chain of 30 convolutions of 2048 x 2048 weights, all zeros in holes of the file.
func writeLarge(t *testing.T, path string, beside bool) {
	t.Helper()
	const layers, channels, bytes = 30, 2048, 4 * 2048 * 2048
	var graph, info []byte
	varint := func(b []byte, field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
	}
	sub := func(b []byte, field protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
	}
	for _, d := range []uint64{1, channels, 4, 4} {
		info = sub(info, 1, varint(nil, 1, d))
	}
	tensor := sub(nil, 2, sub(nil, 1, sub(varint(nil, 1, 1), 2, info)))
	for i := range layers {
		node := sub(sub(nil, 1, fmt.Appendf(nil, "x%d", i)), 1, fmt.Appendf(nil, "w%d", i))
		node = sub(sub(sub(node, 2, fmt.Appendf(nil, "x%d", i+1)), 3, fmt.Appendf(nil, "conv%d", i)), 4, []byte("Conv"))
		graph = sub(graph, 1, node)
	}
	graph = sub(sub(sub(graph, 2, []byte("large")), 11, append(sub(nil, 1, []byte("x0")), tensor...)), 12,
		append(sub(nil, 1, fmt.Appendf(nil, "x%d", layers)), tensor...))
	head := func(i int) []byte { // an initializer up to its data
		var b []byte
		for _, d := range []uint64{channels, channels, 1, 1} {
			b = varint(b, 1, d)
		}
		b = sub(varint(b, 2, 1), 8, fmt.Appendf(nil, "w%d", i))
		if !beside {
			return protowire.AppendVarint(protowire.AppendTag(b, 9, protowire.BytesType), bytes)
		}
		for k, v := range map[string]string{"location": "weights.data", "offset": fmt.Sprint(i * bytes)} {
			b = sub(b, 13, sub(sub(nil, 1, []byte(k)), 2, []byte(v)))
		}
		return varint(b, 14, 1)
	}
	inside := 0
	if !beside {
		inside = bytes
	}
	size := len(graph)
	var starts [][]byte
	for i := range layers {
		h := head(i)
		tag := protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.BytesType), uint64(len(h)+inside))
		starts = append(starts, append(tag, h...))
		size += len(starts[i]) + inside
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	opset := sub(varint(nil, 1, 8), 8, varint(nil, 2, 17))
	at := int64(0)
	put := func(b []byte, hole int) {
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
		at += int64(len(b) + hole)
	}
	put(protowire.AppendVarint(protowire.AppendTag(opset, 7, protowire.BytesType), uint64(size)), 0)
	put(graph, 0)
	for _, s := range starts {
		put(s, inside)
	}
	if err := f.Truncate(at); err != nil {
		t.Fatal(err)
	}
	if beside {
		data := filepath.Join(filepath.Dir(path), "weights.data")
		if err := os.WriteFile(data, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(data, layers*bytes); err != nil {
			t.Fatal(err)
		}
	}
}
