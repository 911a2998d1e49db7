package jsonfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type page struct {
	Format int
	Units  []struct {
		Unit string
		Ms   float64
	}
	Meta map[string]string
}

const whole = `{
 "format": 1,
 "units": [
  {"unit": "conv", "ms": 1.5},
  {"unit": "pool", "ms": 2}
 ],
 "meta": {"a": "b"}
}
`

func TestDecode(t *testing.T) {
	cut := func(after string) string { i := strings.Index(whole, after); return whole[:i+len(after)] }
	for _, c := range []struct{ name, text, want string }{
		{"whole", whole, ""},
		{"empty", "", "line 1: the file is empty"},
		{"blank", " \n\t", "line 1: the file is empty"},
		{"picture", "\x89PNG\r\n\x1a\n", `line 1: the file begins with "\x89PNG\r\n\x1a": it is no JSON`},
		{"nothing to tell", "null", ""},
		{"zeros", "\x00\x00", `line 1: the file begins with "\x00\x00": it is no JSON`},
		{"cut in a string", cut(`"po`), "line 5, key units[1].unit: the file ends here, it was cut off"},
		{"cut behind a value", cut(`"pool"`), "line 5, key units[1].unit: the file ends here, it was cut off"},
		{"cut in a key", cut(`"me`), "line 7, key units: the file ends here, it was cut off"},
		{"cut between entries", cut("1.5},\n"), "line 5, key units[1]: the file ends here, it was cut off"},
		{"zeros inside", strings.Replace(whole, "pool", "p\x00ol", 1), `line 5, key units[1].unit: '\x00' stands where text goes on: want its escape, \u and four digits`},
		{"comma missing", strings.Replace(whole, `"conv", `, `"conv" `, 1), `line 4, key units[0].unit: '"' stands where a comma or } is wanted`},
		{"another type", strings.Replace(whole, "2}", `"2"}`, 1), "line 5, key units[1].ms: string stands where number is wanted"},
		{"fraction", strings.Replace(whole, "1,", "1.5,", 1), "line 2, key format: 1.5 is no whole number, or too large"},
		{"large", strings.Replace(whole, "1,", "10000000000000000000,", 1), "line 2, key format: 10000000000000000000 is no whole number, or too large"},
		{"large float", strings.Replace(whole, "2}", "2e999}", 1), "line 5, key units[1].ms: 2e999 is too large"},
		{"number for a string", strings.Replace(whole, `"pool"`, "1.5", 1), "line 5, key units[1].unit: number stands where string is wanted"},
		{"another type, list", strings.Replace(whole, `{"a": "b"}`, "[]", 1), "line 7, key meta: array stands where object is wanted"},
	} {
		err := Decode([]byte(c.text), new(page))
		if got := message(err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	var syntax *json.SyntaxError
	if err := Decode([]byte("{"), new(page)); !errors.As(err, &syntax) {
		t.Errorf("%v does not wrap the decoder's error", err)
	}
}

type timed struct{ Ms float64 }

// UnmarshalJSON has offsets of its own, and takes no time of 0.
func (x *timed) UnmarshalJSON(b []byte) error {
	var j struct {
		Ms float64 `json:"ms"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if j.Ms == 0 {
		return errors.New("0 ms is no time")
	}
	x.Ms = j.Ms
	return nil
}

// What is wrong inside of a type that decodes itself has its own line and key, and null stands for nothing but
// lists, tables and what may be missing.
func TestDecodeInside(t *testing.T) {
	type inner struct {
		N    int      `json:"n"`
		List []int    `json:"list"`
		May  *float64 `json:"may"`
	}
	type outer struct {
		inner
		Made  time.Time        `json:"made"`
		Units []timed          `json:"units"`
		By    map[string]inner `json:"by"`
	}
	const good = `{
 "n": 1, "list": null, "may": null, "unknown": null,
 "made": "2026-11-24T03:53:47Z",
 "units": [
  {"ms": 1},
  {"ms": 2}
 ],
 "by": {
  "a": {"n": 3, "list": [4]}
 }
}`
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`"n": 1`, `"n": null`, "line 2, key n: null stands where number is wanted"},
		{`"ms": 2`, `"ms": "x"`, "line 6, key units[1].ms: string stands where number is wanted"},
		{`"ms": 2`, `"ms": 0`, "line 6, key units[1]: 0 ms is no time"},
		{`{"ms": 1}`, `null`, "line 5, key units[0]: null stands where a value is wanted"},
		{`"n": 3`, `"n": null`, "line 9, key by.a.n: null stands where number is wanted"},
		{`[4]`, `[null]`, "line 9, key by.a.list[0]: null stands where number is wanted"},
		{"2026-11-24T", "24.11.", "line 3, key made: want a date and time such as 2026-11-24T03:53:47Z"},
	} {
		err := Decode([]byte(strings.Replace(good, c.old, c.new, 1)), new(outer))
		if got := message(err); got != c.want {
			t.Errorf("%s for %s: got %q, want %q", c.new, c.old, got, c.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Cut anywhere, a file has a line that it ends on and an error that says so.
func TestEveryCut(t *testing.T) {
	for i := 1; i < len(strings.TrimSpace(whole)); i++ {
		err := Decode([]byte(whole[:i]), new(page))
		var e *Error
		if !errors.As(err, &e) || e.Problem != "the file ends here, it was cut off" ||
			e.Line != 1+strings.Count(whole[:i], "\n") {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
}

// The key of what is nested deep is cut.
func TestLongKey(t *testing.T) {
	var v struct {
		A any `json:"a"`
		B int `json:"b"`
	}
	err := Decode([]byte(`{"a": `+strings.Repeat("[", 5000)+"?"), &v)
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("error is %.400v", err)
	}
}
