// Release builds nas for every system that it is released for, and packs each binary with the
// licence, the notice, the README, the manual pages and the completions of the shells into an archive.
// The bytes depend only on the sources, the
// version and the Go release, not on the day, the machine or the directory.
//
//	go run ./internal/release -version v0.1.0           from the top of the module, into dist/
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A target is a system that is released for.
type target struct{ os, arch, arm string }

var targets = []target{
	{"linux", "amd64", ""}, {"linux", "arm64", ""}, {"linux", "arm", "7"},
	{"darwin", "arm64", ""}, {"darwin", "amd64", ""}, {"windows", "amd64", ""},
}

func (t target) String() string {
	if t.arm != "" {
		return t.os + "-" + t.arch + "v" + t.arm
	}
	return t.os + "-" + t.arch
}

// beside are the files that go with a binary.
var beside = []string{"CHANGELOG.md", "LICENSE", "NOTICE", "README.md"}

// epoch is the modification time of every file in an archive. zip cannot express times before
// 1980.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

var versionForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func main() {
	version := flag.String("version", "", "such as v0.1.0")
	out := flag.String("out", "dist", "directory for the archives")
	only := flag.String("only", "", "one target, such as linux-arm64")
	flag.Parse()
	if err := release(".", *out, *version, *only); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(root, out, version, only string) error {
	if !versionForm.MatchString(version) {
		return fmt.Errorf("version %q: want one such as v0.1.0", version)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	pages, err := manual(root)
	if err != nil {
		return err
	}
	var sums []string
	for _, t := range targets {
		if only != "" && only != t.String() {
			continue
		}
		binary, err := build(root, t, version)
		if err != nil {
			return err
		}
		name := "nas-" + version + "-" + t.String()
		files := map[string][]byte{}
		for page, text := range pages {
			files[name+"/"+page] = text
		}
		for _, f := range beside {
			if files[name+"/"+f], err = os.ReadFile(filepath.Join(root, f)); err != nil {
				return err
			}
		}
		pack, ending, program := packTar, ".tar.gz", "nas"
		if t.os == "windows" {
			pack, ending, program = packZip, ".zip", "nas.exe"
		}
		files[name+"/"+program] = binary
		var b bytes.Buffer
		if err := pack(&b, files); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name+ending), b.Bytes(), 0o644); err != nil {
			return err
		}
		line := fmt.Sprintf("%x  %s%s", sha256.Sum256(b.Bytes()), name, ending)
		fmt.Println(line)
		sums = append(sums, line+"\n")
	}
	if len(sums) == 0 {
		return fmt.Errorf("there is no target %s: want one of %v", only, targets)
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// manual returns the manual pages of the commands, man/man1/*.1, and the completions of the shells, completions/*. The
// command line is known to package main alone, whose test writes them.
func manual(root string) (map[string][]byte, error) {
	tmp, err := os.MkdirTemp("", "nas-release-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.Command("go", "test", "./cmd/nas", "-vet=off", "-count=1", "-run", "^TestManualPages$", "-man", tmp)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("manual pages: %w\n%s", err, text)
	}
	pages := map[string][]byte{}
	err = filepath.WalkDir(tmp, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(tmp, path)
		if err == nil {
			pages[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	return pages, err
}

// setVersion is the linker's flag that tells the program its version.
func setVersion(version string) string { return "-X nas/internal/buildinfo.version=" + version }

// build returns the binary. It does not contain paths, the state of the repository or a build id.
// For amd64 and arm64 it runs on the oldest processors of their kind, because kernels are chosen
// when the program runs.
func build(root string, t target, version string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "nas-release-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(tmp, "nas")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= "+setVersion(version),
		"-o", path, "./cmd/nas")
	cmd.Dir = root
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GOFLAGS=") }),
		"CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOARM="+t.arm, "GOAMD64=v1",
		"GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", t, err, text)
	}
	return os.ReadFile(path)
}

func mode(name string) fs.FileMode {
	if base := filepath.Base(name); base == "nas" || base == "nas.exe" {
		return 0o755
	}
	return 0o644
}

func sorted(files map[string][]byte) []string {
	var names []string
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func packTar(w io.Writer, files map[string][]byte) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	a := tar.NewWriter(z)
	for _, name := range sorted(files) {
		h := &tar.Header{Name: name, Mode: int64(mode(name)), Size: int64(len(files[name])), ModTime: epoch,
			Format: tar.FormatUSTAR}
		if err := a.WriteHeader(h); err != nil {
			return err
		}
		if _, err := a.Write(files[name]); err != nil {
			return err
		}
	}
	if err := a.Close(); err != nil {
		return err
	}
	return z.Close()
}

func packZip(w io.Writer, files map[string][]byte) error {
	a := zip.NewWriter(w)
	for _, name := range sorted(files) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(mode(name))
		f, err := a.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(files[name]); err != nil {
			return err
		}
	}
	return a.Close()
}
