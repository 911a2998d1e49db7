//go:build unix

package boundedfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Read(path, 100); err == nil || !strings.Contains(err.Error(), "nobody writes to") {
		t.Fatal(err)
	}
	path += "2"
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile(path, []byte("12345"), 0o600)
	if data, err := Read(path, 100); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
}
