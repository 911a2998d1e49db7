package runstore

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"nas/search"
)

// AppendTrial appends a trial's line of trials.jsonl, newline included. The
// order of keys is fixed, names in objects are sorted, numbers are the shortest
// that read back to the same value, and what is empty is left out, except for
// id, arch_id, genes and violation. Numbers that JSON lacks are the strings
// "NaN", "+Inf" and "-Inf".
func AppendTrial(b []byte, t *search.Trial) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, int64(t.ID), 10)
	b = append(b, `,"arch_id":`...)
	b = appendString(b, t.ArchID)
	if t.Arch != "" {
		b = append(b, `,"arch":`...)
		b = appendString(b, t.Arch)
	}
	b = append(b, `,"genes":`...)
	b = appendInts(b, t.Genes)
	if t.Generation != 0 {
		b = append(b, `,"generation":`...)
		b = strconv.AppendInt(b, int64(t.Generation), 10)
	}
	if len(t.Parents) > 0 {
		b = append(b, `,"parents":`...)
		b = appendInts(b, t.Parents)
	}
	if t.Continues != 0 {
		b = append(b, `,"continues":`...)
		b = strconv.AppendInt(b, int64(t.Continues), 10)
	}
	b = appendValues(b, `,"objectives":`, t.Objectives)
	b = appendValues(b, `,"parts":`, t.Parts)
	b = append(b, `,"violation":`...)
	b = appendFloat(b, t.Violation)
	b = appendValues(b, `,"violations":`, t.Violations)
	if t.Screened {
		b = append(b, `,"screened":true`...)
	}
	if len(t.Rungs) > 0 {
		b = append(b, `,"rungs":[`...)
		for i, v := range t.Rungs {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFloat(b, v)
		}
		b = append(b, ']')
	}
	if t.Stopped {
		b = append(b, `,"stopped":true`...)
	}
	if len(t.Warnings) > 0 {
		b = append(b, `,"warnings":[`...)
		for i, w := range t.Warnings {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, w)
		}
		b = append(b, ']')
	}
	if t.Failed != "" {
		b = append(b, `,"failed":`...)
		b = appendString(b, t.Failed)
	}
	return append(b, '}', '\n')
}

func appendInts[T int | uint16](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return append(b, ']')
}

func appendValues(b []byte, key string, values map[string]float64) []byte {
	if len(values) == 0 {
		return b
	}
	var buffer [16]string
	names := buffer[:0]
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	b = append(append(b, key...), '{')
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, n), ':')
		b = appendFloat(b, values[n])
	}
	return append(b, '}')
}

// appendFloat formats a number as ECMAScript does: with an exponent only where it is
// below 1e-6 or at least 1e21.
func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"+Inf"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Inf"`...)
	}
	if a := math.Abs(v); a == 0 || a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, v, 'e', -1, 64)
}

func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			q, err := json.Marshal(s)
			if err != nil {
				panic("runstore: " + err.Error()) // a string always has a JSON form
			}
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
