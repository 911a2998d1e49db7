// Package jsonfile decodes JSON files and says where one is damaged.
package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Decode is json.Unmarshal with an error that names line and key, an [*Error]. Other than there, null does
// not stand for a number, a text or an object. Errors of an UnmarshalJSON method of v itself are passed on
// unchanged.
func Decode(data []byte, v any) error {
	text := bytes.TrimSpace(data)
	if len(text) == 0 {
		return &Error{Line: 1, Problem: "the file is empty"}
	}
	if !strings.ContainsRune(`{["-0123456789tfn`, rune(text[0])) {
		return &Error{Line: 1, Problem: fmt.Sprintf("the file begins with %.8q: it is no JSON", text)}
	}
	err := json.Unmarshal(data, v)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		problem := inWords(syntax.Error())
		if len(bytes.TrimSpace(data[min(int64(len(data)), syntax.Offset):])) == 0 {
			problem = "the file ends here, it was cut off"
		}
		return &Error{line(data, syntax.Offset), keyAt(data, syntax.Offset), problem, err}
	}
	if decodesItself(reflect.TypeOf(v).Elem()) || err == nil && !bytes.Contains(data, []byte("null")) {
		return err
	}
	w := walk{json.NewDecoder(bytes.NewReader(data)), data}
	if e := w.value(reflect.TypeOf(v), ""); e != nil {
		return e
	}
	if wrong, ok := err.(*json.UnmarshalTypeError); ok {
		return &Error{line(data, wrong.Offset), keyAt(data, wrong.Offset), mismatch(wrong), err}
	}
	return err
}

// inWords says what a syntax error of package json means.
func inWords(problem string) string {
	what, rest, _ := strings.Cut(strings.TrimPrefix(problem, "invalid character "), "' ")
	for _, w := range []struct{ has, say string }{
		{"beginning of value", "a value is wanted"}, {"object key string", "a key in quotes is wanted"},
		{"after object key:value", "a comma or } is wanted"}, {"after object key", "a colon is wanted"},
		{"after array element", "a comma or ] is wanted"}, {"after top-level", "the file should end"},
		{"in string literal", "text goes on: want its escape, \\u and four digits"},
		{"in string escape", "an escape is wanted, one of n t r b f \" \\ / u"},
		{"hexadecimal", "four digits are wanted behind \\u"},
		{"numeric literal", "a digit is wanted"}, {"in literal", "true, false or null is wanted"},
	} {
		if strings.Contains(rest, w.has) {
			return what + "' stands where " + w.say
		}
	}
	if strings.Contains(problem, "exceeded max depth") {
		return "lists and objects are nested too deep"
	}
	return problem
}

// Error says what is wrong where.
type Error struct {
	Line    int    // counted from 1
	Key     string // such as units[12].ms, entries counted from 0; empty at the top
	Problem string
	err     error
}

func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d, key %s: %s", e.Line, e.Key, e.Problem)
}

func (e *Error) Unwrap() error { return e.err }

// mismatch says why a value does not fit its type.
func mismatch(e *json.UnmarshalTypeError) string {
	want := plain(e)
	if value, ok := strings.CutPrefix(e.Value, "number "); ok && want == "number" {
		if strings.HasPrefix(e.Type.Kind().String(), "float") {
			return fmt.Sprintf("%.40s is too large", value)
		}
		return fmt.Sprintf("%.40s is no whole number, or too large", value)
	}
	return fmt.Sprintf("%s stands where %s is wanted", strings.Fields(e.Value)[0], want)
}

// plain is a Go type in JSON's words.
func plain(e *json.UnmarshalTypeError) string {
	t := e.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind().String(); {
	case strings.Contains(kind, "int"), strings.HasPrefix(kind, "float"):
		return "number"
	case kind == "slice", kind == "array":
		return "array"
	case kind == "struct", kind == "map":
		return "object"
	default:
		return kind // string, bool
	}
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int64(len(data)), offset)], []byte("\n"))
}

// level is an object or a list that is open.
type level struct {
	list  bool
	index int
	key   string
	inKey bool // its next string is a key
}

// keyAt is the path of the value that ends at offset or contains it.
func keyAt(data []byte, offset int64) string {
	d := json.NewDecoder(bytes.NewReader(data))
	var open []level
	closed := func() { // a value has ended
		if len(open) > 0 {
			l := &open[len(open)-1]
			l.index++
			l.inKey = !l.list
		}
	}
	for {
		token, err := d.Token()
		if err != nil || d.InputOffset() >= offset {
			return path(open)
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				open = append(open, level{list: t == '[', inKey: t == '{'})
			default:
				open = open[:len(open)-1]
				closed()
			}
		case string:
			if l := len(open) - 1; l >= 0 && open[l].inKey {
				open[l].key, open[l].inKey = t, false
				continue
			}
			closed()
		default:
			closed()
		}
	}
}

func path(open []level) string {
	var b strings.Builder
	for _, l := range open {
		switch {
		case l.list:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case l.key == "":
		case b.Len() > 0:
			b.WriteString("." + l.key)
		default:
			b.WriteString(l.key)
		}
	}
	const most = 100 // bytes
	if b.Len() > most {
		return b.String()[:most] + "..."
	}
	return b.String()
}
