// Package fault makes errors that know which package reports them. Their text begins
// with the package's name, as Go programmers expect it; [Text] is the same for people
// who use the program and know no packages.
package fault

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"
)

// fault is an error whose text begins with a prefix of so many bytes.
type fault struct {
	error
	prefix int
}

// Unwrap returns the error that has the text.
func (f *fault) Unwrap() error { return f.error }

// Errorf is [fmt.Errorf] for a format that begins with the name of a package and ": ".
func Errorf(format string, args ...any) error {
	return &fault{fmt.Errorf(format, args...), prefixOf(format)}
}

// New is [errors.New] for a text that begins with the name of a package and ": ".
func New(text string) error { return &fault{errors.New(text), prefixOf(text)} }

// prefixOf is the length of the name of a package and ": " at the beginning of text.
func prefixOf(text string) int {
	name, _, ok := strings.Cut(text, ": ")
	if !ok || strings.ContainsAny(name, " %") {
		return 0
	}
	return len(name + ": ")
}

// Text is the text of err without the names of packages: neither its own nor those of
// the errors that it wraps. An error of a type of its own has the name of the package
// of the type.
func Text(err error) string {
	text := err.Error()
	for _, cause := range causes(err) {
		if i := strings.LastIndex(text, cause.Error()); i >= 0 {
			text = text[:i] + Text(cause) + text[i+len(cause.Error()):]
		}
	}
	if f, ok := err.(*fault); ok {
		return strings.TrimPrefix(text, f.Error()[:f.prefix])
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.TrimPrefix(text, path.Base(t.PkgPath())+": ")
}

func causes(err error) []error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if cause := e.Unwrap(); cause != nil {
			return []error{cause}
		}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}
