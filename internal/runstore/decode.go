package runstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"nas/search"
)

// ParseTrial reads one line of trials.jsonl, with or without its newline. It accepts
// only the keys that [AppendTrial] writes, in any order and with any white space: an
// unknown or repeated key is an error. It is several times as fast as encoding/json,
// which counts when a run of a million trials is resumed.
func ParseTrial(line []byte) (search.Trial, error) {
	p := parser{rest: line}
	var t search.Trial
	p.trial(func(key int) {
		switch key {
		case keyID:
			t.ID = p.integer()
		case keyArchID:
			t.ArchID = p.text()
		case keyArch:
			t.Arch = p.text()
		case keyGenes:
			t.Genes = integers(&p, func() uint16 {
				v := p.integer()
				if v < 0 || v > math.MaxUint16 {
					p.fail("a gene is %d", v)
				}
				return uint16(v)
			})
		case keyGeneration:
			t.Generation = p.integer()
		case keyParents:
			t.Parents = integers(&p, p.integer)
		case keyContinues:
			t.Continues = p.integer()
		case keyObjectives:
			t.Objectives = p.values()
		case keyParts:
			t.Parts = p.values()
		case keyViolation:
			t.Violation = p.float()
		case keyViolations:
			t.Violations = p.values()
		case keyScreened:
			t.Screened = p.boolean()
		case keyRungs:
			p.array(func() { t.Rungs = append(t.Rungs, p.float()) })
		case keyStopped:
			t.Stopped = p.boolean()
		case keyWarnings:
			p.array(func() { t.Warnings = append(t.Warnings, p.text()) })
		case keyFailed:
			t.Failed = p.text()
		}
	})
	if p.checkArch([]byte(t.Arch), []byte(t.ArchID)); p.err != nil {
		return search.Trial{}, p.err
	}
	return t, nil
}

// checkArch refuses an arch that is not the one that its arch_id was made from (see space.Arch.ID).
// Trials of other problems than spaces have neither.
func (p *parser) checkArch(arch, id []byte) {
	if p.err == nil && !isOf(arch, id) {
		p.fail("the arch is not that of arch_id %q, one of them was changed", id)
	}
}

// isOf tells whether an arch may have that arch_id.
func isOf(arch, id []byte) bool {
	if len(arch) == 0 || len(id) != 12 {
		return true
	}
	sum := sha256.Sum256(arch)
	var digits [12]byte
	hex.Encode(digits[:], sum[:6])
	return bytes.Equal(digits[:], id)
}

// The keys of a trial.
const (
	keyID = 1 << iota
	keyArchID
	keyArch
	keyGenes
	keyGeneration
	keyParents
	keyObjectives
	keyParts
	keyViolation
	keyViolations
	keyScreened
	keyRungs
	keyStopped
	keyWarnings
	keyFailed
	keyContinues

	requiredKeys = keyID | keyArchID | keyGenes | keyViolation
)

func keyOf(key []byte) int {
	switch string(key) {
	case "id":
		return keyID
	case "arch_id":
		return keyArchID
	case "arch":
		return keyArch
	case "genes":
		return keyGenes
	case "generation":
		return keyGeneration
	case "parents":
		return keyParents
	case "objectives":
		return keyObjectives
	case "parts":
		return keyParts
	case "violation":
		return keyViolation
	case "violations":
		return keyViolations
	case "screened":
		return keyScreened
	case "rungs":
		return keyRungs
	case "stopped":
		return keyStopped
	case "warnings":
		return keyWarnings
	case "failed":
		return keyFailed
	case "continues":
		return keyContinues
	}
	return 0
}

// trial calls member with each key of the trial on a line; member reads the value.
func (p *parser) trial(member func(key int)) {
	seen := 0
	p.object(func(name []byte) {
		key := keyOf(name)
		if key == 0 {
			p.fail("unknown key %q", name)
		}
		if member(key); seen&key != 0 {
			p.fail("key %q occurs twice", name)
		}
		seen |= key
	})
	if p.space(); p.err == nil && len(p.rest) > 0 {
		p.fail("text after the trial: %.20q", p.rest)
	}
	if p.err == nil && seen&requiredKeys != requiredKeys {
		p.err = errors.New("one of id, arch_id, genes and violation is missing")
	}
}

// parser reads JSON from the front of rest. After an error nothing more is read
// and every method returns a zero value.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.rest = nil
}

func (p *parser) space() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\t' || p.rest[0] == '\r') {
		p.rest = p.rest[1:]
	}
}

// take consumes c after white space, or returns false.
func (p *parser) take(c byte) bool {
	p.space()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) want(c byte) {
	if p.err == nil && !p.take(c) {
		if len(p.rest) == 0 {
			p.fail("the line ends where %q is wanted", c)
		} else {
			p.fail("%.12q stands where %q is wanted", p.rest, c)
		}
	}
}

// object calls member with each key; member reads the value.
func (p *parser) object(member func(key []byte)) {
	if p.want('{'); p.err != nil || p.take('}') {
		return
	}
	for p.err == nil {
		key := p.quoted()
		if p.want(':'); p.err != nil {
			return
		}
		if member(key); p.err != nil || !p.take(',') {
			break
		}
	}
	p.want('}')
}

func (p *parser) array(element func()) {
	if p.want('['); p.err != nil || p.take(']') {
		return
	}
	for p.err == nil {
		if element(); !p.take(',') {
			break
		}
	}
	p.want(']')
}

// quoted returns the text of a string. It may be a slice of the line.
func (p *parser) quoted() []byte {
	if p.want('"'); p.err != nil {
		return nil
	}
	end := bytes.IndexByte(p.rest, '"')
	if end < 0 {
		p.fail("a string has no end")
		return nil
	}
	s := p.rest[:end]
	const spaces, high = 0x2020202020202020, 0x8080808080808080
	var odd uint64 // has bit 7 of a byte set if one is not plain ASCII
	i := 0
	for ; i+8 <= len(s); i += 8 {
		c := binary.LittleEndian.Uint64(s[i:])
		odd |= c | (c - spaces)
	}
	for ; i < len(s); i++ {
		odd |= uint64(s[i] | (s[i] - ' '))
	}
	if odd&high == 0 && bytes.IndexByte(s, '\\') < 0 {
		p.rest = p.rest[end+1:]
		return s
	}
	for end < len(p.rest) && p.rest[end] == '"' {
		slashes := 0
		for end-slashes > 0 && p.rest[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			break
		}
		next := bytes.IndexByte(p.rest[end+1:], '"')
		if next < 0 {
			p.fail("a string has no end")
			return nil
		}
		end += 1 + next
	}
	whole := make([]byte, 0, end+2)
	whole = append(append(append(whole, '"'), p.rest[:end]...), '"')
	var text string
	if err := json.Unmarshal(whole, &text); err != nil {
		p.fail("a string is broken: it holds a control character, or a backslash that begins no escape")
		return nil
	}
	p.rest = p.rest[end+1:]
	return []byte(text)
}

func (p *parser) text() string { return string(p.quoted()) }

// number returns the characters of a number.
func (p *parser) number() []byte {
	p.space()
	n := 0
	for n < len(p.rest) {
		c := p.rest[n]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		n++
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}

func (p *parser) integer() int {
	if p.err != nil {
		return 0
	}
	// The fast path: digits alone, with a comma or a bracket behind them.
	p.space()
	v, n := 0, 0
	for n < len(p.rest) && n < 18 && '0' <= p.rest[n] && p.rest[n] <= '9' {
		v = v*10 + int(p.rest[n]-'0')
		n++
	}
	if 0 < n && n < 18 && n < len(p.rest) && (p.rest[n] == ',' || p.rest[n] == ']') {
		p.rest = p.rest[n:]
		return v
	}
	s := p.number()
	v, err := strconv.Atoi(string(s))
	if err != nil {
		p.fail("%q stands where an integer is wanted", s)
	}
	return v
}

func (p *parser) float() float64 {
	if p.err != nil {
		return 0
	}
	if p.space(); len(p.rest) > 0 && p.rest[0] == '"' {
		switch s := p.text(); s {
		case "NaN":
			return math.NaN()
		case "+Inf":
			return math.Inf(1)
		case "-Inf":
			return math.Inf(-1)
		default:
			p.fail("%q stands where a number is wanted", s)
			return 0
		}
	}
	s := p.number()
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		p.fail("%q stands where a number is wanted", s)
	}
	return v
}

func (p *parser) boolean() bool {
	p.space()
	for _, word := range []string{"true", "false"} {
		if bytes.HasPrefix(p.rest, []byte(word)) {
			p.rest = p.rest[len(word):]
			return word == "true"
		}
	}
	p.fail("%.12q stands where true or false is wanted", p.rest)
	return false
}

// integers reads an array, of which next reads one element.
func integers[T int | uint16](p *parser, next func() T) []T {
	// There is one element more than there are commas before the bracket.
	list := make([]T, 0, 1+bytes.Count(p.rest[:max(0, bytes.IndexByte(p.rest, ']'))], []byte{','}))
	p.array(func() { list = append(list, next()) })
	return list
}

func (p *parser) values() map[string]float64 {
	m := make(map[string]float64, 4)
	p.object(func(key []byte) {
		name := string(key)
		if _, twice := m[name]; twice {
			p.fail("%q occurs twice", name)
		}
		m[name] = p.float()
	})
	return m
}
