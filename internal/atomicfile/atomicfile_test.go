package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the directory holds %v, want the file alone", left)
	}
}

// What is no place for a file is told by Check and by Write alike, by the name that was given.
func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, []byte("kept"), 0o444); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 255)
	for _, c := range []struct{ name, check, write string }{
		{"new", "", ""},
		{long, "", ""},
		{long + "x", "name too long", "name too long"},
		{"", "is a directory", "is a directory"},
		{"new/", "is the name of a directory", "is the name of a directory"},
		{"none/a", "", "there is no directory"},
		{"old", "is write-protected", "is write-protected"},
		{"old/a", "not a directory", "not a directory"},
	} {
		path := dir + "/" + c.name
		for what, err := range map[string]error{c.check: Check(path), c.write: WriteFile(path, nil)} {
			var place *PlaceError
			if what == "" && err != nil || what != "" && (!errors.As(err, &place) || !strings.HasPrefix(err.Error(), path) ||
				!strings.Contains(err.Error(), what)) {
				t.Errorf("%.20s: %v, want %q", c.name, err, what)
			}
		}
		os.Remove(path)
		if c.name == "old" {
			os.WriteFile(old, nil, 0o444)
		}
	}
	if err := WriteFile(filepath.Join(dir, "none", "a"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}
