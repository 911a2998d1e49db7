package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
)

const root = "../.."

func TestReferenceIsFresh(t *testing.T) {
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the config types say: run make generate (%v)", name, err)
		}
	}
}

// Every note is of a key that exists, and its example is accepted.
func TestExamples(t *testing.T) {
	all, err := readTypes(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, n := range notes {
		table, k := cut(path)
		i := slices.IndexFunc(sections, func(s section) bool { return s.path == table })
		if i < 0 || !slices.ContainsFunc(all[sections[i].goType], func(f key) bool { return f.name == k }) {
			t.Errorf("there is no key %s", path)
			continue
		}
		if _, err := config.Decode("x.toml", []byte(configText(path, n.example))); err != nil {
			t.Errorf("the example of %s is refused: %v", path, err)
		}
	}
}

func TestComments(t *testing.T) {
	names := map[string]string{"SE": "se", "Channels": "channels"}
	for _, c := range []struct{ text, meaning, value string }{
		{"odd, 1 to 31; default 3", "", "3"},
		{"number of blocks, 1 to 64; default 1", "number of blocks", "1"},
		{"of SE, 1 to 8; none at Channels 0; default a, b", "of `se`; none at `channels` 0", "a, b"},
		{"Scale is the word. Default up (a rule). Hidden is not.", "the word. Hidden is not", "up (a rule)"},
		{"Rates are dilations. Default 6, 12; empty: none.", "dilations", "6, 12; empty: none"},
	} {
		meaning, value := splitDefault(c.text)
		if meaning = markdown(meaning, names); meaning != c.meaning || value != c.value {
			t.Errorf("%q is %q and %q, want %q and %q", c.text, meaning, value, c.meaning, c.value)
		}
	}
}

// A comment that names another default than the decoder's is found.
func TestDefaultsAreCompared(t *testing.T) {
	if _, err := defaultOf("space.stage.kernel", key{name: "kernel", fallback: "5"}); err == nil || !strings.Contains(err.Error(), "the default is 3") {
		t.Errorf("error %v", err)
	}
}
