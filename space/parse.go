package space

import (
	"fmt"
	"strconv"
	"strings"

	"nas/blocks"
)

// maxText bounds the length of an arch string.
const maxText = 1 << 16

// Parse reads an arch string. It is strict: tokens must be known, in order and
// in their shortest form, so that Parse(s) without error implies that
// String gives back s. The Arch returned has passed Validate. An error names
// the position, counted in bytes from 1.
func Parse(s string) (Arch, error) {
	if len(s) > maxText {
		return Arch{}, fmt.Errorf("space: arch string has %d bytes, want at most %d", len(s), maxText)
	}
	p := parser{text: s, end: len(s)}
	a := p.arch()
	if p.err != nil {
		return Arch{}, p.err
	}
	if err := a.Validate(); err != nil {
		return Arch{}, err
	}
	return a, nil
}

// parser walks over the text once; the first error sticks.
type parser struct {
	text string
	at   int // next byte
	end  int // end of the word that is being read
	err  error
}

func (p *parser) failf(at int, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("space: arch string, position %d: %s", at+1, fmt.Sprintf(format, args...))
	}
}

func (p *parser) arch() (a Arch) {
	p.word()
	a.Input.H = p.number("the input's height")
	p.expect("x")
	a.Input.W = p.number("the input's width")
	p.expect("x")
	a.Input.C = p.number("the input's channels")
	p.done()
	for i := 0; p.err == nil; i++ {
		p.bar()
		if name := p.word(); isHead(name) {
			a.Head = p.head()
			if p.err == nil && i == 0 {
				p.failf(p.at, "the head stands where the stem is expected: write - for a network without a stem")
			}
			if p.err == nil && p.at < len(p.text) {
				p.failf(p.at, "text after the head: %q", clip(p.text[p.at:]))
			}
			return a
		}
		bs := p.segment()
		if i == 0 {
			a.Stem = bs
		} else {
			a.Stages = append(a.Stages, bs)
		}
	}
	return a
}

// bar reads " | ".
func (p *parser) bar() {
	if p.err != nil {
		return
	}
	if !strings.HasPrefix(p.text[p.at:], " | ") {
		p.failf(p.at, "want \" | \" and a stage or the head, found %q", clip(p.text[p.at:]))
		return
	}
	p.at += 3
}

// word sets end to the next space and returns the text up to the first
// underscore.
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

func isHead(name string) bool {
	for _, row := range headTable {
		if row.name == name {
			return true
		}
	}
	return false
}

// segment reads the blocks of one stage.
func (p *parser) segment() (bs []Block) {
	if p.text[p.at:p.end] == "-" {
		p.at = p.end
		return nil
	}
	for p.err == nil {
		bs = append(bs, p.block())
		if p.err != nil || p.at >= len(p.text) || strings.HasPrefix(p.text[p.at:], " |") {
			break
		}
		p.at++ // the space
		p.word()
	}
	return bs
}

func (p *parser) block() (b Block) {
	start := p.at
	name := p.word()
	k, ok := parseKind(name)
	if !ok || k == skip {
		p.failf(start, "unknown block %q, want one of conv, grouped, ds, mbconv, fused, xception, or a head", clip(name))
		return b
	}
	b = Block{Kind: k, Dilation: 1, Groups: 1}
	p.at += len(name)
	p.expect("_k")
	b.Kernel = p.number("a kernel size")
	p.expect("_s")
	b.Stride = p.number("a stride")
	if p.accept("_d") {
		b.Dilation = p.above1("a dilation")
	}
	if k == Grouped {
		p.expect("_g")
		b.Groups = p.above1("a number of groups")
	}
	if k.has(gExpansion) {
		p.expect("_x")
		b.Expanded = p.number("expanded channels")
	}
	if k.has(gMultiplier) && p.accept("_m") {
		b.Multiplier = p.above1("a depthwise multiplier")
	}
	p.expect("_c")
	b.Channels = p.number("channels")
	p.expect("_")
	b.Activation = p.activation()
	if k == DS {
		p.expect("_")
		b.After, ok = parseAfter(p.ident())
		if !ok {
			p.failf(p.at, "want depthwise, pointwise or both: where the activation stands")
		}
	}
	if a := &b.Attention; k.has(gAttention) {
		switch {
		case p.accept("_se"):
			a.Kind, a.Squeeze = SE, p.number("squeeze channels")
			p.expect(":")
			a.Inner = p.activation()
			p.expect(":")
			a.Gate = p.activation()
		case p.accept("_eca"):
			a.Kind, a.Kernel = ECA, p.number("taps over channels")
		case p.accept("_cbam"):
			a.Kind, a.Squeeze = CBAM, p.number("squeeze channels")
		}
	}
	if k.has(gExperts) && p.accept("_q") {
		b.Experts = p.above1("a number of experts")
	}
	if k.has(gExperts) && p.accept("_p") {
		b.PointExperts = p.above1("a number of experts")
	}
	b.Residual = p.accept("_res")
	p.done()
	return b
}

func (p *parser) head() (h Head) {
	name := p.word()
	for k, row := range headTable {
		if row.name == name {
			h.Kind = HeadKind(k)
		}
	}
	row := headTable[h.Kind]
	p.at += len(name)
	if p.accept("_c") {
		h.Channels = p.number("channels")
	}
	if row.hidden && p.acceptNumbered("_h") {
		h.Hidden = p.number("hidden channels")
	}
	if row.rates && p.accept("_d") {
		h.Rates = append(h.Rates, p.above1("a dilation"))
		for p.accept(":") {
			h.Rates = append(h.Rates, p.above1("a dilation"))
		}
	}
	if row.low {
		p.expect("_t")
		h.Low = p.number("the number of a stage")
	}
	if h.acts() {
		p.expect("_")
		h.Activation = p.activation()
	}
	p.expect("_n")
	h.Classes = p.number("the number of classes")
	p.done()
	return h
}

// accept reads tok if it comes next.
func (p *parser) accept(tok string) bool {
	if p.err != nil || !strings.HasPrefix(p.text[p.at:p.end], tok) {
		return false
	}
	p.at += len(tok)
	return true
}

// acceptNumbered reads tok if it comes next and a digit follows: "_h" begins
// activations too.
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

// above1 reads a number that is left out where it is 1.
func (p *parser) above1(what string) int {
	at := p.at
	v := p.number(what)
	if p.err == nil && v == 1 {
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

func (p *parser) activation() blocks.ActFunc {
	at := p.at
	name := p.ident()
	if p.err != nil {
		return 0
	}
	f, err := blocks.ParseActFunc(name)
	if err != nil {
		p.failf(at, "unknown activation %q, want one of %s", clip(name), activationNames())
	}
	return f
}

// done wants the end of the word.
func (p *parser) done() {
	if p.err == nil && p.at < p.end {
		p.failf(p.at, "unknown token %q", clip(p.text[p.at:p.end]))
	}
}

// clip shortens text for an error.
func clip(s string) string {
	const most = 24
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

func activationNames() string {
	var names []string
	for _, f := range blocks.ActFuncs() {
		names = append(names, f.String())
	}
	return strings.Join(names, ", ")
}
