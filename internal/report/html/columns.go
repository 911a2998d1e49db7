package html

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
)

// column is a column of the trials as page/page.js reads it.
type column struct {
	name   string
	append func(b []byte, i int) []byte // appends the value of the i-th trial as JSON
}

func (t *Trials) columns() []column {
	numbers := func(of []int64) func([]byte, int) []byte {
		return func(b []byte, i int) []byte { return strconv.AppendInt(b, of[i], 10) }
	}
	return []column{
		{"id", func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(t.ids[i]), 10) }},
		{"arch_id", func(b []byte, i int) []byte {
			id, _ := t.textOf(i)
			return appendText(b, id)
		}},
		{"words", func(b []byte, i int) []byte {
			_, words := t.textOf(i)
			b = append(b, '[')
			for k := range words.n {
				if k > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendInt(b, int64(words.next()), 10)
			}
			return append(b, ']')
		}},
		{"x", func(b []byte, i int) []byte { return short(t.points[i].X).append(b) }},
		{"y", func(b []byte, i int) []byte { return short(t.points[i].Y).append(b) }},
		{"params", numbers(t.params)},
		{"macs", numbers(t.macs)},
		{"ok", func(b []byte, i int) []byte {
			if t.infeasible[i] {
				return append(b, '0')
			}
			return append(b, '1')
		}},
	}
}

// appendText appends a string as JSON. Hexadecimal ones, as all arch ids are, need no
// escapes.
func appendText(b, text []byte) []byte {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			quoted, _ := json.Marshal(string(text)) // no string is an error
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// write writes the columns as a JSON object, of the sampled trials or, if s is nil,
// of all. Errors are those of w, which its Flush returns.
func (t *Trials) write(w *bufio.Writer, s *sample) {
	n, index := t.Len(), func(k int) int { return k }
	if s != nil {
		n, index = len(s.trials), func(k int) int { return s.trials[k] }
	}
	var buffer []byte
	separator := byte('{')
	for _, c := range t.columns() {
		if t.Len() == 0 && c.name == "words" {
			continue
		}
		w.WriteByte(separator)
		separator = ','
		fmt.Fprintf(w, "%q:", c.name)
		if t.Len() == 0 {
			w.WriteString("null")
			continue
		}
		for k := range n {
			buffer = append(buffer[:0], ',')
			if k == 0 {
				buffer[0] = '['
			}
			buffer = c.append(buffer, index(k))
			w.Write(buffer)
		}
		w.WriteByte(']')
	}
	w.WriteByte('}')
}
