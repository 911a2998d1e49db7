package jsonfile

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// walk goes through a valid text beside the type that it is decoded into. It finds what the decoder does not
// tell: null where it changes nothing, and the place of what a method of an inner type refuses, whose offsets
// count from the beginning of its own text.
type walk struct {
	*json.Decoder
	data []byte
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// decodesItself tells types with an UnmarshalJSON or UnmarshalText method.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshaler) || p.Implements(textUnmarshaler)
}

// value reads the next value, which is decoded into a type; nil: into nothing.
func (w walk) value(t reflect.Type, key string) error {
	nilable := t == nil
	for t != nil && t.Kind() == reflect.Pointer {
		t, nilable = t.Elem(), true
	}
	if t != nil && t.Kind() != reflect.Interface && decodesItself(t) && key != "" {
		return w.own(t, key)
	}
	token, err := w.Token()
	if err != nil {
		return nil // not the fault that is looked for
	}
	kind := reflect.Interface
	if t != nil {
		kind = t.Kind()
	}
	switch token {
	case nil:
		if nilable || kind == reflect.Slice || kind == reflect.Map || kind == reflect.Interface {
			return nil
		}
		want := plain(&json.UnmarshalTypeError{Type: t})
		return &Error{line(w.data, w.InputOffset()), key, "null stands where " + want + " is wanted", nil}
	case json.Delim('{'):
		return w.object(t, kind, key)
	case json.Delim('['):
		var elem reflect.Type
		if kind == reflect.Slice || kind == reflect.Array {
			elem = t.Elem()
		}
		for i := 0; w.More(); i++ {
			if err := w.value(elem, fmt.Sprintf("%s[%d]", key, i)); err != nil {
				return err
			}
		}
		if _, err := w.Token(); err != nil {
			return nil // not the fault that is looked for
		}
	}
	return nil
}

func (w walk) object(t reflect.Type, kind reflect.Kind, key string) error {
	for w.More() {
		token, err := w.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil
		}
		var elem reflect.Type
		switch kind {
		case reflect.Map:
			elem = t.Elem()
		case reflect.Struct:
			elem = field(t, name)
		}
		at := name
		if key != "" {
			at = key + "." + name
		}
		if err := w.value(elem, at); err != nil {
			return err
		}
	}
	w.Token()
	return nil
}

// field is the type of the field that a key is decoded into; nil if there is none.
func field(t reflect.Type, key string) reflect.Type {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if f.IsExported() && !f.Anonymous && strings.EqualFold(name, key) {
			return f.Type
		}
	}
	return nil
}

// own reads a value whose type decodes itself.
func (w walk) own(t reflect.Type, key string) error {
	var raw json.RawMessage
	if w.Decode(&raw) != nil {
		return nil
	}
	begin := w.InputOffset() - int64(len(raw))
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	wrong, ok := err.(*json.UnmarshalTypeError)
	switch {
	case bytes.Equal(raw, []byte("null")):
		return &Error{line(w.data, begin), key, "null stands where a value is wanted", nil}
	case err == nil:
		return nil
	case ok:
		if inner := keyAt(raw, wrong.Offset); inner != "" {
			key += "." + inner
		}
		return &Error{line(w.data, begin+wrong.Offset), key, mismatch(wrong), err}
	case t == reflect.TypeFor[time.Time]():
		return &Error{line(w.data, begin), key, "want a date and time such as 2026-11-24T03:53:47Z", err}
	}
	return &Error{line(w.data, begin), key, err.Error(), err}
}
