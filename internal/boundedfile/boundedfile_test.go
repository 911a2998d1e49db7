package boundedfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, err := Read(path, 5); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), path+": more than 4 bytes") {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := Read(filepath.Dir(path), 4); err == nil || strings.Count(err.Error(), filepath.Dir(path)) != 1 ||
		!strings.HasSuffix(err.Error(), "is a directory: want a file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Read("/dev/zero", 1<<20); err == nil {
		t.Error("a device without an end is read")
	}
}
