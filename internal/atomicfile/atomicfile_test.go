package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, text := range []string{"old", "", "new"} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("the file holds %q (%v), want %q", got, err, text)
		}
	}
	fail := errors.New("the disk is on fire")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "half of i")
		return fail
	})
	if got, _ := os.ReadFile(path); !errors.Is(err, fail) || string(got) != "new" {
		t.Errorf("after a failure (%v) the file holds %q", err, got)
	}
	var isDir *DirError
	if err := WriteFile(dir, nil); !errors.As(err, &isDir) || isDir.Path != dir {
		t.Errorf("a directory: %v", err)
	}
	if err := WriteFile(filepath.Join(dir, "no", "a"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the directory holds %v, want the file alone", left)
	}
}
