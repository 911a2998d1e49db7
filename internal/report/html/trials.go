package html

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"nas/internal/report"
)

// Trials are the scored trials of a run in columns, a million of them in some
// 100 MB. The zero value holds none.
type Trials struct {
	ids          []int // rising
	points       []report.XY
	params, macs []int64
	infeasible   []bool
	words        dictionary // of arch strings
	// text holds for each trial: length of the arch id, the arch id, number of words
	// of the arch string, the words' numbers. All numbers are varints.
	text    []byte
	offsets []int // of each trial in text
}

// Trial is a scored trial.
type Trial struct {
	ID           int
	ArchID, Arch string // the words of Arch are one space apart
	X, Y         float64
	Params, MACs int64
	Feasible     bool
}

// Len is the number of trials.
func (t *Trials) Len() int { return len(t.ids) }

// Add appends a trial, whose id must be larger than those before it. Arguments are as
// the fields of [Trial]; archID and arch may be overwritten afterwards.
func (t *Trials) Add(id int, archID, arch []byte, at report.XY, params, macs int64, feasible bool) {
	t.ids, t.points = append(t.ids, id), append(t.points, at)
	t.params, t.macs = append(t.params, params), append(t.macs, macs)
	t.infeasible = append(t.infeasible, !feasible)
	t.offsets = append(t.offsets, len(t.text))
	b := binary.AppendUvarint(t.text, uint64(len(archID)))
	b = append(b, archID...)
	var buffer [64]int
	words := buffer[:0]
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

// Point returns the coordinates of the i-th trial and whether it is feasible.
func (t *Trials) Point(i int) (report.XY, bool) { return t.points[i], !t.infeasible[i] }

// Feasible is the number of feasible trials.
func (t *Trials) Feasible() (n int) {
	for _, bad := range t.infeasible {
		if !bad {
			n++
		}
	}
	return n
}

// Find returns the index of the trial with an ID.
func (t *Trials) Find(id int) (i int, ok bool) { return slices.BinarySearch(t.ids, id) }

// At returns the i-th trial.
func (t *Trials) At(i int) Trial {
	archID, words := t.textOf(i)
	arch := make([]string, 0, 32)
	for range words.n {
		arch = append(arch, t.words.words[words.next()])
	}
	return Trial{
		ID: t.ids[i], ArchID: string(archID), Arch: strings.Join(arch, " "), X: t.points[i].X, Y: t.points[i].Y,
		Params: t.params[i], MACs: t.macs[i], Feasible: !t.infeasible[i],
	}
}

// varints are n numbers.
type varints struct {
	n    int
	rest []byte
}

func (p *varints) next() int {
	v, n := binary.Uvarint(p.rest)
	p.rest = p.rest[n:]
	return int(v)
}

func (t *Trials) textOf(i int) (archID []byte, words varints) {
	b := varints{rest: t.text[t.offsets[i]:]}
	n := b.next()
	archID, b.rest = b.rest[:n], b.rest[n:]
	b.n = b.next()
	return archID, b
}

// dictionary numbers strings in order of appearance.
type dictionary struct {
	words   []string
	numbers map[string]int
}

func (d *dictionary) of(word string) int {
	i, ok := d.numbers[word]
	if !ok {
		i = len(d.words)
		if d.numbers == nil {
			d.numbers = map[string]int{}
		}
		d.numbers[word] = i
		d.words = append(d.words, word)
	}
	return i
}

func (d *dictionary) ofBytes(word []byte) int {
	if i, ok := d.numbers[string(word)]; ok {
		return i
	}
	return d.of(string(word))
}
