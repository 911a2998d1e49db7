package main

import (
	"bytes"
	"os"
	"path/filepath"
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

// Every example is accepted.
func TestExamples(t *testing.T) {
	all, err := readTypes(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		for _, k := range all[s.goType] {
			path := strings.TrimPrefix(s.path+"."+k.name, ".")
			if _, err := config.Decode("x.toml", []byte(configText(path, k.example, k.with))); err != nil {
				t.Errorf("the example of %s is refused: %v", path, err)
			}
		}
	}
}

func TestComments(t *testing.T) {
	names := map[string]string{"SE": "se", "Channels": "channels"}
	for _, c := range []struct{ text, meaning, value string }{
		{"Kernel is the extent, odd, 1 to 31. Default 3.", "the extent", "3"},
		{"Depth is the number of blocks, 1 to 64. Default 1.", "the number of blocks", "1"},
		{"Taps are of SE, 1 to 8. None at Channels 0. Default a, b.", "of `se`. None at `channels` 0", "a, b"},
		{"Scale says which. Default up (a rule). Hidden is not.", "which. Hidden is not", "up (a rule)"},
		{"Rates are dilations. Default 6, 12; empty: none.", "dilations", "6, 12; empty: none"},
		{"Channels is a number. No default.", "a number", "none"},
	} {
		meaning, value := splitDefault(c.text)
		if meaning = markdown(meaning, names); meaning != c.meaning || value != c.value {
			t.Errorf("%q is %q and %q, want %q and %q", c.text, meaning, value, c.meaning, c.value)
		}
	}
}

// A comment that names another default than the decoder's is found.
func TestDefaultsAreCompared(t *testing.T) {
	_, err := defaultOf("space.stage.kernel", key{name: "kernel", fallback: "5"})
	if err == nil || !strings.Contains(err.Error(), "the default is 3") {
		t.Errorf("error %v", err)
	}
}
