package netfile

import (
	"reflect"
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	for text, want := range map[string]struct {
		path string
		o    Options
	}{
		"a.onnx":                           {"a.onnx", Options{}},
		"a.onnx@res=224":                   {"a.onnx", Options{H: 224, W: 224}},
		"d@x/a.onnx@res=192x256":           {"d@x/a.onnx", Options{H: 192, W: 256}},
		"a.onnx@shape=1x3x8x9,output=y":    {"a.onnx", Options{Shape: []int{1, 3, 8, 9}, Outputs: []string{"y"}}},
		"a.onnx@output=y,output=z":         {"a.onnx", Options{Outputs: []string{"y", "z"}}},
		"mobilenet_v2@width=0.75":          {"mobilenet_v2@width=0.75", Options{}},
		"results/run@home/export/net.toml": {"results/run@home/export/net.toml", Options{}},
	} {
		path, o, err := Cut(text)
		if err != nil || path != want.path || !reflect.DeepEqual(o, want.o) {
			t.Errorf("%s: %q, %+v, %v", text, path, o, err)
		}
	}
	for text, want := range map[string]string{
		"a.onnx@res=big": "res", "a.onnx@res=0": "res", "a.onnx@res=1x2x3": "res", "a.onnx@width=0.5": `"width"`,
		"a.onnx@": "unknown option", "a.onnx@shape=1xq": `"q"`,
	} {
		if _, _, err := Cut(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
	if _, err := Read("a.json", Options{H: 3}); err == nil || !strings.Contains(err.Error(), ".tflite files only") {
		t.Errorf("a resolution of a .json file: %v", err)
	}
}
