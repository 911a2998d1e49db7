package tomlfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestLines(t *testing.T) {
	lines := LinesOf([]byte(`a = """
x = 1
"""
[b.c]
"d.e" = { f = 1, g = [ # ]
  2, 3] }
[[h]]
i = 'x#'
[[h]]
[[h.j]]
k = 1
`))
	for key, want := range map[string]int{"a": 1, "b.c": 4, "b.c.d.e": 5, "b.c.d.e.g[2]": 6,
		"h[1]": 7, "h[1].i": 8, "h[2]": 9, "h[2].j[1].k": 11, "h[2].nothing": 9} {
		if got := lines.Of(key); got != want {
			t.Errorf("%s is on line %d, want %d", key, got, want)
		}
	}
}

// Texts that a megabyte is enough for and that would take minutes or gigabytes.
func TestLimits(t *testing.T) {
	many := strings.Repeat
	for name, c := range map[string]struct{ text, want string }{
		"parts of a key":    {"a" + many(".a", 20_000) + " = 1", "line 1: a key has more than 64 parts"},
		"parts of a header": {"\n[a" + many(".a", 20_000) + "]", "line 2: a key has more than 64 parts"},
		"nested lists":      {"x = " + many("[", 50_000) + many("]", 50_000), "nested more than 64 deep"},
		"open lists":        {"x = " + many("[\n", 50_000), "nested more than 64 deep"},
		"nested tables":     {"x = " + many("{a = ", 50_000) + "1" + many("}", 50_000), "nested more than 64 deep"},
		"mixed":             {"x = " + many("[{a = ", 50_000) + many("}]", 50_000), "nested more than 64 deep"},
		"a long key":        {many("n", 10_000) + " = 1", "a key has more than 1000 bytes"},
		"a long header":     {"[" + many("n", 10_000) + "]", "a key has more than 1000 bytes"},
		"many values":       {"x = [" + many("1,", 400_000) + "]", "more than 131072 values"},
		"many keys":         {many("a.b.c.d = 1\n", 40_000), "more than 131072 values"},
		"a long text":       {"x = '" + many("n", Small) + "'", "the text has more than 1048576 bytes"},
	} {
		var tree map[string]any
		_, err := Decode([]byte(c.text), &tree, Small)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 200 {
			t.Errorf("%s: error %.300v, want %q", name, err, c.want)
		}
	}
}

// Every kind of mistake is told in words that speak of no parser and no Go type, with its line.
func TestMistakesInWords(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a = ", "line 1"},
		{"a = [1", "was cut off"},
		{"a = \"x", "was cut off"},
		{"a = \"x\ny = 1", "no closing quote"},
		{"a = x", "without quotes"},
		{"a = 1 2", "behind the value"},
		{"a = 1\na = 2", "line 2, key a: the key stands here a second time"},
		{"a = 1\n[a]", "line 2, key a: the key stands here a second time"},
		{"[b]\nc = 1\n[b.d]\n[b.d]", "line 4, key b.d: the key stands here a second time"},
		{"[b]\nc 3", `line 2, key b: "c 3": a key without a value`},
		{"[b]\nc = 5ms\nd = 1", "\"c = 5ms\": something stands behind"},
		{"[b\nc = 1", `line 1: "[b": want [table]`},
		{"[b\nc = [1, 2]", `line 1: "[b": want [table]`},
		{"a = 1\n[b\n\n# [x]\nc = [1, 2]", `line 2: "[b": want [table]`},
		{"[a]\n[[b]\nc = [1, 2]\n[d]", `line 2: "[[b]": want`},
		{"[a]\n[b\n[c]", `line 2: "[b": want [table]`},
		{"c = 5ms", `line 1: "c = 5ms": something`},
		{"[[a]]\n[a]", "a second time"},
		{"a", "cut off"},
		{"a\n", "want key = value"},
		{"= 1", "key is missing"},
		{".a = 1", "begins with a point"},
		{"[a\n", "alone in its line"},
		{"[]", "want [table]"},
		{"a = [1 2]", "lacks a comma"},
		{"[[x]]\na = [1]\n[[x]]\na = [1 2]", "line 4, key x.a: a list or a table in {} lacks a comma"},
		{"[[x]]\na = [1]\n[[x]]\na = [1\nb = 2", "line 4, key x.a: the list or table in {} that begins here has no end: want its ] or }"},
		{"[x]\na = [1,\n 2\n\nb = [3]", "line 2, key x.a: the list or table in {} that begins here has no end: want its ] or }"},
		{"[[x]]\na = [1, 2\n[y]", "line 2, key x.a: the list or table in {} that begins here has no end: want its ] or }"},
		{"a = [1,\n 2 3]", "line 2, key a: \"2 3]\": a list or a table in {} lacks a comma"},
		{"a = [,]", "a comma too many"},
		{"a = {b = 1 c = 2}", "lacks a comma"},
		{`a = "\q"`, "backslash"},
		{`a = "\u12"`, "backslash"},
		{"a = 99999999999999999999", "too large"},
		{"a = 1.", "no number"},
		{"a = 12-x", "line 1"},
		{"a = \"\x01\"", "control character"},
		{"a = \"\xff\"", "no text"},
		{"n = \"5\"", "key n: text in quotes stands where a whole number is wanted"},
		{"s = 5", "key s: a whole number stands where text in quotes is wanted"},
		{"l = 1.5", "a number stands where a list is wanted"},
		{"f = true", "true or false stands where a number is wanted"},
	} {
		var v struct {
			N int      `toml:"n"`
			S string   `toml:"s"`
			L []string `toml:"l"`
			F float64  `toml:"f"`
			A any      `toml:"a"`
		}
		_, err := Decode([]byte(c.text), &v, Small)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
			continue
		}
		for _, speak := range []string{"toml", "EOF", "interface", "slice", "int64", "expected", "delimiter"} {
			if strings.Contains(err.Error(), speak) {
				t.Errorf("%q: %v: %q is no word for a person", c.text, err, speak)
			}
		}
	}
}

// A zero that would be taken for a default is told.
func TestZeros(t *testing.T) {
	for text, want := range map[string]string{
		"n = 1\nm = 0":   "",
		"m = 0\nn = 0":   "line 2, key n: 0: want a number above 0, or no such line, which means 16",
		"f = 0.0":        "line 1, key f: 0: want a number above 0, or no such line, which means an hour",
		"m = 3":          "",
		"n = -1\nf = -2": "",
	} {
		var v struct {
			N int     `toml:"n" zero:"16"`
			F float64 `toml:"f" zero:"an hour"`
			M int     `toml:"m"`
		}
		if _, err := Decode([]byte(text), &v, Small); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestUnknownKeys(t *testing.T) {
	var v struct {
		A int `toml:"a"`
	}
	unknown, err := Decode([]byte("a = 1\nb = 2\n[c]\nd = 3\n"), &v, Small)
	if err != nil || strings.Join(unknown, " ") != "b c c.d" {
		t.Errorf("%q, %v", unknown, err)
	}
}

// A text that the TOML package takes is refused for a limit only, and no text makes a scan run on.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"a = [[1, {b = 'x'}], 2]\n[c.d]\n[[e]]\nf.g = \"\"\"\n\"\"\"\n", "x = [}", "[[", "a = {=", "a = [,,}]", "'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		var tree, again map[string]any
		_, err := Decode([]byte(text), &tree, Small)
		LinesOf([]byte(text))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("error is %v", err)
		}
		limit := err != nil && strings.Contains(err.Error(), " more than ")
		if plain := toml.Unmarshal([]byte(text), &again); plain == nil && err != nil && !limit {
			t.Errorf("%q: %v", text, err)
		}
	})
}
