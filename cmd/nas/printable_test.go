package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, naïve 90 °": "plain, naïve 90 °",
		"two\nlines\tand":   "two\nlines\tand",
		"\x1b]0;x\a\x7f":    `\x1b]0;x\x07\x7f`,
		"back\r\u009b2J":    `back\x0d\u009b2J`,
		"\u202eturned":      `\u202eturned`,
		"raw \x9b2J":        "raw \ufffd2J",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q is printed as %q, want %q", in, got, want)
		}
	}
	if got := oneLine("a\nb"); got != `a\nb` {
		t.Errorf("a cell of %q", got)
	}
	var back map[string]string
	text := printableJSON([]byte("{\"a\": \"\u009b2J\u202e\"}"))
	err := json.Unmarshal(text, &back)
	if err != nil || back["a"] != "\u009b2J\u202e" || bytes.ContainsFunc(text, unprintable) {
		t.Errorf("%s: %v", text, err)
	}
}

// hostile is what stands for every name of a file in TestNoControlCharacters.
const hostile = "x\x1b]0;owned\a\u009b2J\u202e\rq"

// No text of a file or of the command line reaches the terminal with its control characters.
func TestNoControlCharacters(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join("testdata", "formats", "v0.1")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	escape := strings.Trim(string(asJSON), `"`)
	// Each puts the name into a file in place of others.
	in := func(file string, olds ...string) string {
		data, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, old := range olds {
			if !bytes.Contains(data, []byte(old)) {
				t.Fatalf("%s holds no %s", file, old)
			}
			data = bytes.ReplaceAll(data, []byte(old), []byte(escape))
		}
		path := filepath.Join(dir, filepath.FromSlash(file))
		write(t, path, data)
		return path
	}
	make := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, []byte(text))
		return path
	}
	net, profile := in("net.json", "stage1.block1", "4504aab006d5"), in("run/profile.json", "phone", "measurements")
	in("run/manifest.json", "phone", "rankmean")
	badOp := make("op.json", strings.ReplaceAll(
		`{"format": "nas-network-1", "name": "X", "nodes": [{"name": "X", "op": "X"}]}`, "X", escape))
	badKey := make("key.json", `{"format":"nas-network-1","`+escape+`":1}`)
	config := make("c.toml", "\"x\\u001b]0;owned\\u0007\\u202e\" = 1\n[space]\n\"\\u009b\" = \"\\u001b\"\n")
	recipe := make("r.toml", "name = \"\\u001b[2J\"\nruntime = \"\\u001b\"\nunit = \"\\u001b\"\npattern = \"\\u001b(\"\n"+
		"command = [\"\\u001b\", \"{model}\"]\n")
	broken := make("b.toml", "name = \"\x1b\x1b\n")
	columns := make("t.csv", "network,ms,"+hostile+"\n"+hostile+",1\n")
	badUnit := make("u.csv", "unit,ms\n"+hostile+",1\n")
	run := filepath.Join(dir, "run")
	commands := [][]string{
		{hostile}, {"show", hostile}, {"show", tinyArch, "--" + hostile}, {"show", net}, {"show", net, "--layers"},
		{"show", net, "--layers", "--json"}, {"show", badOp}, {"show", badKey}, {"predict", net, "--profile", profile},
		{"predict", net, "--profile", profile, "--kernels", "--json"}, {"bench", net, "--runs", "1"},
		{"export", net, "--format", hostile, "--out", "x"},
		{"export", net, "--format", "json", "--out", filepath.Join(dir, hostile)},
		{"export", net, "--format", "dot", "--out", "-"}, {"export", net, "--format", "toml", "--out", "-"},
		{"space", config}, {"space", broken}, {"calibrate", "--device", recipe}, {"calibrate", "--device", broken},
		{"calibrate", "--device", hostile}, {"calibrate", "--from", columns, "--out", "x"},
		{"calibrate", "--from", badUnit, "--out", "x"},
		{"pick", run}, {"pick", run, "--json"}, {"ask", run}, {"ask", run, "--json"}, {"tell", run, columns},
		{"report", run},
		{"plot", run, "--what", hostile}, {"zoo", hostile}, {"kernels", "--filter", hostile},
		{"show", run + ":" + hostile},
		{"validate", "accuracy", "--benchmark", hostile},
		{"validate", "accuracy", "--benchmark", columns, "--proxy", hostile},
		{"infer", net, "--input", hostile}, {"run", hostile},
		{"run", "testdata/tiny.toml", "--profile", hostile + "=" + hostile},
	}
	for _, args := range commands {
		_, stdout, stderr := nas(t, args...)
		for _, text := range []string{stdout, stderr} {
			text = strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
			if i := strings.IndexFunc(text, unprintable); i >= 0 {
				t.Errorf("nas %q prints %q", args, text[max(0, i-60):min(len(text), i+30)])
			}
		}
	}
}
