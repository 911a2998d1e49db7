package runstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"nas/search"
)

// ParseTrial reads one line of trials.jsonl, with or without its newline. It
// knows just what [AppendTrial] writes, in any order of keys and with any white
// space: an unknown or repeated key is an error. It is several times as fast as
// encoding/json, which a run of a million trials needs when it is resumed.
func ParseTrial(line []byte) (search.Trial, error) {
	p := parser{rest: line}
	var t search.Trial
	seen := 0
	p.object(func(key []byte) {
		bit := 0
		switch string(key) {
		case "id":
			bit, t.ID = 1, p.integer()
		case "arch_id":
			bit, t.ArchID = 2, p.text()
		case "arch":
			bit, t.Arch = 4, p.text()
		case "genes":
			bit, t.Genes = 8, p.integers()
		case "generation":
			bit, t.Generation = 16, p.integer()
		case "parents":
			bit, t.Parents = 32, p.integers()
		case "objectives":
			bit, t.Objectives = 64, p.values()
		case "parts":
			bit, t.Parts = 128, p.values()
		case "violation":
			bit, t.Violation = 256, p.float()
		case "violations":
			bit, t.Violations = 512, p.values()
		case "screened":
			bit, t.Screened = 1024, p.boolean()
		case "warnings":
			bit = 2048
			p.array(func() { t.Warnings = append(t.Warnings, p.text()) })
		case "failed":
			bit, t.Failed = 4096, p.text()
		default:
			p.fail("unknown key %q", key)
		}
		if seen&bit != 0 {
			p.fail("key %q occurs twice", key)
		}
		seen |= bit
	})
	const required = 1 | 2 | 8 | 256
	if p.space(); p.err == nil && len(p.rest) > 0 {
		p.fail("text after the trial: %.20q", p.rest)
	}
	if p.err == nil && seen&required != required {
		p.err = errors.New("one of id, arch_id, genes and violation is missing")
	}
	if p.err != nil {
		return search.Trial{}, p.err
	}
	return t, nil
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

// quoted returns the text of a string. It is valid until the line is.
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
	var odd byte // bit 7 of what is not plain ASCII
	for _, c := range s {
		odd |= c | (c - ' ')
	}
	if odd < 0x80 && bytes.IndexByte(s, '\\') < 0 {
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
		p.fail("a string is broken: %v", err)
		return nil
	}
	p.rest = p.rest[end+1:]
	return []byte(text)
}

func (p *parser) text() string { return string(p.quoted()) }

// number returns the characters of a number.
func (p *parser) number() string {
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
	return string(s)
}

func (p *parser) integer() int {
	if p.err != nil {
		return 0
	}
	// Most are short: no sign, few digits, something else behind them.
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
	v, err := strconv.Atoi(s)
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
	v, err := strconv.ParseFloat(s, 64)
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

func (p *parser) integers() []int {
	// As many as there are commas before the end.
	list := make([]int, 0, 1+bytes.Count(p.rest[:max(0, bytes.IndexByte(p.rest, ']'))], []byte{','}))
	p.array(func() { list = append(list, p.integer()) })
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
