package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damages are what may have happened to a file.
var damages = []struct {
	name string
	make func(t *testing.T, path string, good []byte)
}{
	{"empty", func(t *testing.T, path string, _ []byte) { write(t, path, nil) }},
	{"cut off", func(t *testing.T, path string, good []byte) { write(t, path, good[:len(good)/2]) }},
	{"a picture", func(t *testing.T, path string, _ []byte) {
		write(t, path, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x03\xc0\"\x00\n\"\xff\xfe\x00"))
	}},
	{"zeros inside", func(t *testing.T, path string, good []byte) {
		i := bytes.IndexByte(good[len(good)/3:], 'a') + len(good)/3 // in a text wherever it is one
		write(t, path, append(append(bytes.Clone(good[:i]), make([]byte, 12)...), good[i+12:]...))
	}},
	{"a directory", func(t *testing.T, path string, _ []byte) {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}},
	{"unreadable", func(t *testing.T, path string, good []byte) {
		write(t, path, good)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		if f, err := os.Open(path); err == nil {
			f.Close()
			t.Skip("this user may read everything")
		}
	}},
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every file that is read, damaged in every way: the error is of one line, names
// the file, speaks no Go and says what to do.
func TestDamagedFiles(t *testing.T) {
	from := filepath.Join("testdata", "formats", "v0.1")
	weights := []string{"export", filepath.Join(from, "net.json"), "--format", "onnx",
		"--out", filepath.Join(t.TempDir(), "o.onnx"), "--weights"}
	// The samples have no measurements; any of their device will do.
	const measured = "id,device,threads,predicted_ms,low_ms,high_ms,measured_ms,p10_ms,p90_ms,runs\n" +
		"3,\"measurements on phone, 1 thread\",1,2,1.5,2.5,2.1,2,2.2,9\n"
	for _, c := range []struct {
		file   string // below the samples
		args   []string
		spared string // damages that leave the file valid, or that nobody can see
	}{
		{"config.toml", []string{"space", "FILE"}, ""},
		{"net.json", []string{"show", "FILE"}, ""},
		{"net.toml", []string{"show", "FILE"}, ""},
		{"net.onnx", []string{"show", "FILE"}, "zeros inside"},
		{"net.safetensors", append(weights, "FILE"), "zeros inside"},
		{"run/profile.json", []string{"predict", tinyArch, "--profile", "FILE"}, ""},
		{"run/manifest.json", []string{"report", "RUN"}, ""},
		{"run/config.toml", []string{"report", "RUN"}, ""},
		{"run/trials.jsonl", []string{"report", "RUN"}, ""},
		{"run/profile.json", []string{"report", "RUN"}, ""},
		{"run/references.json", []string{"report", "RUN"}, ""},
		{"run/measured.csv", []string{"report", "RUN"}, ""},
		{"run/told.csv", []string{"ask", "RUN"}, ""},
		{"run/told.csv", []string{"tell", "SAMPLE", "FILE"}, ""},
		{"run/told.csv", []string{"validate", "accuracy", "--proxy", "macs", "--benchmark", "FILE"}, ""},
	} {
		good, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(c.file)))
		if c.file == "run/measured.csv" {
			good, err = []byte(measured), nil
		}
		if err != nil {
			t.Errorf("%v: no sample to damage", err)
			continue
		}
		for _, d := range damages {
			t.Run(c.args[0]+" "+c.file+" "+d.name, func(t *testing.T) {
				if strings.Contains(c.spared, d.name) {
					t.Skip("still a valid file")
				}
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, filepath.FromSlash(c.file))
				os.Remove(path)
				d.make(t, path, good)
				args := make([]string, len(c.args))
				for i, a := range c.args {
					args[i] = strings.NewReplacer(
						"FILE", path, "RUN", filepath.Join(dir, "run"), "SAMPLE", filepath.Join(from, "run"),
					).Replace(a)
				}
				code, _, stderr := nas(t, args...)
				if code == exitDone {
					t.Fatalf("nas %s takes it: %s", strings.Join(args, " "), stderr)
				}
				message := strings.TrimSuffix(stderr[strings.LastIndex(stderr, "nas: "):], "\n")
				if strings.Contains(message, "\n") || !strings.Contains(message, filepath.Base(path)) {
					t.Errorf("%q: want one line that names %s", message, path)
				}
				for _, speak := range []string{
					"unexpected end of JSON", ": EOF", "strconv", "looking for beginning of value", "zip: ",
				} {
					if strings.Contains(message, speak) {
						t.Errorf("%q: %q is no word for a person", message, speak)
					}
				}
				if !strings.Contains(message, "is a directory") && !strings.Contains(message, "permission denied") &&
					!hasAny(message, "restore", "again", "start from", "want ", "delete", "was cut off", " 1 to ") {
					t.Errorf("%q: what is to be done?", message)
				}
				if strings.HasSuffix(c.file, ".json") && (d.name == "cut off" || d.name == "zeros inside") &&
					!(strings.Contains(message, "line ") && strings.Contains(message, "key ")) {
					t.Errorf("%q: want line and key", message)
				}
			})
		}
	}
}

func hasAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
