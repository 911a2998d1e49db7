package space

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// parser reads a text once, from left to right. After an error all its methods do nothing.
type parser struct {
	text string
	at   int // next byte
	end  int // end of the current word
	err  error
}

func (p *parser) failf(at int, format string, args ...any) {
	if p.err == nil {
		p.err = fault.Errorf("space: arch string, position %d: %s", at+1, fmt.Sprintf(format, args...))
	}
}

// word sets end to the next space and returns the text up to the first underscore.
func (p *parser) word() string {
	rest := p.text[p.at:]
	n := strings.IndexByte(rest, ' ')
	if n < 0 {
		n = len(rest)
	}
	p.end = p.at + n
	name, _, _ := strings.Cut(rest[:n], "_")
	if rest[:n] == "fast_scnn" || strings.HasPrefix(rest[:n], "fast_scnn_") {
		name = "fast_scnn"
	}
	return name
}

// next reports whether tok comes next.
func (p *parser) next(tok string) bool {
	return p.err == nil && strings.HasPrefix(p.text[p.at:p.end], tok)
}

// accept reads tok if it comes next.
func (p *parser) accept(tok string) bool {
	if !p.next(tok) {
		return false
	}
	p.at += len(tok)
	return true
}

// acceptNumbered reads tok if it comes next and a digit follows it: names of activations
// begin with "_h", too.
func (p *parser) acceptNumbered(tok string) bool {
	rest := p.text[p.at:p.end]
	if len(rest) <= len(tok) || rest[len(tok)] < '0' || rest[len(tok)] > '9' {
		return false
	}
	return p.accept(tok)
}

func (p *parser) expect(tok string) {
	if p.err == nil && !p.accept(tok) {
		p.failf(p.at, "want %q, found %q", tok, clip(p.text[p.at:p.end]))
	}
}

// number reads a positive decimal without leading zeros.
func (p *parser) number(what string) int {
	if p.err != nil {
		return 0
	}
	n := p.at
	for n < p.end && p.text[n] >= '0' && p.text[n] <= '9' {
		n++
	}
	digits := p.text[p.at:n]
	v, err := strconv.Atoi(digits)
	switch {
	case digits == "":
		p.failf(p.at, "want %s, found %q", what, clip(p.text[p.at:p.end]))
	case digits[0] == '0':
		p.failf(p.at, "%s starts with 0: want a positive number without leading zeros", what)
	case err != nil || v > maxNumber:
		p.failf(p.at, "%s %s is above %d", what, clip(digits), maxNumber)
	}
	p.at = n
	return v
}

// least reads a number of at least 1 or 2. A smaller number would not have been written.
func (p *parser) least(least int, what string) int {
	at := p.at
	v := p.number(what)
	if p.err == nil && v < least {
		p.failf(at, "%s of 1 is the rule and is not written", what)
	}
	return v
}

// ident reads lower-case letters and digits.
func (p *parser) ident() string {
	if p.err != nil {
		return ""
	}
	n := p.at
	for n < p.end && (p.text[n] >= 'a' && p.text[n] <= 'z' || p.text[n] >= '0' && p.text[n] <= '9') {
		n++
	}
	id := p.text[p.at:n]
	p.at = n
	return id
}

// oneOf reads one of the words and returns its position.
func (p *parser) oneOf(words []string, what string) int {
	at := p.at
	name := p.ident()
	i := slices.Index(words, name)
	if i < 0 {
		p.failf(at, "unknown %s %q, want one of %s", what, clip(name), strings.Join(words, ", "))
	}
	return max(0, i)
}

func (p *parser) activation() blocks.ActFunc { return blocks.ActFunc(p.oneOf(actWords, "activation")) }

// done reports an error unless the word has been read to its end.
func (p *parser) done() {
	if p.err == nil && p.at < p.end {
		p.failf(p.at, "unknown token %q", clip(p.text[p.at:p.end]))
	}
}

// clip shortens a text for an error.
func clip(s string) string {
	const most = 24
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// appendInt is strconv.AppendInt with a fast path for numbers of one to three digits, of which
// an arch string has nearly a hundred.
func appendInt(p []byte, n int) []byte {
	switch {
	case n < 0 || n > 999:
		return strconv.AppendInt(p, int64(n), 10)
	case n > 99:
		return append(p, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	case n > 9:
		return append(p, byte('0'+n/10), byte('0'+n%10))
	}
	return append(p, byte('0'+n))
}
