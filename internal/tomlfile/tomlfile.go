// Package tomlfile reads TOML, within limits and with errors in plain words. It looks at a text before
// the TOML package does, which takes time and memory in the square of what a hostile text nests.
package tomlfile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Small is the most bytes of a text that people write: a config, a recipe.
const Small = 1 << 20

const (
	maxDepth = 64   // of nesting, and parts of a key
	maxKey   = 1000 // bytes of one part of a key
	perValue = 8    // bytes of a text that each value is allowed for
)

// Error says what is wrong with a text, and where.
type Error struct {
	Line    int    // counted from 1; 0: unknown
	Key     string // near it; may be empty
	Problem string

	line string // quoted, with ": " behind it; "" where the key says enough
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Problem
	case e.Key == "":
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d, key %.80s: %s", e.Line, e.Key, e.Problem)
}

// Decode decodes a text of at most so many bytes into v, a struct or a map. It returns the keys that
// a struct has no field for, in order. Its error is an [*Error]. A field with a tag "zero" must not be 0 in the text:
// there 0 stands for what the tag says.
func Decode(data []byte, v any, bytes int) (unknown []string, err error) {
	if len(data) > bytes {
		return nil, &Error{Problem: fmt.Sprintf("the text has more than %d bytes", bytes)}
	}
	s := scanner{data: data, line: 1, counts: map[string]int{}, most: bytes / perValue}
	if s.scan(); s.problem != "" {
		return nil, &Error{Line: s.line, Problem: s.problem}
	}
	meta, err := toml.Decode(string(data), v)
	if err != nil {
		return nil, inWords(data, err)
	}
	for _, k := range meta.Undecoded() {
		unknown = append(unknown, k.String())
	}
	return unknown, zero(data, v, &meta)
}

// zero returns an error for the first field of a struct that the text sets to 0, where 0 stands for a default.
func zero(data []byte, v any, meta *toml.MetaData) error {
	s := reflect.ValueOf(v).Elem()
	if s.Kind() != reflect.Struct {
		return nil
	}
	for i := range s.NumField() {
		f := s.Type().Field(i)
		key := f.Tag.Get("toml")
		if is := f.Tag.Get("zero"); is != "" && s.Field(i).IsZero() && meta.IsDefined(key) {
			return &Error{Line: LinesOf(data).Of(key), Key: key, Problem: "0: " + NoZero(is)}
		}
	}
	return nil
}

// NoZero says what is wrong with a 0 that would stand for a default.
func NoZero(is string) string {
	return fmt.Sprintf("want a number above 0, or no such line, which means %s", is)
}

// inWords says what an error of the TOML package means.
func inWords(data []byte, err error) *Error {
	e := &Error{Problem: err.Error()}
	var p toml.ParseError
	if errors.As(err, &p) {
		*e = Error{Line: p.Position.Line, Key: p.LastKey, Problem: strings.TrimSuffix(p.Message, ".")}
	}
	if m := mismatch.FindStringSubmatch(e.Problem); m != nil {
		line, _ := strconv.Atoi(m[1])
		*e = Error{Line: line, Key: m[2]}
		e.Problem = fmt.Sprintf("%s stands where %s is wanted", typeName(m[3]), typeName(m[4]))
	} else if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		e.Problem = "this is no text in UTF-8: want a file that an editor has saved"
	}
	if m := second.FindStringSubmatch(e.Problem); m != nil {
		e.Key = m[1]
	} else if p.Position.Line > 0 {
		e.quote(data)
	}
	e.open(data)
	for _, w := range words {
		if i := strings.Index(strings.ToLower(e.Problem), w.has); i >= 0 {
			e.Problem = e.line + w.say
			break
		}
	}
	return e
}

// second is the key that an error of the TOML package finds a second time.
var second = regexp.MustCompile(`^Key '(.+)' (?:has already|was already)`)

// open moves an error to the line where a list begins that has no end: the TOML package finds the key behind it.
func (e *Error) open(data []byte) {
	lines := strings.Split(string(data), "\n")
	if !strings.Contains(e.Problem, "expected a comma") || e.Line < 1 || e.Line > len(lines) {
		return
	}
	key := e.Key[strings.LastIndexByte(e.Key, '.')+1:]
	if m := next.FindStringSubmatch(lines[e.Line-1]); m == nil || m[1] == key {
		return // inside the list
	}
	for at := e.Line - 1; at >= 1; at-- {
		if m := next.FindStringSubmatch(lines[at-1]); m != nil && m[1] == key {
			e.Line, e.Problem, e.line = at, "the list or table in {} that begins here has no end: want its ] or }", ""
			return
		}
	}
}

// next is a line that begins with a key or a table.
var next = regexp.MustCompile(`^\s*(?:([\w-]+)\s*=|\[\[?\w)`)

// header is a line with a whole [table] or [[entry of a list]].
var header = regexp.MustCompile(`^\s*(\[[^\[\]]+\]|\[\[[^\[\]]+\]\])\s*(#.*)?$`)

// quote keeps the line of the error, or the one before it whose end the TOML package has read, where its key is not
// that of the error.
func (e *Error) quote(data []byte) {
	lines := strings.Split(string(data), "\n")
	if strings.Contains(e.Problem, "table name") || strings.Contains(e.Problem, "table array") {
		for at := min(e.Line, len(lines)); at >= 1; at-- {
			if l := lines[at-1]; strings.HasPrefix(strings.TrimSpace(l), "[") && !header.MatchString(l) {
				e.Line = at
				break
			}
		}
		e.Key = ""
	}
	if e.Line > len(lines) {
		return
	}
	line := strings.TrimSpace(lines[e.Line-1])
	if last := e.Key[strings.LastIndexByte(e.Key, '.')+1:]; line == "" || !utf8.ValidString(line) ||
		last != "" && strings.HasPrefix(line, last) {
		return
	}
	if r := []rune(line); len(r) > 60 {
		line = string(r[:60]) + "..."
	}
	e.line = strconv.Quote(line) + ": "
}

var mismatch = regexp.MustCompile(
	`line (\d+) \(last key "(.*)"\): .*TOML value has type (\S+); destination has type (\S+)`)

// typeName is a type of the TOML package in plain words.
func typeName(t string) string {
	switch {
	case t == "integer" || t == "int64":
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case strings.Contains(t, "string") && !strings.Contains(t, "map"):
		return "text in quotes"
	case strings.HasPrefix(t, "bool"):
		return "true or false"
	case t == "slice" || strings.HasPrefix(t, "[]"):
		return "a list"
	case strings.HasPrefix(t, "time."):
		return "a date"
	}
	return "a table"
}

// words are those for the messages of the TOML package. The first that a message has counts.
var words = []struct{ has, say string }{
	{"unexpected eof", "the file ends in the middle of a value, it was cut off: restore the rest"},
	{"got end of file", "the file ends in the middle of a value, it was cut off: restore the rest"},
	{"control characters", "a control character: want text, and such characters in quotes as \\u and four digits"},
	{"strings cannot contain newlines", "a text has no closing quote on its line"},
	{"newlines not allowed", "a table in {} stands on several lines: want it on one"},
	{"end with a newline", "something stands behind the value: want one key = value in a line, and text in quotes"},
	{"expected value but found", "a value is missing, or it is a text without quotes: " +
		"want a number, true, false, a list in [] or text in quotes"},
	{"unexpected '='", "a key is missing before the ="},
	{"key name appears blank", "a key is missing before the ="},
	{"keys cannot start", "a key begins with a point"},
	{"unexpected '.'", "a key has a point too many"},
	{"expected '.' or '='", "a key without a value: want key = value"},
	{"table name", "want [table] or [[entry of a list]], alone in its line"},
	{"table array", "want [[entry of a list]], alone in its line"},
	{"unexpected comma", "a comma too many"},
	{"expected a comma", "a list or a table in {} lacks a comma or its end: want [1, 2] or {a = 1, b = 2}"},
	{"already been defined", "the key stands here a second time: keep one"},
	{"already created", "the key stands here a second time, as something else: keep one"},
	{"is not a table", "the key stands here a second time, as something else: keep one"},
	{"invalid escape", "a backslash in quotes begins an escape: write it twice, or put the text in single quotes"},
	{"digits after", "a backslash in quotes begins an escape: write it twice, or put the text in single quotes"},
	{"out of range", "the number is too large: want fewer digits"},
	{"invalid datetime", "this is neither a number nor a date: want text in quotes"},
	{"invalid float", "this is no number: want digits, one point, and digits on both sides of it"},
	{"invalid integer", "this is no number: want digits without a zero before them, and _ only between digits"},
	{"floats must start", "this is no number: want a digit before the point"},
	{"expected a digit", "this is no number"},
	{"cannot use sign", "this is no number"},
	{"number: '", "this is no number"},
	{`unexpected '"`, "too many quotes"},
	{`unexpected "'`, "too many quotes"},
}
