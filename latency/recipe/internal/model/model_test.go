package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/tflite"
)

// check returns what is wrong with a form.
func check(f *Form, converted bool) (found []string) {
	f.Check(converted, func(key, format string, a ...any) { found = append(found, key+": "+fmt.Sprintf(format, a...)) })
	return found
}

// TestWrite checks which file a network becomes.
func TestWrite(t *testing.T) {
	b := blocks.NewBuilder("test", blocks.Shape{H: 16, W: 16, C: 3})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	blocks.InvertedResidual{Out: 8, Expanded: 32, Kernel: 3, Stride: 1, Act: blocks.HSwish}.Build(b, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dtype, quant, io string
		scales           bool // a scale for each channel
		edge             tflite.Type
	}{
		{"", "", "", false, tflite.Float32}, {"float32", "", "", false, tflite.Float32},
		{"int8", "", "", true, tflite.Float32}, {"int8", "per_channel", "float", true, tflite.Float32},
		{"int8", "per_tensor", "int8", false, tflite.Int8},
	} {
		f := Form{Format: "tflite", DType: c.dtype, Quant: c.quant, IO: c.io}
		if found := check(&f, false); found != nil {
			t.Fatal(found)
		}
		path := filepath.Join(t.TempDir(), "m.tflite")
		if err := f.Write(path, n); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := tflite.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		scales := slices.ContainsFunc(m.Tensors, func(t tflite.Tensor) bool { return len(t.Scale) > 1 })
		if edge := m.Tensors[m.Inputs[0]].Type; scales != c.scales || edge != c.edge {
			t.Errorf("%+v: input of type %d, scales for channels: %t", c, edge, scales)
		}
	}
}

// TestWriteONNX wants float32 of an ONNX file that another program quantises, and integers without such a program.
func TestWriteONNX(t *testing.T) {
	b := blocks.NewBuilder("test", blocks.Shape{H: 16, W: 16, C: 3})
	blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dtype           string
		converted, want bool
	}{{"float32", false, false}, {"int8", true, false}, {"int8", false, true}} {
		f := Form{DType: c.dtype}
		if found := check(&f, c.converted); found != nil {
			t.Fatal(found)
		}
		data, err := f.encode(n)
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnx.Read(data, onnx.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		isQuant := func(nd blocks.Node) bool { return nd.Op.Kind() == "fake_quant" }
		if got := slices.ContainsFunc(m.Network.Nodes, isQuant); got != c.want {
			t.Errorf("%+v: integers: %t", c, got)
		}
	}
}

// TestCheck checks what is said of files that are not written.
func TestCheck(t *testing.T) {
	for want, f := range map[string]Form{
		`format: "ncnn"`: {Format: "ncnn"},
		`dtype: "int4"`:  {Format: "tflite", DType: "int4"},
		`dtype: "fp16"`:  {DType: "fp16"},
		`io: is "float"`: {DType: "int8", IO: "int8"},
		`quant: "best"`:  {Format: "tflite", DType: "int8", Quant: "best"},
		`quant: is of`:   {Format: "tflite", Quant: "per_tensor"},
		`io: "uint8"`:    {Format: "tflite", DType: "int8", IO: "uint8"},
		`io: is of`:      {IO: "float"},
	} {
		if found := check(&f, false); len(found) != 1 || !strings.HasPrefix(found[0], want) {
			t.Errorf("%+v: %q, want %q", f, found, want)
		}
	}
	// What a program of the user's makes of an ONNX file is the user's to say.
	f := Form{DType: "int8"}
	if found := check(&f, true); found != nil || f.Format != "onnx" {
		t.Errorf("%+v: %q", f, found)
	}
}
