package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestTwoBuildsAgree builds for this machine here and from a copy of the sources in
// another directory, packs both, and compares the bytes; the program must say the
// version. make check-release does the same for all systems with an empty build
// cache. Its flags are not those of the tests, so everything is compiled anew: a minute.
func TestTwoBuildsAgree(t *testing.T) {
	if os.Getenv("NAS_RELEASE") == "" {
		t.Skip("skipped: set NAS_RELEASE=1 to build twice and compare, or run make check-release")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: no go command to build with")
	}
	i := slices.IndexFunc(targets, func(t target) bool { return t.os == runtime.GOOS && t.arch == runtime.GOARCH })
	if i < 0 {
		t.Skipf("skipped: nothing is released for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	root := filepath.Join("..", "..")
	copied := t.TempDir()
	copySources(t, root, copied)
	const version = "v9.8.7"
	a, err := build(root, targets[i], version)
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(copied, targets[i], version)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Fatalf("two builds differ: %d and %d bytes", len(a), len(b))
	}
	path := filepath.Join(t.TempDir(), "nas.exe")
	if err := os.WriteFile(path, a, 0o755); err != nil {
		t.Fatal(err)
	}
	checkVersion(t, path, version)
}

// TestVersionIsLinked builds with the linker's flag of a release alone, so that
// what the tests have compiled is used again. The linker says nothing of a flag that
// names no variable.
func TestVersionIsLinked(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short, and it links the program")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: no go command to build with")
	}
	const version = "v9.8.7"
	path := filepath.Join(t.TempDir(), "nas.exe")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", setVersion(version), "-o", path, "./cmd/nas")
	cmd.Dir = filepath.Join("..", "..")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	checkVersion(t, path, version)
}

// checkVersion asks a program for its version, and for what its profiles would say
// they were made by.
func checkVersion(t *testing.T, path, version string) {
	t.Helper()
	out, err := exec.Command(path, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "nas "+version+" ") {
		t.Errorf("nas version says %q (%v)", out, err)
	}
	var doctor struct {
		Machine struct{ Program string }
	}
	out, err = exec.Command(path, "doctor", "--json").Output()
	if err != nil || json.Unmarshal(out, &doctor) != nil || doctor.Machine.Program != version {
		t.Errorf("nas doctor says that the program is %q (%v), want %s", doctor.Machine.Program, err, version)
	}
}

// copySources copies what a build reads.
func copySources(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"accuracy", "blocks", "cmd", "internal", "latency", "search", "space"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(from, dir))); err != nil {
			t.Fatal(err)
		}
	}
}

// The manual has a page for each command, and the completions of four shells.
func TestManual(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: -short, and it links the program's tests")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: no go command to build with")
	}
	pages, err := manual(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"man/man1/nas.1", "man/man1/nas-run.1", "man/man1/nas-validate-latency.1",
		"completions/nas.bash", "completions/_nas", "completions/nas.fish", "completions/nas.ps1"} {
		if !bytes.Contains(pages[name], []byte("nas")) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestPacksAgree(t *testing.T) {
	files := map[string][]byte{"a/nas": []byte("binary"), "a/LICENSE": []byte("text")}
	for name, pack := range map[string]func(io.Writer, map[string][]byte) error{"tar": packTar, "zip": packZip} {
		var one, two bytes.Buffer
		if err := pack(&one, files); err != nil {
			t.Fatal(err)
		}
		if err := pack(&two, files); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two archives of the same files differ", name)
		}
		if name != "tar" {
			continue
		}
		z, err := gzip.NewReader(&one)
		if err != nil {
			t.Fatal(err)
		}
		r := tar.NewReader(z)
		for _, want := range []string{"a/LICENSE", "a/nas"} {
			h, err := r.Next()
			if err != nil || h.Name != want || (h.Mode&0o111 != 0) != (want == "a/nas") || !h.ModTime.Equal(epoch) {
				t.Errorf("entry %+v (%v), want %s", h, err, want)
			}
		}
	}
}

func TestVersionIsChecked(t *testing.T) {
	for _, bad := range []string{"", "1.2.3", "v1.2", "latest", "v1.2.3 "} {
		if err := release(".", t.TempDir(), bad, ""); err == nil || !strings.Contains(err.Error(), "want one such as") {
			t.Errorf("version %q: %v", bad, err)
		}
	}
}
