package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// storedRun is a copy of a run of an earlier version.
func storedRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "formats", "v0.1"))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "run")
}

// writers are the command lines that write a file, without its name.
func writers(t *testing.T, dir string) [][]string {
	table := filepath.Join(t.TempDir(), "t.csv")
	write(t, table, []byte("network,ms\nmobilenet_v1,5\nmobilenet_v2,4\n"))
	return [][]string{
		{"export", tinyArch, "--format", "json", "--out"},
		{"export", tinyArch, "--format", "onnx", "--out"},
		{"plot", dir, "--out"},
		{"report", dir, "--out"},
		{"ask", dir, "-n", "2", "--out"},
		{"calibrate", "--from", table, "--name", "x", "--out"},
		{"show", tinyArch, "--profile", filepath.Join(dir, "profile.json"), "--diagram"},
		{"predict", tinyArch, "--profile", filepath.Join(dir, "profile.json"), "--plot"},
	}
}

// Every command that writes a file writes it anywhere: as a whole, through a link, to a device, to standard
// output, and tells before its work where it cannot.
func TestOut(t *testing.T) {
	run := storedRun(t)
	for _, args := range writers(t, run) {
		dir := t.TempDir()
		at := func(name string) []string { return append(args[:len(args):len(args)], filepath.Join(dir, name)) }
		wantExit(t, exitDone, "", at("new/file.svg")...)
		if err := os.Symlink("new/file.svg", filepath.Join(dir, "link.svg")); err != nil {
			t.Skip(err)
		}
		os.Chmod(filepath.Join(dir, "new", "file.svg"), 0o600)
		wantExit(t, exitDone, "", at("link.svg")...)
		want, err := os.ReadFile(filepath.Join(dir, "new", "file.svg"))
		info, _ := os.Stat(filepath.Join(dir, "link.svg"))
		if err != nil || len(want) == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("nas %q: through a link: %d bytes, %v, %v", args, len(want), info.Mode(), err)
		}
		code, out, stderr := nas(t, append(args[:len(args):len(args)], "-")...)
		if code != exitDone || out != string(want) {
			t.Errorf("nas %q -: code %d, %s, %d bytes, want %d", args, code, stderr, len(out), len(want))
		}
		os.Mkdir(filepath.Join(dir, "dir.svg"), 0o755)
		wantExit(t, exitUsage, "dir.svg is a directory", at("dir.svg")...)
		wantExit(t, exitUsage, "not a directory", at("new/file.svg/a.svg")...)
		os.Chmod(filepath.Join(dir, "new", "file.svg"), 0o400)
		wantExit(t, exitUsage, "file.svg is write-protected", at("new/file.svg")...)
		if left, _ := os.ReadDir(filepath.Join(dir, "new")); len(left) != 1 {
			t.Errorf("nas %q leaves %v", args, left)
		}
	}
}

// A command whose output goes nowhere has failed, and says so; a reader that has seen enough is no news.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	reader, closed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	dir := storedRun(t)
	lines := [][]string{{"zoo"}, {"show", tinyArch}, {"show", tinyArch, "--json"}, {"space", "testdata/tiny.toml"},
		{"version"}, {"--help"}, {"pick", dir}, {"ask", dir}}
	for _, args := range writers(t, dir) {
		lines = append(lines, append(args, "-"))
	}
	for _, args := range lines {
		var stderr strings.Builder
		if code := run(t.Context(), args, full, &stderr); code != exitFailed ||
			!strings.Contains(stderr.String(), "standard output cannot be written: no space left on device") {
			t.Errorf("nas %q to a full disk: code %d, %s", args, code, stderr.String())
		}
		if code := run(t.Context(), append(args, "--quiet"), closed, &stderr); code != exitFailed {
			t.Errorf("nas %q to a reader that has gone: code %d, %s", args, code, stderr.String())
		}
	}
}

// nas ask never replaces what somebody wrote.
func TestAskKeepsWhatWasFilledIn(t *testing.T) {
	dir := storedRun(t)
	file := filepath.Join(t.TempDir(), "t.csv")
	ask := []string{"ask", dir, "-n", "2", "--out", file}
	for range 2 { // an empty table may be replaced
		wantExit(t, exitDone, "", ask...)
	}
	empty, err := os.ReadFile(file)
	if err != nil || strings.Count(string(empty), ",\n") != 2 {
		t.Fatalf("%s, %v", empty, err)
	}
	noted := strings.NewReplacer(",\n", ",,mine\n", "accuracy", "accuracy,note").Replace(string(empty))
	for text, want := range map[string]string{
		strings.Replace(string(empty), ",\n", ",71.5\n", 1): "holds accuracies",
		"my notes\n": "is another file than nas ask writes",
		noted:        "is another file than nas ask writes",
	} {
		write(t, file, []byte(text))
		wantExit(t, exitUsage, want, ask...)
		if now, _ := os.ReadFile(file); string(now) != text {
			t.Errorf("%s became %s", text, now)
		}
	}
}

// nas export never replaces weights that somebody trained, which lie where it writes drawn ones.
func TestExportKeepsTrainedWeights(t *testing.T) {
	dir := t.TempDir()
	export := []string{"export", tinyArch, "--format", "pytorch", "--out", filepath.Join(dir, "net.py")}
	for range 2 { // the same bytes
		wantExit(t, exitDone, "", export...)
	}
	wantExit(t, exitUsage, "net.safetensors is there already, with other weights", append(export, "--seed", "1")...)
}

// A column in which every cell is "-" is left out, other cells stay under their heads.
func TestTableLeavesEmptyColumnsOut(t *testing.T) {
	x := table{head: []string{"id", "low", "name"}}
	x.add(1, "-", "a")
	x.add(20, "-", "-")
	var b strings.Builder
	x.write(&b)
	if got, want := b.String(), "id  name\n 1  a\n20  -\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	empty := table{head: []string{"id", "low"}}
	b.Reset()
	empty.write(&b)
	if got := b.String(); got != "id  low\n" {
		t.Errorf("without rows %q", got)
	}
}
