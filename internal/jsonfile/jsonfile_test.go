package jsonfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
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
		{"zeros inside", strings.Replace(whole, "pool", "p\x00ol", 1), `line 5, key units[1].unit: invalid character '\x00' in string literal`},
		{"comma missing", strings.Replace(whole, `"conv", `, `"conv" `, 1), `line 4, key units[0].unit: invalid character '"' after object key:value pair`},
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
		var e *positionError
		if !errors.As(err, &e) || e.Problem != "the file ends here, it was cut off" ||
			e.Line != 1+strings.Count(whole[:i], "\n") {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
}
