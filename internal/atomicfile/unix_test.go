//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package atomicfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Modes are kept, links are written through, and what is no file is written to as it stands.
func TestKindsOfFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		check(Check(at(name)))
		check(WriteFile(at(name), []byte(text)))
	}
	mask := syscall.Umask(0o027)
	write("new", "1")
	syscall.Umask(mask)
	if info, err := os.Stat(at("new")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("a new file under mask 027 has mode %v", info.Mode())
	}
	for _, mode := range []fs.FileMode{0o600, 0o755, 0o664} {
		check(os.Chmod(at("new"), mode))
		write("new", "2")
		if info, _ := os.Stat(at("new")); info.Mode().Perm() != mode {
			t.Errorf("mode %v became %v", mode, info.Mode())
		}
	}

	check(os.Mkdir(at("sub"), 0o755))
	check(os.Symlink("sub/target", at("one")))
	check(os.Symlink(at("one"), at("two")))
	for _, text := range []string{"made", "replaced"} {
		write("two", text)
		if got, err := os.ReadFile(at("sub/target")); err != nil || string(got) != text {
			t.Errorf("behind two links stands %q (%v), want %q", got, err, text)
		}
	}
	if info, _ := os.Lstat(at("two")); info.Mode()&fs.ModeSymlink == 0 {
		t.Error("a link was replaced")
	}
	check(os.Symlink("loop", at("loop")))
	if err := Check(at("loop")); err == nil {
		t.Error("a link to itself is a place")
	}

	check(syscall.Mkfifo(at("pipe"), 0o600))
	read := make(chan string)
	go func() {
		data, _ := os.ReadFile(at("pipe"))
		read <- string(data)
	}()
	write("pipe", "through the pipe")
	if got := <-read; got != "through the pipe" {
		t.Errorf("the pipe gives %q", got)
	}
	check(WriteFile(os.DevNull, []byte("gone")))
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Fatalf("%s is %v", os.DevNull, info.Mode())
	}
	if left, _ := os.ReadDir(dir); len(left) != 6 {
		t.Errorf("the directory holds %v", left)
	}
}
