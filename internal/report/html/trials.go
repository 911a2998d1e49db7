package html

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/internal/report"
)

// Trials are the trials of a page in columns, a million of them in some 100 MB.
// The zero value holds none.
type Trials struct {
	ids          []int // rising
	at           []report.XY
	params, macs []int64
	infeasible   []bool
	words        dictionary // of arch strings
	text         []byte     // one after the other: length of the arch id, the arch id, number of words, the words
	begin        []int      // where a trial's text begins
}

// Trial is a scored trial.
type Trial struct {
	ID           int
	ArchID, Arch string // words of Arch are one space apart
	X, Y         float64
	Params, MACs int64
	Feasible     bool
}

// Len is the number of trials.
func (t *Trials) Len() int { return len(t.ids) }

// Add appends a trial, as [Trial] has it, whose id is above those before it. Its
// texts may change afterwards.
func (t *Trials) Add(id int, archID, arch []byte, at report.XY, params, macs int64, feasible bool) {
	t.ids, t.at = append(t.ids, id), append(t.at, at)
	t.params, t.macs = append(t.params, params), append(t.macs, macs)
	t.infeasible = append(t.infeasible, !feasible)
	t.begin = append(t.begin, len(t.text))
	b := binary.AppendUvarint(t.text, uint64(len(archID)))
	b = append(b, archID...)
	var room [64]int
	words := room[:0]
	for len(arch) > 0 {
		n := bytes.IndexByte(arch, ' ')
		if n < 0 {
			n = len(arch)
		}
		if n > 0 {
			words = append(words, t.words.ofBytes(arch[:n]))
		}
		arch = arch[min(n+1, len(arch)):]
	}
	b = binary.AppendUvarint(b, uint64(len(words)))
	for _, w := range words {
		b = binary.AppendUvarint(b, uint64(w))
	}
	t.text = b
}

// Point returns where the i-th trial stands and whether it is feasible.
func (t *Trials) Point(i int) (report.XY, bool) { return t.at[i], !t.infeasible[i] }

// Feasible is the number of feasible trials.
func (t *Trials) Feasible() (n int) {
	for _, bad := range t.infeasible {
		if !bad {
			n++
		}
	}
	return n
}

// Find returns the place of the trial with an ID.
func (t *Trials) Find(id int) (i int, ok bool) { return slices.BinarySearch(t.ids, id) }

// At returns the i-th trial.
func (t *Trials) At(i int) Trial {
	archID, words := t.textOf(i)
	arch := make([]string, 0, 32)
	for range words.n {
		arch = append(arch, t.words.words[words.next()])
	}
	return Trial{ID: t.ids[i], ArchID: string(archID), Arch: strings.Join(arch, " "), X: t.at[i].X, Y: t.at[i].Y,
		Params: t.params[i], MACs: t.macs[i], Feasible: !t.infeasible[i]}
}

// packed are n numbers.
type packed struct {
	n    int
	rest []byte
}

func (p *packed) next() int {
	v, n := binary.Uvarint(p.rest)
	p.rest = p.rest[n:]
	return int(v)
}

func (t *Trials) textOf(i int) (archID []byte, words packed) {
	b := packed{rest: t.text[t.begin[i]:]}
	n := b.next()
	archID, b.rest = b.rest[:n], b.rest[n:]
	b.n = b.next()
	return archID, b
}

// write writes the columns of some trials, nil: of all, that page/page.js reads, as JSON.
func (t *Trials) write(w *bufio.Writer, few *sample) error {
	n, at := t.Len(), func(k int) int { return k }
	if few != nil {
		n, at = len(few.trials), func(k int) int { return few.trials[k] }
	}
	var room []byte
	column := func(name string, value func(b []byte, i int) ([]byte, error)) error {
		fmt.Fprintf(w, "%q:", name)
		if t.Len() == 0 {
			_, err := w.WriteString("null")
			return err
		}
		for k := range n {
			room = append(room[:0], ',')
			if k == 0 {
				room[0] = '['
			}
			var err error
			if room, err = value(room, at(k)); err != nil {
				return err
			}
			if _, err = w.Write(room); err != nil {
				return err
			}
		}
		return w.WriteByte(']')
	}
	number := func(of []int64) func([]byte, int) ([]byte, error) {
		return func(b []byte, i int) ([]byte, error) { return strconv.AppendInt(b, of[i], 10), nil }
	}
	for i, c := range []struct {
		name  string
		value func([]byte, int) ([]byte, error)
	}{
		{"id", func(b []byte, i int) ([]byte, error) { return strconv.AppendInt(b, int64(t.ids[i]), 10), nil }},
		{"arch_id", func(b []byte, i int) ([]byte, error) {
			id, _ := t.textOf(i)
			for _, c := range id {
				if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
					text, err := json.Marshal(string(id))
					return append(b, text...), err
				}
			}
			return append(append(append(b, '"'), id...), '"'), nil
		}},
		{"words", func(b []byte, i int) ([]byte, error) {
			_, words := t.textOf(i)
			b = append(b, '[')
			for k := range words.n {
				if k > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendInt(b, int64(words.next()), 10)
			}
			return append(b, ']'), nil
		}},
		{"x", func(b []byte, i int) ([]byte, error) { return short(t.at[i].X).append(b), nil }},
		{"y", func(b []byte, i int) ([]byte, error) { return short(t.at[i].Y).append(b), nil }},
		{"params", number(t.params)},
		{"macs", number(t.macs)},
		{"ok", func(b []byte, i int) ([]byte, error) {
			if t.infeasible[i] {
				return append(b, '0'), nil
			}
			return append(b, '1'), nil
		}},
	} {
		if c.name == "words" && t.Len() == 0 {
			continue
		}
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		if err := w.WriteByte(before); err != nil {
			return err
		}
		if err := column(c.name, c.value); err != nil {
			return err
		}
	}
	return w.WriteByte('}')
}
