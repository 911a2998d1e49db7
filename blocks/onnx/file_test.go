package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Weights beside the model are read from its folder, and from nowhere else.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := os.MkdirAll(filepath.Join(model, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"secret": "s", "model/data": "d", "model/sub/more": "m"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"model/link": "../secret", "model/inside": "data", "model/folder": "sub"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("skipped: no symbolic links here:", err)
		}
	}
	read := Beside(model)
	for name, want := range map[string]string{"data": "d", "sub/more": "m", "./data": "d", "sub/../data": "d"} {
		if b, err := read(name); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for name, want := range map[string]string{
		"../secret": "inside the model's folder", "/etc/passwd": "inside the model's folder", "": "inside the model's folder",
		"sub/../../secret": "inside the model's folder", "link": "symbolic link", "inside": "symbolic link", "folder/more": "symbolic link",
		"missing": "not there", "sub": "",
	} {
		if b, err := read(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want an error with %q", name, b, err, want)
		}
	}
}
